#!/usr/bin/env python3
"""Comments with labels, from three sources that may be passed on, as one table for 'onmal moderate-train'.

usage: moderation_table.py DATA_FOLDER > table.tsv
What a source does not tell is left empty; a comment that is not offensive at all is no kind of hate either. Questions,
petitions and manuals are added as texts without offence, whole and in pieces of few words, and names of groups before
such pieces: a group's name alone is to say nothing.
"""
import csv
import gzip
import itertools
import json
import pathlib
import random
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


GROUPS = """전라도 경상도 충청도 강원도 제주도 대구 부산 광주 목포 서울|사람 출신 주민 친구 분|
여성 남성 여자 남자 엄마 아빠 아주머니 아저씨 페미니스트 주부|
동성애자 게이 레즈비언 트랜스젠더 양성애자 성소수자 퀴어|
노인 청소년 어린이 할머니 할아버지 중학생 고등학생 어르신 아이|
기독교인 개신교 무슬림 이슬람교 불교 천주교 유대인 목사 스님 신부|
흑인 백인 중국인 일본인 조선족 탈북민 외국인 이주민 난민 베트남 필리핀|
진보 보수 민주당 국민의힘 대통령 국회의원 정치인 지지자|
장애인 시각장애인 청각장애인 발달장애인 정신질환자 환자"""
PARTICLES = ("은", "는", "이", "가", "을", "를", "의", "도", "에게", "과", "와", " 출신", "들이", "인", "")


def innocent_texts(folder):
    """Whole sentences of a few sources that hold no abuse, or next to none."""
    for row in csv.DictReader(open_text(folder / "chat-ko/ChatbotData.csv.gz")):
        yield row["Q"]
        yield row["A"]
    with open_text(folder / "text-ko/pytorch-tutorials-kr.txt.gz") as lines:
        kept = (line for line in lines if sum("가" <= c <= "힣" for c in line) > 10)
        yield from itertools.islice(kept, 0, 40000, 4)
    with open_text(folder / "text-ko/petitions.jsonl.gz") as lines:
        for line in itertools.islice(lines, 0, 6000, 2):
            content = json.loads(line)["content"].replace("\\n", "\n").split("\n")
            yield from [part for part in content if len(part) > 10][:2]


def innocents(folder):
    rng = random.Random(1)
    none = dict.fromkeys(LABELS, 0)
    words_of = []
    for text in innocent_texts(folder):
        words = text[:300].split()
        if not words:
            continue
        words_of.append(words)
        yield " ".join(words), none
        begin = rng.randrange(len(words))
        yield " ".join(words[begin : begin + rng.randint(1, 3)]), none
    names = [name for name in GROUPS.replace("|", " ").split()]
    for _ in range(12000):
        words = rng.choice(words_of)
        begin = rng.randrange(len(words))
        piece = words[begin : begin + rng.randint(0, 6)]
        at = rng.randint(0, min(2, len(piece)))
        piece.insert(at, rng.choice(names) + rng.choice(PARTICLES))
        yield " ".join(piece), none


def main():
    folder = pathlib.Path(sys.argv[1]) / "hate-ko"
    print("text", *LABELS, sep="\t")
    for rows in (kodoli(folder / "kodoli-kodoli.csv.gz"), beep(folder / "beep-train.tsv.gz"),
                 hatescore(folder / "HateScore.csv.gz"), innocents(folder.parent)):
        for text, labels in rows:
            text = " ".join(text.split())
            if text:
                print(text, *(labels.get(label, "") for label in LABELS), sep="\t")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
