#!/usr/bin/env python3
"""Comments of other sources with K-MHaS's labels, for the n-grams of recipes/hate.sh alone.

usage: hate_extra.py DATA_FOLDER NOT_THESE.tsv… > extra.tsv
What a source does not tell stays unknown: "!8" says that a comment is hateful, and no more. Texts that stand in the
tables named are left out.
"""
import csv
import gzip
import pathlib
import sys

NOT_HATE = "8"
KINDS = {"지역": "0", "인종/국적": "6", "종교": "7", "연령": "4", "여성/가족": "5", "남성": "5", "성소수자": "5"}


def open_text(path):
    return gzip.open(path, "rt", encoding="utf-8", newline="")


def kodoli(folder):
    for row in csv.DictReader(open_text(folder / "kodoli-kodoli.csv.gz")):
        if row["offensiveness"] == "NOT" and row["abuse"] == "NON":
            yield row["sentences"], NOT_HATE
        elif row["offensiveness"] == "OFFEN" and row["abuse"] == "ABS":
            yield row["sentences"], "!" + NOT_HATE


def beep(folder):
    for row in csv.DictReader(open_text(folder / "beep-train.tsv.gz"), delimiter="\t", quoting=csv.QUOTE_NONE):
        yield row["comments"], NOT_HATE if row["hate"] == "none" else "!" + NOT_HATE


def hatescore(folder):
    for row in csv.DictReader(open_text(folder / "HateScore.csv.gz")):
        kinds = sorted({KINDS[kind] for kind in row["microlabel"].split(", ") if kind in KINDS})
        if row["macrolabel"] == "Clean":
            yield row["comment"], NOT_HATE
        else:
            yield row["comment"], ",".join(kinds) or "!" + NOT_HATE


def main():
    folder = pathlib.Path(sys.argv[1])
    seen = set()
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            seen.update(line.split("\t")[0].strip() for line in file)
    print("document\tlabel")
    for source in (kodoli, beep, hatescore):
        for text, labels in source(folder):
            text = " ".join(text.split())
            if text and text not in seen:
                seen.add(text)
                print(f"{text}\t{labels}")


if __name__ == "__main__":
    main()
