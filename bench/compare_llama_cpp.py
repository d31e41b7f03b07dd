#!/usr/bin/env python3
"""Onmal beside llama.cpp's llama-bench: same files, same threads, taking turns in one run.

Prefill and decode in tokens/s, medians over the rounds, as a Markdown table and as JSON. Each round
runs one program after the other, so that both meet the same machine.

    bench/compare_llama_cpp.py --llama-bench PATH --onmal PATH [--json OUT] MODEL.gguf...
"""
import argparse
import json
import re
import statistics
import subprocess


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peer_speed(options, model, threads):
    command = [options.llama_bench, "-m", model, "-t", str(threads), "-r", "1", "-o", "json",
               "-p", str(options.prompt_tokens), "-n", str(options.tokens)]
    rows = json.loads(run(command))
    prefill = [row["avg_ts"] for row in rows if row["n_gen"] == 0]
    decode = [row["avg_ts"] for row in rows if row["n_prompt"] == 0]
    return {"prefill": prefill[0], "decode": decode[0]}


def own_speed(options, model, threads):
    command = [options.onmal, "bench", "--json", "-m", model, "-t", str(threads), "-r", "1",
               "-p", str(options.prompt_tokens), "-n", str(options.tokens)]
    if options.isa:
        command += ["--isa", options.isa]
    found = json.loads(run(command))
    return {"prefill": found["prefill_tokens_per_s"], "decode": found["decode_tokens_per_s"],
            "peak_rss_bytes": found["peak_rss_bytes"]}


def medians(rounds):
    return {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}


def compare(options, model, threads):
    peer, own = [], []
    for _ in range(options.rounds):
        peer.append(peer_speed(options, model, threads))
        own.append(own_speed(options, model, threads))
    return {"model": re.sub(r".*/|\.gguf$", "", model), "threads": threads,
            "llama_cpp": medians(peer), "onmal": medians(own)}


def table(results):
    lines = ["| model | threads | prefill llama.cpp | Onmal | ratio | decode llama.cpp | Onmal | ratio |",
             "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for result in results:
        cells = [result["model"], str(result["threads"])]
        for key in ("prefill", "decode"):
            peer, own = result["llama_cpp"][key], result["onmal"][key]
            cells += [f"{peer:.1f}", f"{own:.1f}", f"{own / peer:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--onmal", required=True)
    parser.add_argument("--threads", default="2", help="one or several, as 1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--isa", help="passed on to onmal bench")
    parser.add_argument("--json", help="where to write all figures")
    options = parser.parse_args()
    results = []
    for model in options.models:
        for threads in options.threads.split(","):
            results.append(compare(options, model, int(threads)))
            print(table(results[-1:]).splitlines()[-1] if len(results) > 1 else table(results),
                  flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
