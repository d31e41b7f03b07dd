#!/usr/bin/env python3
"""Offence in comments, for recipes/hate.sh: hate_table.py DATA_FOLDER OUT_FOLDER.

offence.tsv: KODOLI, nine tenths of BEEP and the comments of HateScore as 0 (inoffensive), 1 (perhaps) or 2 (offensive);
beep-dev.tsv: every tenth row of BEEP. No text of OUT_FOLDER/dev.tsv, mix.tsv or beep-dev.tsv is in offence.tsv.
"""
import csv
import gzip
import pathlib
import sys


def table(path, delimiter):
    quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, quoting=quoting))


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    beep = [(row["comments"], {"none": 0, "offensive": 1, "hate": 2}[row["hate"]]) for row in table(data / "beep-train.tsv.gz", "\t")]
    rows = [(row["sentences"], {"NOT": 0, "LIKELY": 1, "OFFEN": 2}[row["offensiveness"]])
            for row in table(data / "kodoli-kodoli.csv.gz", ",")]
    rows += [row for number, row in enumerate(beep) if number % 10 != 2]
    rows += [(row["comment"], 0 if row["macrolabel"] == "Clean" else 2)
             for row in table(data / "HateScore.csv.gz", ",") if row["source"] == "온라인 댓글"]
    held_out = beep[2::10]
    known = {text for text, _ in held_out}
    for name in ("dev.tsv", "mix.tsv"):
        known |= {line.split("\t")[0] for line in (out / name).read_text(encoding="utf-8").splitlines()}
    for name, chosen in (("beep-dev.tsv", held_out), ("offence.tsv", [row for row in rows if row[0] not in known])):
        with open(out / name, "w", encoding="utf-8") as file:
            file.write("document\tlabel\n")
            for text, label in chosen:
                file.write(" ".join(text.split()) + f"\t{label}\n")


main()
