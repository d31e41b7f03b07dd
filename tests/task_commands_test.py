#!/usr/bin/env python3
"""Word vectors, attention, evaluation, adapters, classification and preferences through the command line.

usage: task_commands_test.py ONMAL
"""
import json
import pathlib
import shutil
import tempfile
import unittest

import end_to_end
from end_to_end import SOURCE, STARTER, error_of, run

KOREAN = SOURCE / "samples" / "ko.txt"


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


class TaskCommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-tasks-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def documents(self, *command):
        """JSON lines on stdout."""
        done = run(*command, "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, text, *command):
        done = run(*command, "--json")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(text, error_of(done)["message"])

    def test_words(self):
        model = self.folder / "ko.words"
        trained = self.documents("words", "train", "-i", KOREAN, "-o", model, "--min-count", "1", "--dim", "16",
                                 "--buckets", "1000")[-1]
        self.assertLessEqual({"vocabulary", "words_per_s", "loss"}, trained.keys())
        word = KOREAN.read_text(encoding="utf-8").split()[0]
        near = self.documents("words", "nearest", "-m", model, word, "-n", "3")[0]
        self.assertEqual(len(near["neighbours"]), 3)
        unknown = self.documents("words", "nearest", "-m", model, word + "뷁")[0]
        self.assertFalse(unknown["known"])
        picture = self.folder / "map.svg"
        points = self.documents("words", "map", "-m", model, *KOREAN.read_text(encoding="utf-8").split()[:12], "-o",
                                picture)[0]["points"]
        self.assertGreater(len(points), 5)
        self.assertTrue(picture.read_text(encoding="utf-8").startswith("<svg"))
        plain = self.folder / "ko.vec"
        self.documents("words", "train", "-i", KOREAN, "-o", plain, "--min-count", "1", "--dim", "8")
        self.refused("뷁", "words", "nearest", "-m", plain, "뷁")
        empty = self.folder / "empty.txt"
        empty.write_text("")
        self.refused("", "words", "train", "-i", empty, "-o", self.folder / "x.words")
        self.assertFalse((self.folder / "x.words").exists())

    def test_attention_of_a_row_sums_to_one(self):
        picture = self.folder / "attention.svg"
        seen = self.documents("attend", "-m", STARTER, "-p", "온말은 한국어를 합니다", "-o", picture)[0]
        for layer in seen["weights"]:
            for head in layer["heads"]:
                for row in head["matrix"]:
                    self.assertAlmostEqual(sum(row), 1, places=3)
        self.assertIn("<svg", picture.read_text(encoding="utf-8"))
        words = self.documents("attend", "-m", STARTER, "-p", "온말은 한국어를 합니다", "--group", "word")[0]
        self.assertEqual([word.strip() for word in words["tokens"]], ["온말은", "한국어를", "합니다"])
        self.assertGreater(len(seen["tokens"]), 3)

    def test_evaluation_of_files(self):
        right, said = self.folder / "right.txt", self.folder / "said.txt"
        right.write_text("a\na\nb\nb\n")
        said.write_text("a\nb\nb\nb\n")
        found = {line["metric"]: line
                 for line in self.documents("evaluate", "--task", "classification", "--predictions", said, "--references", right)}
        self.assertAlmostEqual(found["accuracy"]["value"], 0.75)
        self.assertLessEqual(found["accuracy"]["low"], 0.75)
        self.assertGreaterEqual(found["accuracy"]["high"], 0.75)
        said.write_text("a\n")
        self.refused("", "evaluate", "--task", "classification", "--predictions", said, "--references", right)

    def test_a_classifier_is_tuned_and_asked(self):
        rows = [{"text": f"{word} {n}", "label": label} for n in range(30)
                for word, label in (("정말 재미있다", "good"), ("너무 지루하다", "bad"))]
        data = write_lines(self.folder / "labels.jsonl", rows)
        lines = self.documents("finetune", "-m", STARTER, "--task", "classification", "--data", data, "-o",
                               self.folder / "labels", "--epochs", "4", "--batch", "8", "--lr", "0.002")
        self.assertLess(lines[-1]["loss"], lines[0]["loss"])
        answers = self.documents("classify", "-m", self.folder / "labels" / "model", "--text", "정말 재미있다 3", "--text",
                                 "너무 지루하다 5")
        self.assertEqual([answer["label"] for answer in answers], ["good", "bad"])
        self.assertAlmostEqual(sum(answers[0]["probabilities"].values()), 1, places=4)
        self.refused("sentence", "finetune", "-m", STARTER, "--task", "classification", "--data", data, "--text-column",
                     "sentence", "-o", self.folder / "none")

    def test_claims_are_checked_against_texts(self):
        text = self.folder / "evidence.txt"
        text.write_text("탑의 높이는 330m이다. 탑은 1889년에 완성되었다. 입장료는 무료가 아니다.\n", encoding="utf-8")
        answer = "안녕하세요! 탑의 높이는 350m입니다. 탑은 1889년에 완성되었습니다. 입장료는 무료이다. 탑은 붉은 칠을 했다."
        found = self.documents("claims", answer, "--evidence", text)[0]
        self.assertEqual([row["verdict"] for row in found["claims"]],
                         ["contradicted", "supported", "contradicted", "not_found"])
        self.assertEqual([row["reason"] for row in found["claims"]], ["number", "wording", "negation", "none"])
        self.assertEqual((found["supported"], found["contradicted"], found["not_found"], found["sentences"]), (1, 2, 1, 5))
        self.assertEqual(found["action"], "mark")
        for row in found["claims"]:
            self.assertEqual(answer.encode()[row["start"]:row["end"]].decode(), row["text"])
        evidence = found["claims"][0]["evidence"]
        self.assertEqual(text.read_text(encoding="utf-8")[evidence["start"]:evidence["end"]], evidence["quote"])
        self.assertEqual(self.documents("claims", answer, "--evidence", text, "--claims", "block")[0]["action"], "block")
        self.assertEqual(self.documents("claims", "고마워요!", "--evidence", text)[0]["claims"], [])
        empty = self.folder / "nothing.txt"
        empty.write_text(" \n")
        self.refused("no text", "claims", answer, "--evidence", empty)
        self.refused("empty", "claims", " ", "--evidence", text)
        self.refused("no head", "claims", answer, "--evidence", text, "--entailment", STARTER)
        rows = write_lines(self.folder / "claims.jsonl", [{"claim": "탑의 높이는 330미터이다.", "evidence": text.read_text(),
                                                           "verdict": "supported"}])
        values = {line["metric"]: line["value"] for line in self.documents("evaluate", "--task", "claims", "--data", rows)}
        self.assertEqual(values["accuracy"], 1)
        rows.write_text('{"claim": "x", "evidence": "y", "verdict": "perhaps"}\n')
        self.refused("verdict", "evaluate", "--task", "claims", "--data", rows)

    def test_pairs_are_classified(self):
        data = write_lines(self.folder / "pairs.jsonl", [
            {"premise": f"{a} {i}", "hypothesis": f"{b} {i}", "label": label}
            for i in range(40) for a, b, label in [("비가 온다", "눈이 온다", "contradiction"),
                                                   ("눈이 온다", "비가 온다", "entailment")]])
        tuned = self.folder / "pairs"
        self.documents("finetune", "-m", STARTER, "--task", "classification", "--data", data, "--text-column", "premise",
                       "--pair-column", "hypothesis", "-o", tuned, "--steps", "4")
        said = self.documents("classify", "-m", tuned / "model", "--text", "비가 온다 3", "--pair", "눈이 온다 3")[0]
        self.assertEqual(set(said["probabilities"]), {"contradiction", "entailment"})
        pairs = self.folder / "pairs.tsv"
        pairs.write_text("비가 온다 3\t눈이 온다 3\n", encoding="utf-8")
        again = self.documents("classify", "-m", tuned / "model", "--pairs", "--file", pairs)[0]
        self.assertEqual(again["probabilities"], said["probabilities"])
        pairs.write_text("비가 온다 3\n", encoding="utf-8")
        self.refused("no second text", "classify", "-m", tuned / "model", "--pairs", "--file", pairs)
        text = self.folder / "rain.txt"
        text.write_text("비가 온다.", encoding="utf-8")
        checked = self.documents("claims", "눈이 온다.", "--evidence", text, "--entailment", tuned / "model")[0]
        self.assertEqual(len(checked["claims"]), 1)

    def test_an_adapter_fits_its_base_only(self):
        talks = write_lines(self.folder / "talks.jsonl",
                            [{"messages": [{"role": "user", "content": f"{n} 더하기 1"},
                                           {"role": "assistant", "content": f"{n + 1}"}]} for n in range(20)])
        lines = self.documents("finetune", "-m", STARTER, "--data", talks, "--adapter", "lora", "--rank", "4", "-o",
                               self.folder / "adapter", "--steps", "8", "--batch", "2", "--length", "64", "--lr", "0.005")
        self.assertLess(lines[-1]["loss"], lines[0]["loss"])
        adapter = self.folder / "adapter" / "adapter"
        self.assertEqual(json.loads((adapter / "adapter_config.json").read_text())["r"], 4)
        ids = ["--tokens", "5,6,7", "-m"]
        plain = self.documents("logits", *ids, STARTER)[0]
        tuned = self.documents("logits", *ids, STARTER, "--adapter", adapter)[0]
        self.assertNotEqual(plain["top5"], tuned["top5"])
        data = self.folder / "other"
        end_to_end.make_data(data)
        recipe = end_to_end.write_recipe(data, "small", data / "small", 1)
        self.assertEqual(run("train", recipe).returncode, 0)
        self.refused("", "logits", *ids, data / "small" / "model", "--adapter", adapter)

    def test_preferences(self):
        pairs = write_lines(self.folder / "pairs.jsonl",
                            [{"prompt": f"{n}번", "chosen": "좋아요", "rejected": "싫어요"} for n in range(12)])
        lines = self.documents("prefer", "-m", STARTER, "--data", pairs, "--adapter", "lora", "-o", self.folder / "prefer",
                               "--steps", "6", "--batch", "4", "--length", "64", "--lr", "0.005", "--warmup-steps", "0",
                               "--heldout-permille", "0")
        self.assertAlmostEqual(lines[0]["loss"], 0.6931, places=2)
        self.assertLess(lines[-1]["loss"], lines[0]["loss"])

    def test_noise_is_the_same_for_a_seed(self):
        outputs = []
        for name in ("a", "b"):
            out = self.folder / f"{name}.tsv"
            self.assertEqual(run("corpus", "noise", "-i", KOREAN, "-o", out, "--seed", "3").returncode, 0)
            outputs.append(out.read_text(encoding="utf-8"))
        self.assertEqual(outputs[0], outputs[1])
        changed = [line for line in outputs[0].splitlines() if line.split("\t")[0] != line.split("\t")[1]]
        self.assertGreater(len(changed), 0)


if __name__ == "__main__":
    end_to_end.main()
