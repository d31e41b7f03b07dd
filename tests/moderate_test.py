#!/usr/bin/env python3
"""Moderation from outside: moderate_test.py ONMAL"""
import json
import pathlib
import shutil
import tempfile
import unittest

import end_to_end
from end_to_end import error_of, run


class ModerateTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-moderate-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def judge(self, *command):
        done = run("moderate", *command, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_says_what_and_where(self):
        text = "오늘 시.발 좋네"
        said = self.judge(text)
        self.assertTrue(said["flagged"])
        self.assertTrue(said["categories"]["profanity"])
        self.assertEqual(said["action"], "rewrite")
        span = said["spans"][0]
        self.assertEqual(text.encode()[span["begin"] : span["end"]].decode(), "시.발")
        self.assertEqual(said["rewritten"], "오늘 ○○○ 좋네")
        self.assertFalse(self.judge("이 여행의 시발점은 서울역이다")["flagged"])

    def test_place_and_policy_decide(self):
        self.assertEqual(self.judge("시발 뭐야", "--place", "user_input")["action"], "warn")
        policy = self.folder / "policy.toml"
        policy.write_text('[answer]\n"*" = "allow"\n', encoding="utf-8")
        self.assertEqual(self.judge("시발 뭐야", "--policy", policy)["action"], "allow")
        policy.write_text("[answer]\nhat = { warn = 0.5 }\n", encoding="utf-8")
        done = run("moderate", "시발", "--policy", policy, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown category 'hat'", error_of(done)["message"])
        self.assertEqual(run("moderate", "x", "--place", "nowhere").returncode, 1)

    def test_the_log_has_no_text_unless_asked(self):
        log = self.folder / "log.jsonl"
        self.judge("시발 뭐야", "--log", log)
        self.judge("시발 뭐야", "--log", log, "--log-text")
        first, second = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        self.assertNotIn("text", first)
        self.assertEqual(first["sha256"], second["sha256"])
        self.assertEqual(second["text"], "시발 뭐야")

    def test_trains_what_it_judges_by(self):
        table = self.folder / "table.tsv"
        rows = [f"나쁜 사람이라고 욕하는 글 {i}\t1" for i in range(300)]
        rows += [f"고마운 사람이라고 적은 글 {i}\t0" for i in range(300)]
        table.write_text("text\tillicit\n" + "\n".join(rows) + "\n", encoding="utf-8")
        model = self.folder / "small.linear"
        done = run("moderate-train", "--data", table, "-o", model, "--bucket-bits", 12, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]  # one a category, then one over all
        self.assertGreater(lines[0]["auc"], 0.95)
        scores = [self.judge(f"{word} 사람이라고 말하는 긴 글을 오늘도 여러 번 적어 보았다", "-m", model)["category_scores"]["illicit"]
                  for word in ("나쁜", "고마운")]
        self.assertGreater(scores[0], scores[1])


if __name__ == "__main__":
    end_to_end.main()
