#!/usr/bin/env python3
"""prepare_corpus.py DATA MB OUT.jsonl: real text, repeated with planted edits, to measure `corpus prepare` on:

    bench/prepare_corpus.py DATA 2000 big.jsonl
    /usr/bin/time -v onmal -t 2 corpus prepare big.jsonl -o out --memory 512MB

Its time in all (user and system) for the bytes read is the speed of a core; "Maximum resident set size" the memory.
"""
import gzip
import json
import lzma
import pathlib
import random
import sys


def pieces(text, most):
    """A long text cut at line ends."""
    piece, size = [], 0
    for line in text.split("\n"):
        piece.append(line)
        size += len(line)
        if size > most:
            yield "\n".join(piece)
            piece, size = [], 0
    if piece:
        yield "\n".join(piece)


def documents(data):
    def unpacked(name):
        return (lzma if name.endswith(".xz") else gzip).open(data / name, "rt", encoding="utf-8").read()

    for line in unpacked("text-ko/petitions.jsonl.gz").splitlines():
        yield json.loads(line)["content"]
    for name in ("msdocs-ko.txt.xz", "react-docs-ko.md.gz", "pytorch-tutorials-kr.txt.gz", "tensorflow-docs-ko.txt.gz"):
        yield from pieces(unpacked("text-ko/" + name), 1500)
    for line in unpacked("nsmc/extra_reviews.tsv.gz").split("\n")[1:200000]:
        if line.count("\t") >= 4:
            yield line.split("\t")[4]
    for name in ("codegen-instruct", "roleplay-simple-deduped-roleplay-instruct"):
        for record in json.loads(unpacked(f"en/gpteacher-{name}.json.gz")):
            yield "\n".join(filter(None, (record.get(key, "") for key in ("instruction", "input", "response"))))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    chance = random.Random(5)
    originals = list(documents(pathlib.Path(sys.argv[1])))
    words = [word for text in chance.sample(originals, 2000) for word in text.split()]

    def edited(text):
        """As it is one time in twenty, else with 5 to 45 words in a hundred replaced."""
        if chance.random() < 0.05:
            return text
        parts = text.split(" ")
        for _ in range(max(1, len(parts) * chance.randint(5, 45) // 100)):
            parts[chance.randrange(len(parts))] = chance.choice(words)
        return " ".join(parts)

    size, most = 0, float(sys.argv[2]) * 1e6
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        copy = False
        while size < most:
            for text in originals:
                line = json.dumps({"text": edited(text) if copy else text}, ensure_ascii=False) + "\n"
                size += len(line.encode())
                file.write(line)
                if size >= most:
                    return
            copy = True


main()
