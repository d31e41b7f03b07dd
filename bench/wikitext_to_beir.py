#!/usr/bin/env python3
"""The articles of WikiText-2 that no embedding model of recipes/embed.sh has learned from, as a BEIR folder with several
right passages for a question: wikitext_to_beir.py WIKITEXT2_VALID.txt.gz OUT. A question is a sentence; right are the
other paragraphs of its section (1) and its own paragraph without it (2)."""
import gzip
import json
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "recipes"))
from embed_pairs import is_kept_back  # noqa: E402


def paragraphs(path):
    """(article, section, text) of the articles kept back."""
    title, section = "", ""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in map(str.strip, file):
            found = re.match(r"^=+ (.*?) =+$", line)
            if found:
                title = found.group(1) if re.match(r"^= [^=]", line) else title
                section = found.group(1)
            elif len(line) > 200 and is_kept_back(title):
                text = line.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".").replace("<unk>", "")
                yield title, section, text


def main():
    source, out = map(pathlib.Path, sys.argv[1:])
    random.seed(1)
    (out / "qrels").mkdir(parents=True, exist_ok=True)
    places, rows, questions = {}, [], []
    for title, section, text in paragraphs(source):
        sentences = [s for s in text.split(" . ") if len(s) > 40]
        if len(sentences) > 2:
            chosen = random.choice(sentences)
            questions.append(((title, section), len(rows), chosen))
            text = text.replace(chosen, "")
        places.setdefault((title, section), []).append(len(rows))
        rows.append(text)
    with open(out / "corpus.jsonl", "w", encoding="utf-8") as file:
        for number, text in enumerate(rows):
            file.write(json.dumps({"_id": str(number), "title": "", "text": text}) + "\n")
    with open(out / "queries.jsonl", "w", encoding="utf-8") as file, \
            open(out / "qrels" / "test.tsv", "w", encoding="utf-8") as judged:
        judged.write("query-id\tcorpus-id\tscore\n")
        for number, (place, own, text) in enumerate(questions):
            if len(places[place]) < 3:
                continue
            file.write(json.dumps({"_id": str(number), "text": text}) + "\n")
            for one in places[place]:
                judged.write(f"{number}\t{one}\t{2 if one == own else 1}\n")


if __name__ == "__main__":
    main()
