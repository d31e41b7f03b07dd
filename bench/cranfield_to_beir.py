#!/usr/bin/env python3
"""Cranfield's XML as a BEIR folder: cranfield_to_beir.py FOLDER_OF_CRANFIELD OUT"""
import gzip
import json
import pathlib
import re
import sys


def fields(text, record, names):
    for block in re.findall(rf"<{record}>(.*?)</{record}>", text, re.S):
        yield [" ".join((re.search(rf"<{name}>(.*?)</{name}>", block, re.S) or [None, ""])[1].split()) for name in names]


def main():
    source, out = map(pathlib.Path, sys.argv[1:])
    read = lambda name: gzip.open(source / name, "rt", encoding="utf-8").read()
    (out / "qrels").mkdir(parents=True, exist_ok=True)
    with open(out / "corpus.jsonl", "w", encoding="utf-8") as file:
        for number, title, text in fields(read("cran.all.1400.xml.gz"), "doc", ["docno", "title", "text"]):
            file.write(json.dumps({"_id": number, "title": title, "text": text}) + "\n")
    with open(out / "queries.jsonl", "w", encoding="utf-8") as file:
        # Judgements count the queries from 1, whatever number stands in the file.
        for number, (title,) in enumerate(fields(read("cran.qry.xml.gz"), "top", ["title"]), 1):
            file.write(json.dumps({"_id": str(number), "text": title}) + "\n")
    with open(out / "qrels" / "test.tsv", "w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for line in read("cranqrel.trec.txt.gz").splitlines():
            query, _, document, score = line.split()
            file.write(f"{query}\t{document}\t{score}\n")


if __name__ == "__main__":
    main()
