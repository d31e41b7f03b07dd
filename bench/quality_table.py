#!/usr/bin/env python3
"""What each number format costs in quality: perplexity and divergence from the unquantised model.

Quantises MODEL (a folder or a GGUF file) to each type and scores each text with it, as a Markdown
table. With --llama-perplexity the same files are scored by llama.cpp too, over the same chunks.

    bench/quality_table.py --onmal build/release/onmal --text Korean=ko.txt --text English=en.txt MODEL
"""
import argparse
import json
import os
import re
import subprocess
import tempfile

TYPES = ["f16", "q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_k_s", "iq4_nl", "iq4_xs",
         "q4_1", "q4_0", "q3_k_m", "q2_k"]


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def own_score(options, model, text):
    return json.loads(run([options.onmal, "--json", "perplexity", "-m", model, "-f", text,
                           "--chunk", str(options.chunk), "--kl-base", options.base]).stdout)


def peer_perplexity(options, model, text):
    done = run([options.llama_perplexity, "-m", model, "-f", text, "-c", str(options.chunk)])
    return float(re.search(r"PPL = ([0-9.]+)", done.stdout + done.stderr).group(1))


def quantized(options, kind, folder):
    out = os.path.join(folder, kind + ".gguf")
    command = [options.onmal, "--json", "quantize", options.model, out, "--type", kind]
    if options.imatrix and kind != "f16":
        command += ["--imatrix", options.imatrix]
    found = json.loads(run(command).stdout)
    return out, found["bytes_out"]


def row(options, kind, folder):
    model, size = quantized(options, kind, folder)
    cells = [kind, f"{size / 1e6:.2f}"]
    for _, text in options.texts:
        found = own_score(options, model, text)
        cells += [f"{found['perplexity']:.3f}"]
        if options.llama_perplexity:
            cells += [f"{peer_perplexity(options, model, text):.3f}"]
        cells += [f"{found['kl_divergence']:.5f}", f"{100 * found['top1_agreement']:.2f}"]
    os.remove(model)
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--onmal", required=True)
    parser.add_argument("--text", action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--types", nargs="+", default=TYPES)
    parser.add_argument("--chunk", type=int, default=256)
    parser.add_argument("--imatrix")
    parser.add_argument("--llama-perplexity")
    options = parser.parse_args()
    options.texts = [text.split("=", 1) for text in options.text]
    heads = ["type", "MB"]
    for name, _ in options.texts:
        heads += [f"{name}: perplexity"] + (["in llama.cpp"] if options.llama_perplexity else [])
        heads += ["KL, nats", "same top, %"]
    print("| " + " | ".join(heads) + " |\n|---|" + "---:|" * (len(heads) - 1), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        options.base = os.path.join(folder, "base.gguf")
        run([options.onmal, "quantize", options.model, options.base, "--type", "f32"])
        for kind in options.types:
            print("| " + " | ".join(row(options, kind, folder)) + " |", flush=True)


main()
