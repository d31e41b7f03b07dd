#!/usr/bin/env python3
"""onmal serve among bad clients and bad luck: keys that are guessed, TLS, slow, many and lying clients, kill -9.

usage: serve_hostile_test.py ONMAL
"""
import contextlib
import io
import json
import pathlib
import resource
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import zipfile

import end_to_end
import serve_test
from serve_test import Server, chat, upload

HEALTH_SECONDS = 10  # that a healthy server may take to say so on a machine that is very busy


def request(body, path="/v1/chat/completions"):
    data = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


class HostileTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-serve-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def serve(self, *arguments):
        server = Server(self.folder, *arguments)
        self.addCleanup(server.kill)
        return server

    def assert_healthy(self, server):
        began = time.monotonic()
        self.assertEqual(server.call("GET", "/healthz")[0], 200)
        self.assertLess(time.monotonic() - began, HEALTH_SECONDS)

    def test_guessed_keys_are_held_up_and_no_secret_is_written(self):
        made = subprocess.run([end_to_end.ONMAL, "serve", "--new-key", "kim", "--api-keys", self.folder / "keys"],
                              capture_output=True, text=True, check=True)
        key = made.stdout.strip()
        server = self.serve("--api-keys", self.folder / "keys", "--audit", self.folder / "audit.jsonl")
        right = {"Authorization": f"Bearer {key}"}
        statuses = [server.call("GET", "/v1/models", headers={"Authorization": f"Bearer guess-{i}-secretive"})[0]
                    for i in range(40)]
        self.assertEqual(set(statuses), {401, 429})
        self.assertEqual(statuses[:10], [401] * 10)
        limited, data, headers = server.call("GET", "/v1/models", headers={"Authorization": "Bearer guess-secretive"})
        if limited == 429:  # a very slow machine may have waited long enough
            self.assertEqual(json.loads(data)["error"]["code"], "too_many_wrong_keys")
            self.assertGreaterEqual(int(headers["Retry-After"]), 1)
        self.assertEqual(server.call("GET", "/v1/models", headers=right)[0], 200)
        secret = "비밀스러운말"
        server.ask("/v1/chat/completions", chat(messages=[{"role": "user", "content": secret}]), headers=right)
        server.call("GET", f"/nothing/{key}?key={key}", headers=right)
        server.call("GET", f"/v1/models/{key}", headers=right)
        server.call("POST", "/v1/chat/completions", secret.encode() + b"{", headers=right)
        metrics = server.call("GET", "/metrics", headers=right)[1].decode()
        self.assertEqual(server.end(), 0)
        audit = (self.folder / "audit.jsonl").read_text(encoding="utf-8")
        said = (self.folder / "said.txt").read_text(encoding="utf-8")
        self.assertIn('"status":429', audit)
        for text in (audit, said, metrics, (self.folder / "keys").read_text()):
            for hidden in (key, "secretive", secret):
                self.assertNotIn(hidden, text)

    def test_tls_from_outside(self):
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        server = self.serve("--tls-certificate", certificate, "--tls-key", key)

        def ask(context, name="localhost"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=60) as plain, \
                    context.wrap_socket(plain, server_hostname=name) as stream:
                stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                data, spoken = b"", stream.version()
                while part := stream.recv(65536):
                    data += part
                return data, spoken
        trusting = ssl.create_default_context(cafile=certificate)
        data, version = ask(trusting)
        self.assertTrue(data.startswith(b"HTTP/1.1 200"), data)
        self.assertEqual(version, "TLSv1.3")
        trusting.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertEqual(ask(trusting)[1], "TLSv1.2")
        with self.assertRaises(ssl.SSLCertVerificationError):
            ask(ssl.create_default_context())
        with self.assertRaises(ssl.SSLCertVerificationError):
            ask(ssl.create_default_context(cafile=certificate), "evil.example")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with contextlib.suppress(ValueError):
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            ask(old)
        # Plain HTTP is told so; noise and a broken handshake are closed.
        status, data, _ = server.call("POST", "/v1/chat/completions", chat())
        self.assertEqual((status, json.loads(data)["error"]["code"]), (400, "https_needed"))
        for noise in (b"\x16\x03\x01\x00\x05hello", b"\x00" * 100):
            with socket.create_connection(("127.0.0.1", server.port), timeout=60) as one:
                one.sendall(noise)
                one.settimeout(60)
                with contextlib.suppress(ConnectionError):
                    while one.recv(65536):
                        pass
        self.assertTrue(ask(ssl.create_default_context(cafile=certificate))[0].startswith(b"HTTP/1.1 200"))
        self.assertEqual(server.end(), 0)

    def test_uploads_stay_in_their_folder_and_unpack_within_limits(self):
        server = self.serve()
        self.assert_healthy(server)
        names = ["../../evil.txt", "/tmp/onmal-evil.txt", "..\\..\\evil.txt", "a/../../../evil.txt", "%2e%2e/evil.txt", "..", ".",
                 ".hidden", "\x01evil.txt", "e" * 5000 + ".txt"]
        body, headers = upload([(name, f"문서 하나의 내용이다 {i}".encode()) for i, name in enumerate(names)])
        self.assertEqual(server.call("POST", "/api/collections/c/documents", body, headers)[0], 200)
        for name in ("..", "..%2F..%2Fc", ".", "%2e%2e", "a%2Fb", "a%5Cb%00"):
            status = server.call("POST", f"/api/collections/{name}/documents", body, headers)[0]
            self.assertIn(status, (400, 404), name)
        written = [path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()]
        inside = pathlib.Path("store.db.files", "c")
        for path in written:
            self.assertTrue(path.parent == inside or path.name.startswith(("store.db", "said.txt")), path)
            self.assertFalse(path.name.startswith(".."), path)
        self.assertFalse(pathlib.Path("/tmp/onmal-evil.txt").exists())
        self.assertFalse((self.folder.parent / "evil.txt").exists())
        # 320 MB of zeros in a third of a megabyte.
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package, package.open("word/document.xml", "w") as part:
            for _ in range(320):
                part.write(b"\0" * (1 << 20))
        before = server.resident_kb()
        body, headers = upload([("bomb.docx", bomb.getvalue())])
        status, data, _ = server.call("POST", "/api/collections/c/documents", body, headers)
        self.assertEqual(status, 200)
        self.assertIn(b'"type":"refused"', data)
        self.assertNotIn(b'"type":"document"', data)
        self.assertLess(server.resident_kb() - before, 200_000)
        self.assert_healthy(server)
        self.assertEqual(server.end(), 0)

    def test_a_thousand_waiting_streams_and_dripping_heads(self):
        server = self.serve("--queue", "2000", "--parallel", "1")
        server.ask("/v1/chat/completions", chat())  # the model is there
        before = server.resident_kb()
        with contextlib.ExitStack() as open_files:
            streams = [open_files.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
                       for _ in range(1000)]
            for one in streams:
                one.sendall(request(chat(max_tokens=900, stream=True)))
            for one in streams:
                self.assertTrue(one.recv(12).startswith(b"HTTP/1.1 200"))
            above = (server.resident_kb() - before) / 1024
            print(f"1,000 streams that wait: {above:.1f} MB")
            self.assertLess(above, 300)
            dripping = [open_files.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                        for _ in range(500)]
            for byte in b"GET /v":
                for one in dripping:
                    one.sendall(bytes([byte]))
                self.assert_healthy(server)
        self.assert_healthy(server)
        self.assertTrue(server.ask("/v1/chat/completions", chat())["choices"])
        self.assertEqual(server.end(), 0)

    def test_a_kill_during_chats_leaves_nothing_broken(self):
        audit = self.folder / "audit.jsonl"
        for _ in range(2):
            server = self.serve("--audit", audit)
            chunks = []

            def talk():
                with contextlib.suppress(OSError), \
                        socket.create_connection(("127.0.0.1", server.port), timeout=60) as one:
                    one.sendall(request(chat(max_tokens=900, stream=True)))
                    while part := one.recv(65536):
                        chunks.append(part)
            threads = [threading.Thread(target=talk) for _ in range(6)]
            for thread in threads:
                thread.start()
            until = time.monotonic() + 60
            while len(chunks) < 12 and time.monotonic() < until:
                time.sleep(0.01)
            self.assertGreaterEqual(len(chunks), 12)
            server.kill()
            for thread in threads:
                thread.join()
        server = self.serve("--audit", audit)
        self.assertTrue(server.ask("/v1/chat/completions", chat())["choices"])
        self.assertEqual(server.end(), 0)
        for line in audit.read_text().splitlines():
            json.loads(line)

    def test_ten_thousand_connections_or_as_many_as_may_be(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        count = min(10_000, most - 500)
        server = self.serve()
        server.ask("/v1/chat/completions", chat())
        before = server.resident_kb()
        slowest = 0
        with contextlib.ExitStack() as open_files:
            for i in range(count - 50):
                one = open_files.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
                if i % 2:
                    one.sendall(b"GET /healthz HT")
                if i % 500 == 0:
                    began = time.monotonic()
                    self.assertEqual(server.call("GET", "/healthz")[0], 200)
                    slowest = max(slowest, time.monotonic() - began)
            self.assertTrue(server.ask("/v1/chat/completions", chat())["choices"])
            print(f"{count - 50} connections: {(server.resident_kb() - before) / 1024:.1f} MB, "
                  f"slowest healthz {1000 * slowest:.0f} ms")
        self.assertLess(slowest, HEALTH_SECONDS)
        self.assert_healthy(server)
        self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    end_to_end.main()
