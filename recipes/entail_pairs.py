#!/usr/bin/env python3
"""Tables for recipes/entail.sh: entail_pairs.py DATA_FOLDER OUT_FOLDER.

nli.tsv, dev.tsv: nli-ko, every fifth premise with all its hypotheses in dev.
mixed.tsv: nli.tsv three times, KoBEST BoolQ's training paragraphs with their statements (true: entailment, false:
contradiction), as many statements with the paragraph of another question (neutral), and sentences that STS calls the
same (4.6 and more: entailment) or foreign to one another (0.6 and less: neutral).
grounded.tsv: BoolQ's dev set the same way; it is never learned from.
Columns: premise, hypothesis, label.

entail_pairs.py --claims TABLE OUT.jsonl: such a table as 'onmal evaluate --task claims' reads it.
"""
import gzip
import json
import pathlib
import random
import sys


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def write(path, table):
    with open(path, "w", encoding="utf-8") as file:
        file.write("premise\thypothesis\tlabel\n")
        for row in table:
            file.write("\t".join(" ".join(field.replace('"', "'").split()) for field in row) + "\n")


def statements(path):
    """Paragraphs with true, false and foreign statements; the foreign ones share most words of all paragraphs near."""
    table = [row for row in rows(path)[1:] if len(row) == 4 and row[3].strip().upper() in ("TRUE", "FALSE")]
    told = [(row[1], row[2], "entailment" if row[3].strip().upper() == "TRUE" else "contradiction") for row in table]
    words = [set(row[1].split()) for row in table]
    foreign = []
    for i, row in enumerate(table[::2]):
        own = set(row[2].split())
        others = [j for j in random.sample(range(len(table)), 200) if table[j][1] != row[1]]
        best = max(others, key=lambda j: len(words[j] & own))
        foreign.append((table[best][1], row[2], "neutral"))
    return told + foreign


def as_claims(table, out):
    verdicts = {"entailment": "supported", "contradiction": "contradicted", "neutral": "not_found"}
    with open(table, encoding="utf-8") as file, open(out, "w", encoding="utf-8") as lines:
        for row in file.read().splitlines()[1:]:
            premise, hypothesis, label = row.split("\t")
            if hypothesis.endswith("?"):
                continue
            claim = {"claim": hypothesis, "evidence": premise, "verdict": verdicts[label], "language": "ko"}
            lines.write(json.dumps(claim, ensure_ascii=False) + "\n")


def main():
    if sys.argv[1] == "--claims":
        return as_claims(sys.argv[2], sys.argv[3])
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    random.seed(1)
    groups = {}
    for premise, hypothesis, label in rows(data / "nli-ko/xnli.dev.ko.tsv.gz")[1:]:
        groups.setdefault(premise, []).append((premise, hypothesis, label))
    train, dev = [], []
    for i, group in enumerate(groups.values()):
        (dev if i % 5 == 0 else train).extend(group)
    mixed = train * 3 + statements(data / "kobest/boolq-train.tsv.gz")
    for row in rows(data / "sts-ko/sts-train.tsv.gz")[1:]:
        if len(row) < 7 or not (float(row[4]) >= 4.6 or float(row[4]) <= 0.6):
            continue
        mixed.append((row[5], row[6], "entailment" if float(row[4]) >= 4.6 else "neutral"))
    random.shuffle(mixed)
    write(out / "nli.tsv", train)
    write(out / "dev.tsv", dev)
    write(out / "mixed.tsv", mixed)
    write(out / "grounded.tsv", statements(data / "kobest/boolq-dev.tsv.gz"))
    print(f"nli {len(train)}, dev {len(dev)}, mixed {len(mixed)}")


if __name__ == "__main__":
    main()
