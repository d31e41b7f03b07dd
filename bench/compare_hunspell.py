#!/usr/bin/env python3
"""Corrections beside hunspell-ko's: its first suggestion for every word that it flags.

compare_hunspell.py --hunspell PROGRAM --dictionary PATH/ko --onmal ONMAL WRITTEN MEANT [--model FOLDER] [--limit N]

WRITTEN and MEANT have a sentence a line; lines that are equal in both are the clean sentences. Prints a line of
JSON for doing nothing, hunspell and, with --model, 'onmal correct', all measured by 'onmal evaluate': the share of
mistakes fixed, the share of clean sentences harmed, precision, recall and F0.5 of edits, GLEU; and seconds.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

WORD = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]+")


def suggestions(options, words):
    """First suggestion by word, for those that hunspell flags and has one for."""
    command = [options.hunspell, "-i", "utf-8", "-d", options.dictionary, "-a"]
    done = subprocess.run(command, input="".join(f"^{word}\n" for word in words), stdout=subprocess.PIPE, text=True,
                          check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("&"):
            head, _, tail = line.partition(": ")
            found[head.split()[1]] = tail.split(", ")[0]
    return found


def measure(onmal, written, meant, said):
    done = subprocess.run([onmal, "evaluate", "--task", "correction", "--sources", written, "--predictions", said,
                           "--references", meant, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return {row["metric"]: round(row["value"], 4) for row in map(json.loads, done.stdout.splitlines())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("written", type=pathlib.Path)
    parser.add_argument("meant", type=pathlib.Path)
    parser.add_argument("--hunspell", required=True)
    parser.add_argument("--dictionary", required=True, help="path of ko.aff and ko.dic, without the ending")
    parser.add_argument("--onmal", required=True)
    parser.add_argument("--model")
    parser.add_argument("--limit", type=int, default=1 << 40)
    options = parser.parse_args()
    written = options.written.read_text(encoding="utf-8").splitlines()[:options.limit]
    meant = options.meant.read_text(encoding="utf-8").splitlines()[:options.limit]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def save(name, lines):
            (folder / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            return folder / name

        source, reference = save("written", written), save("meant", meant)
        begin = time.monotonic()
        better = suggestions(options, sorted({word for line in written for word in WORD.findall(line)}))
        corrected = [WORD.sub(lambda match: better.get(match[0], match[0]), line) for line in written]
        seconds = time.monotonic() - begin
        said = save("said", corrected)
        print(json.dumps({"program": "nothing done", "sentences": len(written),
                          **measure(options.onmal, source, reference, source)}, ensure_ascii=False), flush=True)
        print(json.dumps({"program": "hunspell", **measure(options.onmal, source, reference, said),
                          "seconds": round(seconds, 2)}, ensure_ascii=False), flush=True)
        if options.model:
            begin = time.monotonic()
            done = subprocess.run([options.onmal, "correct", "-m", options.model, "-f", source, "--no-diff"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            seconds = time.monotonic() - begin
            said.write_text(done.stdout, encoding="utf-8")
            print(json.dumps({"program": f"onmal correct -m {options.model}",
                              **measure(options.onmal, source, reference, said), "seconds": round(seconds, 2)},
                             ensure_ascii=False))


if __name__ == "__main__":
    main()
