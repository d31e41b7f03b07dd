#!/usr/bin/env python3
"""Mixed load on onmal serve with clients that vanish: memory before and after, and every answer that was no success.

usage: serve_soak.py ONMAL MODEL [--seconds 600] [--clients 8]
"""
import argparse
import collections
import http.client
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

CHAT = {"messages": [{"role": "user", "content": "오늘 기분이 좀 우울해요"}]}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {
    "type": "object", "properties": {"이름": {"type": "string", "maxLength": 10}}, "required": ["이름"]}}}


def requests(rng):
    kind = rng.choice(["chat", "stream", "vanish", "schema", "moderate", "tokens", "bad", "ask", "embed"])
    seed = rng.randrange(1000)
    if kind == "bad":
        return kind, "/v1/chat/completions", {"messages": "no"}, 400
    if kind == "embed":
        return kind, "/v1/embeddings", {"input": "a"}, 404
    if kind == "moderate":
        return kind, "/v1/moderations", {"input": "좋은 아침입니다 " * rng.randrange(1, 50)}, 200
    if kind == "tokens":
        return kind, "/api/tokens", {"text": "나는 학교에 갔다. " * rng.randrange(1, 100)}, 200
    if kind == "ask":
        return kind, "/api/ask", {"question": "휴가는 며칠인가요?"}, 200
    more = {"response_format": SCHEMA, "max_tokens": 60} if kind == "schema" else {"max_tokens": rng.randrange(1, 120)}
    return kind, "/v1/chat/completions", {**CHAT, **more, "seed": seed, "stream": kind in ("stream", "vanish")}, 200


def client(port, number, until, counts, wrong):
    rng = random.Random(number)
    while time.monotonic() < until:
        kind, path, body, expected = requests(rng)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            if kind == "vanish":
                time.sleep(rng.uniform(0, 0.05))
            else:
                answer = connection.getresponse()
                data = answer.read()
                if answer.status != expected:
                    wrong.append((kind, answer.status, data[:200]))
            counts[kind] += 1
        except OSError as error:
            wrong.append((kind, repr(error)))
        finally:
            connection.close()


def resident_kb(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("onmal")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-soak-"))
    process = subprocess.Popen([options.onmal, "serve", "-m", options.model, "--port", "0", "-k", folder / "store.db"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        counts, wrong, sizes, slowest = collections.Counter(), [], [], []
        begin = time.monotonic()
        threads = [threading.Thread(target=client, args=(port, i, begin + options.seconds, counts, wrong))
                   for i in range(options.clients)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.2)
            asked = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            connection.close()
            slowest.append(time.monotonic() - asked)
            sizes.append(resident_kb(process))
        early = sizes[len(sizes) // 4]
        slowest.sort()
        print(json.dumps({"seconds": options.seconds, "requests": dict(counts), "wrong": len(wrong),
                          "first_wrong": [str(row) for row in wrong[:5]], "resident_kb_after_a_quarter": early,
                          "resident_kb_at_the_end": sizes[-1], "growth": sizes[-1] / early - 1,
                          "healthz_p99_ms": 1000 * slowest[int(len(slowest) * 0.99)]}, ensure_ascii=False))
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
