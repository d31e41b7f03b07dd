#!/usr/bin/env python3
"""`corpus prepare` from outside: killed, stopped, fed with broken files: prepare_test.py ONMAL"""
import collections
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import end_to_end
from end_to_end import SOURCE, make_data, run


def words_of(name):
    return [w for w in re.findall(r"[가-힣]{2,6}" if name == "ko" else r"[a-z]{2,12}",
                                  (SOURCE / "samples" / f"{name}.txt").read_text(encoding="utf-8"))]


class Writer:
    """Texts of made-up sentences."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.korean = sorted(set(words_of("ko")))

    def sentence(self):
        return " ".join(self.random.choices(self.korean, k=self.random.randint(6, 12))) + " 했습니다."

    def document(self, sentences=8):
        lines = [" ".join(self.sentence() for _ in range(2)) for _ in range(sentences // 2)]
        return "\n".join(lines)


def tree(folder):
    """Every file of an output but for the work folder, by a hash."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(pathlib.Path(folder).rglob("*"))
            if path.is_file() and "work" not in path.relative_to(folder).parts}


def lines(folder, kind="text"):
    return [json.loads(line) for path in sorted((pathlib.Path(folder) / kind).glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()]


class PrepareTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-prepare-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        make_data(cls.folder)
        cls.data = cls.folder / "data"
        cls.data.mkdir()
        cls.make_corpus()

    @classmethod
    def make_corpus(cls):
        """Two sources of documents, some equal, some nearly, some in the evaluation set."""
        writer = Writer(1)
        documents = [writer.document() for _ in range(1500)]
        copies = [documents[i] for i in range(0, 300, 3)]
        edited = [documents[i].replace("했습니다.", "하였습니다.", 1) for i in range(1, 300, 3)]
        footer = "이 글의 모든 권리는 우리 모임에 있으니 널리 알려 주시기를 바랍니다"
        marked = [writer.document() + "\n" + footer for _ in range(40)]
        private = [writer.document() + f"\n{writer.sentence()} 연락처는 010-1234-5678, kim.chulsoo@example.com 입니다." for _ in range(20)]
        cls.secret = writer.document()
        leaked = [writer.document() + "\n" + cls.secret + "\n" + writer.document() for _ in range(5)]
        with gzip.open(cls.data / "a.jsonl.gz", "wt", encoding="utf-8") as file:
            for text in documents + marked + private:
                file.write(json.dumps({"text": text, "url": "http://example.com/?a=1&b"}, ensure_ascii=False) + "\n")
        with open(cls.data / "b.txt", "w", encoding="utf-8") as file:
            for text in copies + edited + leaked + [writer.document() for _ in range(1500)]:
                file.write(text + "\n\n")
        (cls.folder / "secret.jsonl").write_text(json.dumps({"question": cls.secret}, ensure_ascii=False) + "\n", "utf-8")
        (cls.folder / "corpus.toml").write_text(
            '[[text]]\npath = "a.jsonl.gz"\nformat = "jsonl"\nfields = ["text"]\nrepeat = 2\n'
            '[[text]]\npath = "b.txt"\nformat = "paragraphs"\nweight = 0.5\n'
            '[[conversation]]\npath = "c.json"\nformat = "json"\n', encoding="utf-8")

    def command(self, output, threads, *more):
        return ["-t", threads, "corpus", "prepare", "--corpus", self.folder / "corpus.toml", "--data", self.data,
                "-t", self.folder / "tokenizer.json", "--evaluation", self.folder / "secret.jsonl", "--part-size", 60000,
                "-o", output, *more]

    def prepare(self, output, threads=2, *more):
        done = run(*self.command(output, threads, *more))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_every_stage_does_its_work_and_accounts_for_it(self):
        output = self.folder / "stages"
        totals = json.loads(self.prepare(output, 2, "--json").stdout)
        report = json.loads((output / "report.json").read_text(encoding="utf-8"))
        self.assertEqual(totals["read"]["items"], 1500 + 40 + 20 + 100 + 100 + 5 + 1500)
        self.assertEqual(totals["dropped"]["exact_duplicate"]["items"], 100)
        self.assertEqual(totals["dropped"]["near_duplicate"]["items"], 100)
        self.assertEqual(totals["dropped"]["contaminated"]["items"], 5)
        self.assertEqual(totals["cut"]["repeated_paragraph"]["items"], 40)
        self.assertEqual(totals["masked"]["phone"]["items"], 20)
        self.assertEqual(totals["masked"]["email"]["items"], 20)
        # What was cleaned is either dropped, cut away or written: nothing vanishes.
        dropped = totals["dropped"]
        after = ["exact_duplicate", "near_duplicate", "contaminated", "unsampled"]
        for unit in ("items", "bytes"):
            left = sum(dropped[name][unit] for name in after) + totals["train"][unit] + totals["heldout"][unit]
            cut = totals["cut"]["repeated_paragraph"]["bytes"] if unit == "bytes" else 0
            self.assertEqual(totals["cleaned"][unit], left + cut, unit)
        train, heldout = lines(output), lines(output, "heldout")
        self.assertEqual(len(train), totals["train"]["items"])
        self.assertEqual(len(heldout), totals["heldout"]["items"])
        self.assertGreater(len(heldout), 0)
        text = "\n".join(line["text"] for line in train + heldout)
        for gone in ("010-1234-5678", "kim.chulsoo", self.secret, "널리 알려 주시기를"):
            self.assertNotIn(gone, text)
        self.assertIn("<전화번호>", text)
        for file in ("report.json", "report.html"):
            content = (output / file).read_text(encoding="utf-8")
            self.assertNotIn("010-1234-5678", content)
            self.assertNotIn("kim.chulsoo", content)
            self.assertNotIn(str(self.folder), content)
        self.assertEqual(report["totals"]["train"]["items"], len(train))
        self.assertTrue(all(line["repeat"] == 2 for line in train if line["source"] == "a.jsonl.gz"))
        half = dropped["unsampled"]["items"] / (1500 + 100)
        self.assertTrue(0.42 < half < 0.58, half)

    def test_moderation_tags_or_drops(self):
        data = self.folder / "spoken"
        data.mkdir()
        writer = Writer(7)
        clean = [writer.document() for _ in range(30)]
        rude = [f"{writer.document()} 이 개새끼야 시발 좆같은 새끼들 다 꺼져라." for _ in range(5)]
        with open(data / "a.jsonl", "w", encoding="utf-8") as file:
            for text in clean + rude:
                file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        for how, tagged, refused in (((), 0, 0), (("--moderate", "tag"), 5, 0), (("--moderate", "drop"), 0, 5)):
            output = self.folder / ("spoken-" + "".join(how))
            done = run("corpus", "prepare", data, "-o", output, "--json", *how)
            self.assertEqual(done.returncode, 0, done.stderr)
            totals = json.loads(done.stdout)
            self.assertEqual(totals.get("dropped", {}).get("refused_content", {"items": 0})["items"], refused, how)
            self.assertEqual(totals.get("tagged", {"items": 0})["items"], tagged, how)
            written = lines(output) + lines(output, "heldout")
            self.assertEqual(sum("profanity" in line.get("tags", []) for line in written), tagged, how)
            self.assertEqual(len(written), 35 - refused)
        again = run("corpus", "prepare", data, "-o", self.folder / "spoken-", "--moderate", "tag")
        self.assertEqual(again.returncode, 1)  # another run's folder
        self.assertEqual(run("corpus", "prepare", data, "-o", self.folder / "never", "--policy", __file__).returncode, 2)

    def test_documents_are_traced_to_their_source(self):
        output = self.folder / "traced"
        self.prepare(output)
        with gzip.open(self.data / "a.jsonl.gz", "rb") as file:
            packed = file.read()
        plain = (self.data / "b.txt").read_bytes()
        seen = collections.Counter()
        for line in lines(output):
            first = line["text"].split("\n")[0]
            if line["source"] == "a.jsonl.gz":
                raw = packed[line["offset"]:].split(b"\n", 1)[0]
                self.assertEqual(packed[:line["offset"]].count(b"\n") + 1, line["record"])
                self.assertTrue(json.loads(raw)["text"].startswith(first))
            else:
                self.assertTrue(plain[line["offset"]:].startswith(first.encode()))
                self.assertEqual(plain[:line["offset"]].count(b"\n") + 1, line["record"])
            seen[line["source"]] += 1
        self.assertEqual(set(seen), {"a.jsonl.gz", "b.txt"})

    def test_threads_and_memory_change_nothing(self):
        self.prepare(self.folder / "one", 1)
        self.prepare(self.folder / "four", 4, "--memory", "64MB")
        self.assertEqual(tree(self.folder / "one"), tree(self.folder / "four"))

    def test_killed_at_any_moment_and_resumed_gives_the_same_bytes(self):
        whole = self.folder / "whole"
        start = time.monotonic()
        self.prepare(whole)
        seconds = time.monotonic() - start
        expected = tree(whole)
        self.assertIn("train.tok", expected)
        chance = random.Random(7)
        kills = rounds = 0
        while kills < 20:
            rounds += 1
            self.assertLess(rounds, 60)
            output = self.folder / f"killed{rounds}"
            for _ in range(100):
                with subprocess.Popen([end_to_end.ONMAL, *map(str, self.command(output, chance.choice([1, 2, 3])))],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                    try:
                        process.wait(chance.uniform(0, seconds))
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGKILL)
                        kills += 1
                    error = process.communicate()[1]
                if process.returncode == 0:
                    break
                self.assertEqual(process.returncode, -signal.SIGKILL, error)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(tree(output), expected)
            shutil.rmtree(output)

    def test_interrupt_stops_cleanly_and_goes_on_later(self):
        output = self.folder / "interrupted"
        with subprocess.Popen([end_to_end.ONMAL, *map(str, self.command(output, 1))], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, encoding="utf-8") as process:
            while not list(output.glob("work/part-*.json")):
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
            error = process.communicate()[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn("stopped", error)
        self.assertEqual(list(output.rglob("*.part-*")), [])
        self.assertIn("going on behind part", self.prepare(output).stderr)
        again = self.prepare(output)
        self.assertIn("done before", again.stdout)

    def test_another_run_in_the_folder_is_refused(self):
        output = self.folder / "other"
        self.prepare(output)
        done = run(*self.command(output, 1, "--near", "0.9"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("--fresh", done.stderr)
        self.prepare(output, 1, "--near", "0.9", "--fresh")

    def test_broken_sources_are_told_and_passed_over(self):
        writer = Writer(2)
        odd = self.folder / "odd"
        odd.mkdir()
        texts = {name: writer.document() for name in ("cp949", "utf16", "cut", "good", "line")}
        (odd / "cp949.txt").write_bytes(texts["cp949"].encode("cp949"))
        (odd / "utf16.txt").write_bytes(b"\xff\xfe" + (texts["utf16"] + "\n\n").encode("utf-16le"))
        packed = gzip.compress("".join(texts["cut"] + "\n\n" + writer.document() + "\n\n" for _ in range(300)).encode())
        (odd / "cut.txt.gz").write_bytes(packed[:len(packed) // 2])
        (odd / "good.txt").write_text(texts["good"], encoding="utf-8")
        (odd / "garbage.jsonl").write_bytes(b'{"text": "\xff\xfe\n[1]\n' + bytes(range(256)) + b"\n")
        (odd / "empty.txt").write_bytes(b"")
        with open(odd / "line.txt", "wb") as file:  # one line of a GB
            file.write(b"x" * 10)
            file.truncate(1 << 30)
            file.seek(0, os.SEEK_END)
            file.write(("\n\n" + texts["line"]).encode())
        os.mkfifo(odd / "pipe.txt")
        (odd / "unreadable.txt").write_text(writer.document(), encoding="utf-8")
        (odd / "unreadable.txt").chmod(0)
        (odd / "gone.txt").symlink_to(self.folder / "nowhere")
        description = self.folder / "odd.toml"
        names = sorted(p.name for p in odd.iterdir()) + ["missing.txt"]
        description.write_text("".join(f'[[text]]\npath = "{name}"\n' for name in names), encoding="utf-8")
        output = self.folder / "odd-out"
        done = run("corpus", "prepare", "--corpus", description, "--data", odd, "-o", output, "--json", "--longest-document",
                   100000)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads((output / "report.json").read_text(encoding="utf-8"))
        faults = {fault["source"]: fault["what"] for fault in report["faults"]}
        self.assertIn("ends in the middle", faults["cut.txt.gz"])
        self.assertIn("longer than", faults["line.txt"])
        self.assertIn("cannot open", faults["missing.txt"])
        self.assertIn("cannot open", faults["gone.txt"])
        self.assertIn("no regular file", faults["pipe.txt"])
        self.assertIn("garbage.jsonl", faults)
        expected = {"pipe.txt", "cut.txt.gz", "line.txt", "missing.txt", "garbage.jsonl", "gone.txt"}
        if os.geteuid() != 0:
            self.assertIn("cannot open", faults["unreadable.txt"])
            expected.add("unreadable.txt")
        self.assertEqual(set(faults), expected)
        for name in expected:
            self.assertIn(name, done.stderr)
        written = {line["source"]: line["text"] for line in lines(output)}
        for name, text in texts.items():
            found = [line["text"] for line in lines(output) + lines(output, "heldout") if line["source"].startswith(name)]
            self.assertIn(text, found, name)
        self.assertNotIn("empty.txt", written)

    def test_folders_and_usage(self):
        output = self.folder / "files"
        done = run("corpus", "prepare", self.data, "-o", output, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["read"]["items"], 3265)
        self.assertIn("data/a.jsonl.gz", {line["source"] for line in lines(output)})
        for arguments in ([], [self.data, "--corpus", self.folder / "corpus.toml"], [self.data, "--language", "klingon"],
                          [self.folder / "nowhere.txt"], [self.data, "--memory", "lots"]):
            done = run("corpus", "prepare", *arguments, "-o", self.folder / "never")
            self.assertEqual(done.returncode, 2, arguments)
        self.assertFalse((self.folder / "never").exists())
        done = run("corpus", "prepare", self.data, "-o", self.folder / "never", "--memory", "1MB")
        self.assertEqual(done.returncode, 1)
        self.assertIn("64 MiB", done.stderr)


if __name__ == "__main__":
    end_to_end.main()
