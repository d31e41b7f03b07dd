"""A model server for tests: what Hugging Face's answers look like, and how servers fail.

Files lie in `files`; behaviours are set in `behaviour` by file name. Every request is kept in `requests`.
"""
import hashlib
import http.server
import json
import threading
import urllib.parse


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Server:
    def __init__(self):
        self.files = {}
        self.behaviour = {}  # name -> dict: drop_after, ignore_range, wrong_length, status, times, wrong_hash, token, redirect …
        self.requests = []
        self.page_size = 1000
        self.listing = None
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_HEAD(self):
                owner.answer(self, head=True)

            def do_GET(self):
                owner.answer(self, head=False)

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # dropping connections is what this server is for

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def plain(self, handler, status, body=b"", headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def answer(self, handler, head):
        url = urllib.parse.urlsplit(handler.path)
        path = urllib.parse.unquote(url.path)
        self.requests.append((handler.command, path, dict(handler.headers)))
        if path.startswith("/api/models/"):
            return self.list(handler, url)
        name = path.split("/resolve/", 1)[1].split("/", 1)[1] if "/resolve/" in path else path.removeprefix("/cdn/")
        if name not in self.files:
            return self.plain(handler, 404, b"no")
        behaviour = self.behaviour.setdefault(name, {})
        if behaviour.get("token") and handler.headers.get("Authorization") != "Bearer " + behaviour["token"] and not path.startswith("/cdn/"):
            return self.plain(handler, 401, b"no")
        if behaviour.get("status") and behaviour.get("times", 1) > 0:
            behaviour["times"] = behaviour.get("times", 1) - 1
            return self.plain(handler, behaviour["status"], b"busy", behaviour.get("headers", ()))
        self.send_file(handler, name, path, behaviour, head)

    def list(self, handler, url):
        if self.listing is not None:
            return self.plain(handler, 200, self.listing)
        query = urllib.parse.parse_qs(url.query)
        begin = int(query.get("cursor", ["0"])[0])
        entries = []
        for name, data in sorted(self.files.items())[begin : begin + self.page_size]:
            entry = {"type": "file", "path": name, "size": len(data), "oid": git_sha1(data)}
            if name.endswith((".gguf", ".safetensors", ".bin")):
                digest = hashlib.sha256(data).hexdigest()
                if self.behaviour.get(name, {}).get("wrong_hash"):
                    digest = "0" * 64
                entry["lfs"] = {"oid": digest, "size": len(data)}
            entries.append(entry)
        headers = []
        if begin + self.page_size < len(self.files):
            headers.append(("Link", f'<{self.url}{url.path}?cursor={begin + self.page_size}>; rel="next"'))
        self.plain(handler, 200, json.dumps(entries).encode(), headers)

    def send_file(self, handler, name, path, behaviour, head):
        data = self.files[name]
        digest = hashlib.sha256(data).hexdigest()
        etag = '"' + digest[:16] + '"'
        linked = [] if behaviour.get("no_hash") else [("X-Linked-Etag", f'"{digest}"'), ("X-Linked-Size", str(len(data)))]
        if behaviour.get("redirect") and not path.startswith("/cdn/"):
            return self.plain(handler, 302, b"", [("Location", behaviour["redirect"] + "/cdn/" + name), *linked])
        begin = 0
        asked = handler.headers.get("Range")
        if asked and not behaviour.get("ignore_range"):
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if handler.headers.get("If-Range") not in (None, etag):
                begin = 0
        if begin and begin >= len(data):
            return self.plain(handler, 416, b"", [("Content-Range", f"bytes */{len(data)}")])
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        for header, value in linked:
            handler.send_header(header, value)
        handler.send_header("ETag", etag)
        length = len(data) - begin + behaviour.get("wrong_length", 0)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if head:
            return
        rest = data[begin:]
        drop = behaviour.get("drop_after")
        if drop is not None and behaviour.get("drops", 1000) > 0:
            behaviour["drops"] = behaviour.get("drops", 1000) - 1
            handler.wfile.write(rest[:drop])
            handler.wfile.flush()
            if len(rest) > drop:
                handler.close_connection = True
                handler.connection.close()
            return
        if behaviour.get("corrupt"):
            rest = rest[:-1] + bytes([rest[-1] ^ 1])
        handler.wfile.write(rest)
        if behaviour.get("wrong_length"):
            handler.close_connection = True
