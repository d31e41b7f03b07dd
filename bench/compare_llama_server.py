#!/usr/bin/env python3
"""onmal serve beside llama.cpp's llama-server: same file, same threads, taking turns in one run.

Tokens/s of all requests together at 1, 8 and 32 parallel ones (greedy, short prompts that differ), and the time to
the first token behind a prompt of 2,000 tokens, seen for the first time and with another ending. Medians over the rounds.

    bench/compare_llama_server.py --llama-server PATH --onmal PATH MODEL.gguf [--threads 2] [--rounds 5] [--json OUT]
"""
import argparse
import concurrent.futures
import http.client
import json
import random
import socket
import statistics
import subprocess
import time

PARALLEL = (1, 8, 32)
CONTEXT = 2304  # of one request
# llama-server ends a stream in an error where the text of random weights is no UTF-8: no control tokens and no bytes
# (of bench/random_gguf.py's vocabulary), for both.
NEVER = {str(i): -100 for i in range(259)}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One of the two programs, listening until left."""

    def __init__(self, command, health):
        self.port = free_port()
        self.process = subprocess.Popen([*command, "--port", str(self.port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(1200):
            if self.process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with {self.process.returncode}")
            try:
                if self.get(health) == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"{command[0]} does not answer")

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def complete(self, prompt, tokens):
        """Tokens written, seconds to the first of them."""
        body = {"model": "m", "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True, "ignore_eos": True,
                "logit_bias": NEVER, "stream_options": {"include_usage": True}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        start = time.monotonic()
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        first, written = None, 0
        if answer.status != 200:
            raise SystemExit(f"status {answer.status}: {answer.read()[:300]}")
        for line in answer:
            if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                continue
            event = json.loads(line[6:])
            first = first or time.monotonic() - start
            if event.get("usage"):
                written = event["usage"]["completion_tokens"]
        connection.close()
        return written, first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def start(options, name, parallel):
    threads = str(options.threads)
    if name == "llama_server":
        return Server([options.llama_server, "-m", options.model, "-t", threads, "-tb", threads, "--parallel", str(parallel),
                       "-c", str(CONTEXT * parallel), "--no-webui", "--host", "127.0.0.1"], "/health")
    return Server([options.onmal, "-t", threads, "serve", "-m", f"m={options.model}", "--parallel", str(parallel), "--context",
                   str(CONTEXT), "--no-store", "--no-moderation", "--queue", "256"], "/healthz")


def syllables(rng, count):
    return "".join(chr(rng.randrange(0xAC00, 0xD7A4)) for _ in range(count))


def throughput(server, parallel, tokens, rng):
    prompts = [syllables(rng, 24) for _ in range(parallel)]
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        written = sum(n for n, _ in pool.map(lambda p: server.complete(p, tokens), prompts))
    seconds = time.monotonic() - begin
    if written < 0.9 * parallel * tokens:
        raise SystemExit(f"only {written} of {parallel * tokens} tokens were written")
    return written / seconds


def first_token(server, rng):
    prefix = syllables(rng, 2000)
    cold = server.complete(prefix + syllables(rng, 20), 2)[1]
    return cold, server.complete(prefix + syllables(rng, 20), 2)[1]


def measure(options, name, parallel, seed):
    rng = random.Random(seed)
    found = {}
    with start(options, name, parallel) as server:
        server.complete(syllables(rng, 24), 4)  # warm
        found[f"tokens_per_s_{parallel}"] = throughput(server, parallel, options.tokens, rng)
        if parallel == PARALLEL[0]:
            found["first_token_cold_s"], found["first_token_warm_s"] = first_token(server, rng)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--llama-server", required=True)
    parser.add_argument("--onmal", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--json")
    options = parser.parse_args()
    rounds = {"llama_server": [], "onmal": []}
    for seed in range(options.rounds):
        for name, found in rounds.items():
            found.append({})
            for parallel in PARALLEL:
                found[-1].update(measure(options, name, parallel, seed))
    results = {name: {key: statistics.median(r[key] for r in found) for key in found[0]} for name, found in rounds.items()}
    print("| | llama-server | Onmal | ratio |\n|---|---:|---:|---:|")
    for key, peer in results["llama_server"].items():
        own = results["onmal"][key]
        print(f"| {key} | {peer:.2f} | {own:.2f} | {(peer / own if key.endswith('_s') and 'first' in key else own / peer):.2f} |")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
