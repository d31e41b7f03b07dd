#!/usr/bin/env python3
"""translate, correct, summarize and ask through the command line, with an instruct model and tiny tuned ones.

usage: text_tasks_test.py ONMAL
"""
import array
import json
import pathlib
import shutil
import tempfile
import unittest

import end_to_end
from end_to_end import SOURCE, STARTER, error_of, run

# Documents with a summary; what matters does not stand first.
ARTICLES = [
    ("오늘 아침 기온은 영하 삼 도였다. 거리는 한산했다. 시청은 오래된 시민회관을 헐고 그 자리에 도서관을 짓기로 "
     "했다. 새 도서관은 책 이십만 권을 갖춘다. 도서관 공사는 봄에 시작된다. 시민들은 새 도서관을 반겼다. 저녁에는 "
     "눈이 왔다.",
     "시청은 시민회관 자리에 새 도서관을 짓는다. 새 도서관은 책 이십만 권을 갖추고 공사는 봄에 시작된다."),
    ("우리 동네에는 빵집이 셋 있다. 어제 축구 대표팀이 이웃 나라 대표팀을 삼 대 일로 이겼다. 대표팀의 공격수는 두 "
     "골을 넣었다. 감독은 공격수와 대표팀을 칭찬했다. 나는 커피를 마셨다. 대표팀은 다음 달 결승 경기에 나간다.",
     "축구 대표팀이 이웃 나라 대표팀을 삼 대 일로 이겼고 공격수가 두 골을 넣었다. 대표팀은 다음 달 결승에 나간다."),
    ("It was a quiet Monday. My coffee was cold. The museum opened a new hall for old maps. The hall of the museum shows "
     "two hundred maps of the city. Visitors of the museum can touch copies of the maps. The bus was late again.",
     "The museum opened a new hall that shows two hundred old maps of the city; visitors can touch copies of the maps."),
    ("전화가 세 번 울렸다. 창밖이 흐렸다. 연구진은 배터리의 수명을 두 배로 늘리는 새 소재를 찾았다. 새 소재는 값이 "
     "싸고 배터리에 쉽게 쓰인다. 연구진은 소재를 배터리 회사와 함께 시험한다. 점심은 국수였다.",
     "연구진은 배터리 수명을 두 배로 늘리는 값싼 새 소재를 찾아 배터리 회사와 시험한다."),
]


def scramble_weights(path):
    """The same f32 values in reverse order: equal shapes, another model."""
    blob = path.read_bytes()
    begin = 8 + int.from_bytes(blob[:8], "little")
    values = array.array("f", blob[begin:])
    values.reverse()
    path.write_bytes(blob[:begin] + values.tobytes())


class TextTasksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-text-tasks-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.encoder_decoder = cls.train("pairs", "marian", 'task = "pairs"', 'table = "pairs.tsv"\nsource_column = "en"\n'
                                        'target_column = "ko"\nsource_language = "en"\ntarget_language = "ko"')
        cls.tagger = cls.train("tagger", "bert", 'task = "correction"', 'table = "sentences.txt"\n'
                               'heldout_table = "sentences.txt"')
        cls.classifier = cls.train("labels", "bert", 'task = "classification"', 'table = "labels.tsv"')

    @classmethod
    def train(cls, name, architecture, objective, data):
        folder = cls.folder / "data"
        if not folder.exists():
            end_to_end.make_data(folder)
            done = run("tokenizer", "train", "--input", SOURCE / "samples" / "ko.txt", SOURCE / "samples" / "en.txt", "--vocab-size", "400",
                       "--special-token", "<2ko>", "--special-token", "<2en>", "--special-token", "[MASK]", "-o", folder / "tokenizer.json")
            assert done.returncode == 0, done.stderr
            (folder / "pairs.tsv").write_text("en\tko\n" + "".join(f"Number {n}.\t{n}번이다.\n" for n in range(40)),
                                              encoding="utf-8")
            (folder / "sentences.txt").write_text("".join(f"오늘은 {n}번 학교에 갔다.\n" for n in range(80)),
                                                  encoding="utf-8")
            (folder / "labels.tsv").write_text("text\tlabel\n" + "".join(f"글 {n}\t{n % 2}\n" for n in range(60)),
                                               encoding="utf-8")
        recipe = folder / f"{name}.toml"
        recipe.write_text(f'[model]\narchitecture = "{architecture}"\nvocab_size = 400\ndim = 32\nlayers = 1\nheads = 2\n'
                          f"head_dim = 16\nffn_dim = 64\nmax_positions = 96\n[objective]\n{objective}\n[data]\n"
                          f'tokenizer = "tokenizer.json"\nlength = 64\n{data}\n[optimizer]\nlearning_rate = 0.003\n'
                          f'[run]\nsteps = 3\nbatch = 8\nthreads = 1\noutput = "{folder / name}"\n', encoding="utf-8")
        done = run("train", recipe)
        assert done.returncode == 0, done.stderr
        return folder / name / "model"

    def answer(self, *command, **options):
        done = run(*command, "--json", **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def refused(self, text, *command, status=1, **options):
        done = run(*command, "--json", **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(text, error_of(done)["message"])

    def test_translate_line_by_line(self):
        lines = self.folder / "lines.txt"
        lines.write_text("First line without an end\nsecond line\n\nThird line.\n", encoding="utf-8")
        done = run("translate", "-m", self.encoder_decoder, "--from", "en", "--to", "ko", "--lines", "-f", lines, "-n", "8",
                   errors="replace")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.split("\n")), 5)
        self.assertEqual(done.stdout.split("\n")[2], "")
        done = run("translate", "-m", self.encoder_decoder, "--from", "en", "--to", "ko", "--lines", "-f", lines, "-n", "8", "--json")
        self.assertEqual([json.loads(line)["parts"] for line in done.stdout.splitlines()], [1, 1, 0, 1])

    def test_translate_keeps_the_shape_of_a_text(self):
        text = "# 제목\n\n- 하나는 1이다.\n- 둘이다.\n"
        for model, kind, more in ((STARTER, "instruct", ["-n", "12"]),
                                  (self.encoder_decoder, "encoder-decoder", ["--beams", "2", "--length-penalty", "0.8"])):
            answer = self.answer("translate", "-m", model, "--text", text, *more)
            self.assertEqual((answer["from"], answer["to"]), ("ko", "en"))
            self.assertEqual(answer["model"]["kind"], kind)
            self.assertEqual(answer["parts"], 3)
            lines = answer["result"].split("\n")
            self.assertEqual(len(lines), 4)
            self.assertTrue(lines[0].startswith("# ") and lines[2].startswith("- ") and lines[3].startswith("- "))
            self.assertEqual([loss for loss in answer["lost"] if loss["text"] != "1"], [])
        plain = run("translate", "-m", STARTER, "--to", "ko", "-n", "4", input="Hello there.\n")
        self.assertIn("answered by starter-q8_0.gguf (instruct): English to Korean", plain.stderr)
        again = self.answer("translate", "-m", STARTER, "--text", text, "-n", "12")
        self.assertEqual(again["result"], self.answer("translate", "-m", STARTER, "--text", text, "-n", "12")["result"])

    def test_correct_shows_places(self):
        text = "오늘은 3번 학교에 갓다.  내일도 간다.\n\n- 끝이다.\n"
        path = self.folder / "text.txt"
        path.write_text(text, encoding="utf-8")
        for model, kind in ((STARTER, "instruct"), (self.tagger, "edit tagger"), (self.encoder_decoder, "encoder-decoder")):
            answer = self.answer("correct", "-m", model, "--file", path)
            self.assertEqual(answer["model"]["kind"], kind)
            self.assertEqual(answer["sentences"], 3)
            rebuilt, done = b"", 0
            for edit in answer["edits"]:
                self.assertEqual(text.encode()[edit["start"]:edit["end"]].decode(), edit["from"])
                self.assertEqual(text[edit["start_character"]:edit["end_character"]], edit["from"])
                rebuilt += text.encode()[done:edit["start"]] + edit["to"].encode()
                done = edit["end"]
            self.assertEqual((rebuilt + text.encode()[done:]).decode().removesuffix("\n"), answer["result"])
            for drop in answer["dropped"]:
                self.assertTrue(drop["reason"])
        sure = self.answer("correct", "-m", self.tagger, "--file", path, "--confidence", "1")
        self.assertEqual(sure["edits"], [])

    def test_summaries_of_sentences_say_where_they_stand(self):
        text = ARTICLES[0][0]
        answer = self.answer("summarize", "--text", text, "--length", "2")
        self.assertIsNone(answer["model"])
        self.assertEqual(len(answer["sentences"]), 2)
        for sentence in answer["sentences"]:
            self.assertEqual(text[sentence["start_character"]:sentence["end_character"]], sentence["text"])
        short = self.answer("summarize", "--text", text, "--length", "40c")
        self.assertLessEqual(len(short["result"]), 40)
        written = self.answer("summarize", "-m", STARTER, "--text", " ".join(article for article, _ in ARTICLES) * 3,
                              "-n", "16", "-c", "256", "--length", "1")
        self.assertEqual(written["method"], "abstractive")
        self.assertGreater(written["parts"], 1)

    def test_chosen_sentences_beat_the_first_ones(self):
        chosen, first, references = [], [], []
        for text, reference in ARTICLES:
            answer = self.answer("summarize", "--text", text, "--length", "2")
            chosen.append(answer["result"].replace("\n", " "))
            first.append(". ".join(text.split(". ")[:2]) + ".")
            references.append(reference)
        scores = {}
        for name, lines in (("chosen", chosen), ("first", first), ("references", references)):
            (self.folder / f"{name}.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        for name in ("chosen", "first"):
            done = run("evaluate", "--task", "summary", "--predictions", self.folder / f"{name}.txt", "--references",
                       self.folder / "references.txt", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            scores[name] = {row["metric"]: row["value"] for row in map(json.loads, done.stdout.splitlines())}
        for metric, value in scores["chosen"].items():
            self.assertGreater(value, scores["first"][metric] + 0.1, metric)

    def test_ask(self):
        history = self.folder / "history.json"
        history.write_text(json.dumps({"messages": [{"role": "system", "content": "짧게 답한다."},
                                                    {"role": "user", "content": "안녕?"},
                                                    {"role": "assistant", "content": "안녕하세요."}]}), encoding="utf-8")
        answer = self.answer("ask", "-m", STARTER, "하늘은 무슨 색이야?", "-n", "8", "--history", history)
        bare = self.answer("ask", "-m", STARTER, "하늘은 무슨 색이야?", "-n", "8")
        self.assertGreater(answer["prompt_tokens"], bare["prompt_tokens"])
        self.assertEqual(answer["model"]["name"], "starter-q8_0.gguf")
        history.write_text("{}")
        self.refused("no conversation", "ask", "-m", STARTER, "뭐?", "--history", history)

    def test_the_corrector_that_comes_along(self):
        answer = self.answer("correct", "--text", "나는 어제 친구를 만나서 영화를봤다. 이 기능을 사용할수 있습니다. 다음 단계를 따르새요.")
        self.assertEqual(answer["result"], "나는 어제 친구를 만나서 영화를 봤다. 이 기능을 사용할 수 있습니다. 다음 단계를 따르세요.")
        self.assertEqual((answer["model"]["name"], answer["model"]["kind"]), ("corrector", "edit tagger"))
        clean = "이 문장은 손댈 곳이 없다."
        self.assertEqual(self.answer("correct", "--text", clean)["result"], clean)

    def test_text_in_brackets_is_no_list(self):
        tokens = json.loads((self.folder / "data" / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
        self.assertIn("[MASK]", [token["content"] for token in tokens])
        lines = self.folder / "brackets.txt"
        lines.write_text("[글 1, 글 2]\n", encoding="utf-8")
        read = run("classify", "-m", self.classifier, "--file", lines, "--json").stdout
        self.assertEqual(run("classify", "-m", self.classifier, "--text", "[글 1, 글 2]", "--json").stdout, read)
        self.assertEqual(len(read.splitlines()), 1)

    def test_classifiers_in_half_the_bytes(self):
        half = self.folder / "half"
        self.assertEqual(self.answer("convert", self.classifier, half, "--type", "f16")["type"], "f16")
        self.assertLess((half / "model.safetensors").stat().st_size, (self.classifier / "model.safetensors").stat().st_size * 0.7)
        for text in ("글 3", "글 4"):
            said = [self.answer("classify", "-m", model, "--text", text) for model in (self.classifier, half)]
            for label, value in said[0]["probabilities"].items():
                self.assertAlmostEqual(said[1]["probabilities"][label], value, delta=0.01)
        tagger = self.folder / "half-tagger"
        self.answer("convert", self.tagger, tagger, "--type", "f16")
        self.assertEqual((tagger / "edit_tagger.json").read_bytes(), (self.tagger / "edit_tagger.json").read_bytes())
        self.assertIn("result", self.answer("correct", "-m", tagger, "--text", "오늘은 학교에 갔다."))
        self.refused("is the folder that is read", "convert", half, half, "--type", "f32")
        self.refused("hold no q8_0", "convert", self.classifier, self.folder / "none", "--type", "q8_0")

    def test_a_classifier_by_an_adapter(self):
        data = self.folder / "moods.jsonl"
        data.write_text("".join(json.dumps({"text": f"{word} {n}", "label": label}, ensure_ascii=False) + "\n"
                                for n in range(30) for word, label in (("정말 재미있다", "good"), ("너무 지루하다", "bad"))),
                        encoding="utf-8")
        encoder = self.tagger.parent / "base"
        shutil.copytree(self.classifier, encoder)
        for name, base, rate in (("decoder", STARTER, "0.003"), ("encoder", encoder, "0.02")):
            out = self.folder / name
            done = run("finetune", "-m", base, "--task", "classification", "--data", data, "--adapter", "lora", "--rank", "4",
                       "--epochs", "6", "--batch", "8", "--length", "64", "--lr", rate, "-o", out, "--json")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertLess(lines[-1]["loss"], lines[0]["loss"])
            config = json.loads((out / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
            self.assertEqual(config["task_type"], "SEQ_CLS")
            self.assertTrue(config["modules_to_save"])
            done = run("classify", "-m", base, "--adapter", out / "adapter", "--text", "정말 재미있다 3", "--text",
                       "너무 지루하다 5", "--json")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            labels = [json.loads(line)["label"] for line in done.stdout.splitlines()]
            if name == "decoder":
                self.assertEqual(labels, ["good", "bad"])
            self.assertTrue(set(labels) <= {"good", "bad"})
        self.refused("", "classify", "-m", encoder, "--adapter", self.folder / "decoder" / "adapter", "--text", "글")
        other = self.tagger.parent / "other"
        shutil.copytree(encoder, other)
        scramble_weights(other / "model.safetensors")
        self.refused("was trained on another model", "classify", "-m", other, "--adapter", self.folder / "encoder" / "adapter",
                     "--text", "글")
        scaled = self.folder / "scaled"
        shutil.copytree(self.folder / "encoder" / "adapter", scaled)
        config = json.loads((scaled / "adapter_config.json").read_text(encoding="utf-8"))
        (scaled / "adapter_config.json").write_text(json.dumps({**config, "alpha_pattern": {"query": 3}}), encoding="utf-8")
        self.refused("it has a alpha_pattern.query", "classify", "-m", encoder, "--adapter", scaled, "--text", "글")
        self.refused("modules_to_save", "logits", "-m", STARTER, "--tokens", "5", "--adapter",
                     self.folder / "decoder" / "adapter")

    def test_data_that_teaches_nothing(self):
        def table(name, rows):
            path = self.folder / name
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
            return path
        silent = table("silent.jsonl", [{"messages": [{"role": "user", "content": "안녕?"}]}])
        self.refused("has no answer", "finetune", "-m", STARTER, "--data", silent, "-o", self.folder / "none")
        labels = [{"text": f"글 {n}", "label": "ab"[n % 2]} for n in range(20)]
        tune = ["finetune", "-m", STARTER, "--task", "classification", "-o", self.folder / "none", "--data"]
        self.refused("'c' is never seen in training", *tune, table("labels.jsonl", labels), "--heldout",
                     table("odd.jsonl", [{"text": "글", "label": "c"}]))
        self.refused("the held-out split is empty", *tune, table("few.jsonl", labels[:2]), "--heldout-permille", "1")
        for option, value in (("--rank", "0"), ("--lr", "-1"), ("--epochs", "0"), ("--batch", "-2"), ("--length", "1")):
            self.refused("not in range", *tune, self.folder / "no such file", option, value, status=2)

    def test_refusals(self):
        for task in ("translate", "ask"):
            self.refused("--model is required", task, "--text", "안녕", status=2)
            self.refused("the text is empty", task, "-m", STARTER, "--text", " ")
            self.refused("writes none", task, "-m", self.classifier, "--text", "안녕")
            done = run(task, "-m", STARTER, "--text", "가", "--file", self.folder / "data" / "pairs.tsv")
            self.assertEqual(done.returncode, 2, done.stderr)
        bad = self.folder / "bad.txt"
        bad.write_bytes("안녕".encode() + b"\xff")
        self.refused("byte 7 of the text is not UTF-8", "summarize", "-f", bad)
        self.refused("Korean already", "translate", "-m", STARTER, "--to", "ko", "--text", "안녕")
        self.refused("for encoder-decoders", "translate", "-m", STARTER, "--beams", "2", "--text", "안녕")
        self.refused("is none", "summarize", "--text", "안녕", "--length", "tall")
        self.refused("too many", "ask", "-m", STARTER, "-c", "64", "--text", "아주 긴 질문 " * 200)
        self.refused("not in range", "words", "train", "-i", bad, "-o", self.folder / "x", "--dim", "0", status=2)


if __name__ == "__main__":
    end_to_end.main()
