#!/usr/bin/env python3
"""Comments with labels, from three sources that may be passed on, as one table for 'onmal moderate-train'.

usage: moderation_table.py DATA_FOLDER > table.tsv
What a source does not tell is left empty; a comment that is not offensive at all is no kind of hate either.
"""
import csv
import gzip
import pathlib
import sys

LABELS = ("harassment", "hate", "hate/region", "hate/gender", "hate/age", "hate/religion", "hate/race")
KINDS = {"지역": "hate/region", "여성/가족": "hate/gender", "남성": "hate/gender", "성소수자": "hate/gender",
         "연령": "hate/age", "종교": "hate/religion", "인종/국적": "hate/race"}


def open_text(path):
    return gzip.open(path, "rt", encoding="utf-8", newline="")


def kodoli(path):
    """Offensive or abusive; says nothing of kinds."""
    for row in csv.DictReader(open_text(path)):
        clean = row["offensiveness"] == "NOT" and row["abuse"] == "NON"
        if clean:
            yield row["sentences"], dict.fromkeys(LABELS, 0)
        elif row["offensiveness"] == "OFFEN":
            yield row["sentences"], {"harassment": 1}


def beep(path):
    for row in csv.DictReader(open_text(path), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["hate"] == "none":
            yield row["comments"], dict.fromkeys(LABELS, 0)
            continue
        labels = {"harassment": 1}
        if row["hate"] == "hate":
            labels["hate/gender"] = int(row["bias"] == "gender")
        yield row["comments"], labels


def hatescore(path):
    for row in csv.DictReader(open_text(path)):
        kinds = {KINDS[kind] for kind in row["microlabel"].split(", ") if kind in KINDS}
        labels = {label: int(label in kinds) for label in LABELS}
        labels["hate"] = int(row["macrolabel"] == "혐오발언")
        labels["harassment"] = int(row["macrolabel"] != "Clean")
        yield row["comment"], labels


def main():
    folder = pathlib.Path(sys.argv[1]) / "hate-ko"
    print("text", *LABELS, sep="\t")
    for rows in (kodoli(folder / "kodoli-kodoli.csv.gz"), beep(folder / "beep-train.tsv.gz"),
                 hatescore(folder / "HateScore.csv.gz")):
        for text, labels in rows:
            text = " ".join(text.split())
            if text:
                print(text, *(labels.get(label, "") for label in LABELS), sep="\t")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
