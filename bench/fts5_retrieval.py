#!/usr/bin/env python3
"""SQLite FTS5's own tokenizers on the sets that `onmal evaluate --task retrieval` reads, by the same measures.

usage: fts5_retrieval.py BEIR_FOLDER_OR_BOOLQ_TSV
"""
import gzip
import json
import math
import pathlib
import re
import sqlite3
import sys
import unicodedata


def opened(path):
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")


def read_set(path):
    """[(id, text)], [(question, {id: gain})]"""
    if path.is_dir():
        passages = [(row["_id"], row.get("title", "") + "\n" + row["text"]) for row in map(json.loads, opened(path / "corpus.jsonl"))]
        known = {number for number, _ in passages}
        relevant = {}
        for line in list(opened(path / "qrels" / "test.tsv"))[1:]:
            query, passage, score = line.rstrip("\n").split("\t")
            if float(score) > 0 and passage in known:
                relevant.setdefault(query, {})[passage] = float(score)
        return passages, [(row["text"], relevant[row["_id"]]) for row in map(json.loads, opened(path / "queries.jsonl")) if row["_id"] in relevant]
    header, *rows = [line.rstrip("\n").split("\t") for line in opened(path)]
    text, question = header.index("Text"), header.index("Question")
    ids = {}
    for row in rows:
        ids.setdefault(row[text], str(len(ids)))
    return [(number, body) for body, number in ids.items()], [(row[question], {ids[row[text]]: 1.0}) for row in rows]


def ndcg(ranking, relevant, k=10):
    gain = sum(relevant.get(one, 0) / math.log2(place + 2) for place, one in enumerate(ranking[:k]))
    return gain / sum(g / math.log2(place + 2) for place, g in enumerate(sorted(relevant.values(), reverse=True)[:k]))


def main():
    passages, queries = read_set(pathlib.Path(sys.argv[1]))
    for tokenizer in ("unicode61", "porter unicode61", "trigram"):
        database = sqlite3.connect(":memory:")
        database.execute(f"CREATE VIRTUAL TABLE passages USING fts5(id UNINDEXED, text, tokenize='{tokenizer}')")
        database.executemany("INSERT INTO passages VALUES (?, ?)", ((n, unicodedata.normalize("NFC", t)) for n, t in passages))
        sums = [0.0, 0.0]
        for question, relevant in queries:
            # Any of the words may match. The trigram tokenizer finds no word shorter than three characters.
            words = [word for word in re.findall(r"\w+", question) if tokenizer != "trigram" or len(word) >= 3]
            match = " OR ".join(f'"{word}"' for word in words)
            rows = database.execute("SELECT id FROM passages WHERE passages MATCH ? ORDER BY bm25(passages) LIMIT 10", (match,)) if words else []
            ranking = [row[0] for row in rows]
            sums[0] += ndcg(ranking, relevant)
            sums[1] += len(set(ranking) & set(relevant)) / len(relevant)
        print(json.dumps({"tokenizer": tokenizer, "ndcg@10": round(sums[0] / len(queries), 4),
                          "recall@10": round(sums[1] / len(queries), 4), "queries": len(queries)}))


if __name__ == "__main__":
    main()
