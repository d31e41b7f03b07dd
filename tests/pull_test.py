#!/usr/bin/env python3
"""`onmal pull` against servers that behave and servers that do not.

usage: pull_test.py ONMAL
"""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import hub_server

ONMAL = None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class PullTest(unittest.TestCase):
    def setUp(self):
        self.server = hub_server.Server()
        self.addCleanup(self.server.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = os.urandom(300_000)
        self.server.files = {"config.json": b'{"a": 1}\n', "sub/model.gguf": self.data}

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if name != "HF_TOKEN" and "proxy" not in name.lower()}
        return {**kept, "HF_ENDPOINT": self.server.url, **more}

    def pull(self, *arguments, output="out", expect=0, **more):
        command = [ONMAL, "--json", "pull", *arguments, "-o", str(self.folder / output), "--retry-wait", "10"]
        run = subprocess.run(command, capture_output=True, text=True, env=self.environment(**more), timeout=60)
        self.assertEqual(run.returncode, expect, run.stderr + run.stdout)
        answer = json.loads(run.stdout)
        return answer["files"] if expect == 0 else answer["error"]["message"]

    def left(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def file(self, *arguments, **more):
        return self.pull("hf:org/repo/sub/model.gguf", *arguments, **more)

    def bytes_asked(self):
        return [headers.get("Range") for method, path, headers in self.server.requests if method == "GET" and "resolve" in path]

    def test_a_whole_repository(self):
        files = self.pull("hf:org/repo")
        self.assertEqual([pathlib.Path(file["path"]).name for file in files], ["config.json", "model.gguf"])
        self.assertEqual(files[1]["sha256"], sha256(self.data))
        self.assertEqual(files[1]["bytes"], len(self.data))
        self.assertEqual((self.folder / "out/sub/model.gguf").read_bytes(), self.data)
        self.assertEqual(self.left(), ["out/config.json", "out/sub/model.gguf"])
        before = len(self.server.requests)
        self.pull("hf:org/repo")  # nothing is fetched twice
        self.assertEqual(len(self.server.requests), before + 1)

    def test_one_file_a_revision_and_patterns(self):
        self.assertEqual(self.file()[0]["sha256"], sha256(self.data))
        self.assertEqual(self.left(), ["out/model.gguf"])
        self.pull("hf:org/repo@v1.0", "--include", "*.json", output="json")
        self.assertEqual(self.left(), ["json/config.json", "out/model.gguf"])
        self.assertTrue(any("/resolve/v1.0/config.json" in path for _, path, _ in self.server.requests))
        self.pull("hf:org/repo", "--include", "*.txt", expect=1)

    def test_pages_of_a_listing(self):
        self.server.page_size = 1
        self.assertEqual(len(self.pull("hf:org/repo")), 2)

    def test_dropped_connections_go_on(self):
        self.server.behaviour["sub/model.gguf"] = {"drop_after": 70_000}
        self.file()
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)
        self.assertEqual(self.bytes_asked(), [None] + [f"bytes={70_000 * i}-" for i in range(1, 5)])
        tags = [headers.get("If-Range") for method, path, headers in self.server.requests if headers.get("Range")]
        self.assertTrue(all(tags))

    def test_a_server_that_never_gets_anywhere(self):
        self.server.behaviour["sub/model.gguf"] = {"drop_after": 0}
        message = self.file("--retries", "2", expect=1)
        self.assertIn("3 tries", message)
        self.assertEqual(self.left(), [])

    def test_an_interrupted_download_is_continued(self):
        self.server.behaviour["sub/model.gguf"] = {"drop_after": 100_000, "drops": 1}
        self.file("--retries", "0", expect=1)
        self.assertEqual(self.left(), ["out/model.gguf.part"])
        self.assertEqual((self.folder / "out/model.gguf.part").read_bytes(), self.data[:100_000])
        self.server.requests.clear()
        self.file()
        self.assertEqual(self.bytes_asked(), ["bytes=100000-"])
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)
        self.assertEqual(self.left(), ["out/model.gguf"])

    def test_ctrl_c_leaves_the_part(self):
        self.server.behaviour["sub/model.gguf"] = {"drop_after": 50_000, "drops": 1}
        command = [ONMAL, "pull", "hf:org/repo/sub/model.gguf", "-o", str(self.folder), "--retry-wait", "60000"]
        process = subprocess.Popen(command, env=self.environment(), stderr=subprocess.PIPE)
        part = self.folder / "model.gguf.part"
        for _ in range(500):
            if part.exists() and part.stat().st_size == 50_000:
                break
            time.sleep(0.02)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        self.assertEqual(process.returncode, 1)
        self.assertEqual(self.left(), ["model.gguf.part"])

    def test_a_server_without_ranges(self):
        (self.folder / "out").mkdir()
        (self.folder / "out/model.gguf.part").write_bytes(self.data[:1000])
        self.server.behaviour["sub/model.gguf"] = {"ignore_range": True}
        self.file()
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)

    def test_a_part_of_another_version(self):
        for old in (b"x" * 1000, b"x" * 300_000, b"x" * 400_000):
            (self.folder / "out").mkdir(exist_ok=True)
            (self.folder / "out/model.gguf.part").write_bytes(old)
            self.file()
            self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)
            self.assertEqual(self.left(), ["out/model.gguf"])
            (self.folder / "out/model.gguf").unlink()

    def test_a_file_that_changed_is_fetched_again(self):
        (self.folder / "out").mkdir()
        (self.folder / "out/model.gguf").write_bytes(b"y" * 300_000)
        self.file()
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)

    def test_without_any_checksum(self):
        self.server.behaviour["sub/model.gguf"] = {"no_hash": True, "drop_after": 200_000}
        self.assertEqual(self.file()[0]["sha256"], sha256(self.data))

    def test_wrong_lengths(self):
        self.server.behaviour["sub/model.gguf"] = {"wrong_length": 10}
        self.file("--retries", "1", expect=1)
        self.assertNotIn("out/model.gguf", self.left())
        self.server.behaviour["sub/model.gguf"] = {"wrong_length": -10}
        self.file("--retries", "1", expect=1)
        self.assertNotIn("out/model.gguf", self.left())

    def test_wrong_bytes_and_wrong_hashes(self):
        self.server.behaviour["sub/model.gguf"] = {"corrupt": True}
        self.assertIn("sha256", self.file(expect=1))
        self.assertEqual(self.left(), [])
        self.server.behaviour["sub/model.gguf"] = {"wrong_hash": True}
        self.assertIn("sha256", self.pull("hf:org/repo", "--include", "*.gguf", expect=1))
        self.assertEqual(self.left(), [])
        self.server.behaviour["config.json"] = {"corrupt": True}
        self.assertIn("git id", self.pull("hf:org/repo", "--include", "*.json", expect=1))
        self.assertEqual(self.left(), [])

    def test_a_checksum_of_the_users(self):
        self.file("--sha256", sha256(self.data).upper())
        self.assertIn("expected", self.file("--sha256", "1" * 64, output="other", expect=1))
        self.assertEqual(self.left(), ["out/model.gguf"])
        self.pull("hf:org/repo", "--sha256", "1" * 64, output="other", expect=1)
        self.server.behaviour["sub/model.gguf"] = {"no_hash": True}
        self.assertIn("sha256", self.file("--sha256", "1" * 64, output="other", expect=1))
        self.assertEqual(self.left(), ["out/model.gguf"])

    def test_refusals(self):
        self.assertIn("404", self.pull("hf:org/repo/none.gguf", expect=1))
        self.server.behaviour["sub/model.gguf"] = {"token": "secret"}
        self.assertIn("HF_TOKEN", self.file(expect=1))
        self.file(HF_TOKEN="secret")
        self.server.behaviour["sub/model.gguf"] = {"status": 403, "times": 9}
        self.assertIn("403", self.file(output="other", expect=1))
        self.assertEqual(self.left(), ["out/model.gguf"])

    def test_passing_failures(self):
        for status, headers in ((500, ()), (503, ()), (429, (("Retry-After", "1"),))):
            self.server.behaviour["sub/model.gguf"] = {"status": status, "times": 2, "headers": headers}
            begin = time.monotonic()
            self.file(output=str(status))
            self.assertTrue(headers == () or time.monotonic() - begin > 1.9)
        self.server.behaviour["sub/model.gguf"] = {"status": 500, "times": 99}
        self.assertIn("500", self.file("--retries", "2", output="never", expect=1))

    def test_the_token_goes_to_no_other_host(self):
        other = hub_server.Server()
        self.addCleanup(other.close)
        other.files = self.server.files
        self.server.behaviour["sub/model.gguf"] = {"token": "secret", "redirect": other.url}
        self.file(HF_TOKEN="secret")
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)
        self.assertTrue(other.requests)
        self.assertTrue(all("Authorization" not in headers for _, _, headers in other.requests))
        self.assertTrue(all(headers.get("Authorization") == "Bearer secret" for _, _, headers in self.server.requests))
        self.server.behaviour["sub/model.gguf"] = {"redirect": "file:///etc"}
        self.assertIn("redirect", self.file(output="bad", expect=1))

    def test_names_that_lead_out(self):
        for name in ("../evil", "/tmp/evil", "a/../../evil", "a\\..\\evil", "evil\0.json", ""):
            self.server.listing = json.dumps([{"type": "file", "path": name, "size": 1}]).encode()
            self.pull("hf:org/repo", expect=1)
            self.assertEqual(self.left(), [])
        self.server.listing = b"<html>"
        self.assertIn("JSON", self.pull("hf:org/repo", expect=1))

    def test_a_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        # A limit on the size of files stands for a full disk: writing fails on the way.
        command = f"ulimit -f 100; exec {ONMAL} --json pull hf:org/repo/sub/model.gguf -o {self.folder}/out"
        run = subprocess.run(["bash", "-c", "trap '' XFSZ; " + command], capture_output=True, text=True, env=self.environment(), timeout=60)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(self.left(), ["out/model.gguf.part"])
        self.file()
        self.assertEqual((self.folder / "out/model.gguf").read_bytes(), self.data)

    def test_bad_usage(self):
        for bad in ("org/repo", "hf:repo", "hf:../x", "hf:org/repo/../../x"):
            self.pull(bad, expect=1)
        self.file("--sha256", "12", expect=2)

    def test_nobody_answers(self):
        self.assertIn("onnect", self.file("--retries", "1", expect=1, HF_ENDPOINT="http://127.0.0.1:9"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ONMAL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
