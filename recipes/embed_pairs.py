#!/usr/bin/env python3
"""Pairs of texts that mean the same or answer one another, for recipes/embed.sh.

usage: embed_pairs.py DATA_FOLDER OUT_FOLDER: writes pairs.tsv (source, target; shuffled) and text.txt, what a tokenizer
is trained on. Never read: Cranfield, XQuAD and KoBEST's BoolQ (but to leave out what it holds); they judge, and BoolQ's
licence is not stated where it is kept.
"""
import csv
import gzip
import io
import json
import lzma
import pathlib
import random
import re
import sys
import tarfile
import zlib

MOST = 600  # characters of a passage
LEAST = 25  # a shorter one says too little
HEADING = re.compile(r"^#{1,4} +(.*)")
SENTENCE_END = re.compile(r"(?<=[.?!]) +")


def lines(path):
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    with opener(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\n")


def clean(text):
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)  # links by their names
    text = re.sub(r"<[^>]{0,200}>|\{/?[^}]{0,80}\}|https?://\S+", " ", text)
    return re.sub(r"\s+", " ", text.replace("*", "").replace("`", "")).strip()


def sections(path):
    """(title, heading, text below it) of Markdown; code blocks are left out."""
    title, heading, body, in_code = "", "", [], False
    for line in lines(path):
        if line.lstrip().startswith("```"):
            in_code = not in_code
            continue
        found = None if in_code else HEADING.match(line)
        if found:
            if heading and body:
                yield title, heading, body
            heading, body = clean(found.group(1)), []
            if line.startswith("# "):
                title = heading
        elif not in_code and line.strip():
            body.append(clean(line))
    if heading and body:
        yield title, heading, body


def of_sections(path):
    for title, heading, body in sections(path):
        text = " ".join(body)[: 3 * MOST]
        if len(text) < LEAST:
            continue
        name = heading if heading == title or not title else f"{title} {heading}"
        yield heading if len(heading) > 8 else name, text[:MOST]
        yield from of_passage(text)


def of_passage(text):
    """One sentence of a passage, and the passage without it (Lee et al., 2019)."""
    sentences = [s for s in SENTENCE_END.split(text) if len(s) > 5]
    if len(sentences) < 3:
        return
    chosen = random.randrange(len(sentences))
    rest = " ".join(sentences[max(0, chosen - 4) : chosen] + sentences[chosen + 1 : chosen + 5])
    if len(sentences[chosen]) > 15 and len(rest) > 2 * LEAST:
        yield sentences[chosen][:200], rest[:MOST]


def of_petitions(path):
    for line in lines(path):
        row = json.loads(line)
        content = re.sub(r"\s+", " ", row["content"].replace("\\n", " ")).strip()
        if len(content) < 2 * LEAST:
            continue
        if row.get("title"):
            yield row["title"], content[:MOST]
        yield from of_passage(content[: 3 * MOST])
        if len(content) > 2 * MOST:  # what comes later is about the same
            yield content[: MOST // 2], content[MOST : 2 * MOST]


def is_kept_back(title):
    """A quarter of WikiText's articles: settings of search are chosen on them (bench/wikitext_to_beir.py)."""
    return zlib.crc32(title.encode()) % 4 == 0


def of_wiki(path):
    heading, title = "", ""
    for line in lines(path):
        line = line.strip()
        found = re.match(r"^=+ (.*?) =+$", line)
        if found:
            if re.match(r"^= [^=]", line):
                title = found.group(1)
            heading = found.group(1)
        elif len(line) > 2 * LEAST and not is_kept_back(title):
            text = line.replace(" @-@ ", "-").replace("<unk>", "").replace(" @,@ ", ",").replace(" @.@ ", ".")
            yield (title if heading == title else f"{title} {heading}"), text[:MOST]
            for _ in range(4):
                yield from of_passage(text.replace(" . ", ". "))


def rows(path, delimiter="\t", quoting=csv.QUOTE_NONE):
    return csv.DictReader(io.StringIO("\n".join(lines(path))), delimiter=delimiter, quoting=quoting)


def parallel(folder):
    for line in lines(folder / "python-docs.en-ko.tsv.gz"):
        cells = line.split("\t")
        if len(cells) == 3 and len(cells[1]) > 15:
            yield clean(cells[1])[:MOST], clean(cells[2])[:MOST]
            for text in cells[1:]:
                yield from of_passage(clean(text))
    for line in lines(folder / "tatoeba.en-ko.tsv.gz"):
        cells = line.split("\t")
        yield cells[0], cells[1]
    yield from zip(lines(folder / "jhe-dev.en.gz"), lines(folder / "jhe-dev.ko.gz"))
    texts = {}
    with tarfile.open(folder / "korean-english-park.dev.tar.gz") as archive:
        for member in archive.getmembers():
            if member.isfile() and member.name[-3:] in (".en", ".ko") and not member.name.split("/")[-1].startswith("."):
                texts[member.name[-2:]] = archive.extractfile(member).read().decode("utf-8").splitlines()
    if len(texts) == 2:
        yield from zip(texts["en"], texts["ko"])


def all_pairs(data):
    ko = data / "text-ko"
    yield "msdocs", of_sections(ko / "msdocs-ko.txt.xz")
    yield "petitions", of_petitions(ko / "petitions.jsonl.gz")
    for name in ("react-docs-ko.md.gz", "tensorflow-docs-ko.txt.gz", "pytorch-tutorials-kr.txt.gz"):
        yield name, of_sections(ko / name)
    nli = rows(data / "nli-ko/xnli.dev.ko.tsv.gz")
    yield "nli", ((r["sentence1"], r["sentence2"]) for r in nli if r["gold_label"] == "entailment")
    sts = rows(data / "sts-ko/sts-train.tsv.gz")
    yield "sts train", ((r["sentence1"], r["sentence2"]) for r in sts if float(r["score"] or 0) >= 4)
    chat = rows(data / "chat-ko/ChatbotData.csv.gz", ",", csv.QUOTE_MINIMAL)
    yield "chat", ((r["Q"], r["A"]) for r in chat)
    yield "parallel", parallel(data / "parallel")
    yield "wikitext2 valid", of_wiki(data / "en/wikitext2-valid.txt.gz")
    for path in sorted((data / "en").glob("gpteacher-*.json.gz")):
        teacher = json.loads("\n".join(lines(path)))
        yield path.name, ((clean(r["instruction"]), clean(r["response"])[:MOST]) for r in teacher)
    maths = (json.loads(line) for line in lines(data / "en/gsm8k-train.jsonl.gz"))
    yield "gsm8k train", ((r["question"], re.sub(r"<<.*?>>", "", r["answer"])) for r in maths)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    random.seed(1)
    judged = {r["Text"][:100] for part in ("train", "dev") for r in rows(data / f"kobest/boolq-{part}.tsv.gz")}
    found, seen = [], set()
    for name, pairs in all_pairs(data):
        before = len(found)
        for source, target in pairs:
            pair = (re.sub(r"\s+", " ", source).strip(), re.sub(r"\s+", " ", target).strip())
            if len(pair[0]) < 2 or len(pair[1]) < 2 or pair[0] == pair[1] or pair in seen or pair[1][:100] in judged:
                continue
            seen.add(pair)
            found.append(pair)
        print(f"{len(found) - before:8} {name}", file=sys.stderr)
    random.shuffle(found)
    with open(out / "pairs.tsv.part", "w", encoding="utf-8") as file:
        file.write("source\ttarget\n")
        for source, target in found:
            file.write(f"{source}\t{target}\n")
    english = [p for p in found if not re.search("[가-힣]", p[1])]
    with open(out / "text.txt", "w", encoding="utf-8") as file:
        for source, target in english + found[:120000]:
            file.write(f"{source}\n{target}\n\n")
    (out / "pairs.tsv.part").rename(out / "pairs.tsv")


if __name__ == "__main__":
    main()
