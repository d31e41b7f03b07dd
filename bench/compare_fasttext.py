#!/usr/bin/env python3
"""Word vectors beside fastText's own program: the same text, dimension, epochs, window, negatives, buckets.

compare_fasttext.py ONMAL FASTTEXT TEXT [--questions FILE] [--threads N] [--epochs N] [--objective skipgram|cbow]

TEXT has words between white space, a sentence a line. Times are of whole commands, reading and writing
included, on this machine. Prints a line of JSON for each program; with --questions, the share of analogies
answered rightly by both programs' vectors, measured by the same command. fastText has no jamo n-grams: a
third line is Onmal with its defaults.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time


def timed(command):
    begin = time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return time.monotonic() - begin, done.stdout.decode()


def accuracy(onmal, vectors, questions):
    if not questions:
        return {}
    _, out = timed([onmal, "words", "analogy", "-m", vectors, "--questions", questions, "--json"])
    answer = json.loads(out)
    return {key: answer[key] for key in ("covered", "accuracy_3cosadd", "accuracy_3cosmul")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onmal")
    parser.add_argument("fasttext")
    parser.add_argument("text")
    parser.add_argument("--questions")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--epochs", default="5")
    parser.add_argument("--dim", default="100")
    parser.add_argument("--objective", default="skipgram", choices=["skipgram", "cbow"])
    options = parser.parse_args()
    with open(options.text, "rb") as file:
        words = sum(len(line.split()) for line in file) * int(options.epochs)

    with tempfile.TemporaryDirectory() as folder:
        common = ["--dim", options.dim, "--epochs", options.epochs, "-t", options.threads]
        onmal = [options.onmal, "words", "train", "-i", options.text, "--split", "whitespace", "--json",
                 "--objective", options.objective] + common
        model = os.path.join(folder, "fasttext")
        runs = {
            "fasttext": ([options.fasttext, options.objective, "-input", options.text, "-output", model, "-dim",
                          options.dim, "-epoch", options.epochs, "-minCount", "5", "-ws", "5", "-neg", "5", "-minn",
                          "3", "-maxn", "6", "-bucket", "2000000", "-thread", options.threads], model + ".vec"),
            "onmal, the same n-grams": (onmal + ["--char-ngrams", "3-6", "--jamo-ngrams", "0", "-o",
                                                 os.path.join(folder, "same.words")],
                                        os.path.join(folder, "same.words")),
            "onmal": (onmal + ["-o", os.path.join(folder, "own.words")], os.path.join(folder, "own.words")),
        }
        for name, (command, vectors) in runs.items():
            seconds, out = timed(command)
            row = {"program": name, "seconds": round(seconds, 1), "words_per_s": round(words / seconds)}
            if name != "fasttext":
                row["training_words_per_s"] = round(json.loads(out)["words_per_s"])
            row.update(accuracy(options.onmal, vectors, options.questions))
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
