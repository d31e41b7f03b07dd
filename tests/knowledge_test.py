#!/usr/bin/env python3
"""know add, search, list and remove from outside: folders that change, killed runs, hostile questions.

usage: knowledge_test.py ONMAL
"""
import json
import math
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import end_to_end
from end_to_end import SOURCE, error_of, run

KILLS = 50


def made_documents(folder, count):
    """Documents of real sentences, each with a word of its own."""
    sentences = [line for name in ("ko.txt", "en.txt")
                 for line in (SOURCE / "samples" / name).read_text(encoding="utf-8").splitlines() if line.strip()]
    rng = random.Random(5)
    for number in range(count):
        lines = [rng.choice(sentences) for _ in range(60)]
        lines.insert(30, f"표식{number}번은 mark{number}x 이다.")
        (folder / f"{number:03}.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


class CrossEncoderTwin:
    """A tiny BERT with random weights and a head of one label, as Hugging Face keeps it, and its definition in float64."""
    WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "sea", "is", "deep", "mountain", "high", "and"]
    DIM, HEADS = 16, 2

    def __init__(self, folder):
        import numpy
        self.np, self.folder = numpy, folder
        rng = numpy.random.default_rng(7)
        dim, e, layer = self.DIM, "bert.embeddings.", "bert.encoder.layer.0."
        shapes = {e + "word_embeddings.weight": (len(self.WORDS), dim), e + "position_embeddings.weight": (32, dim),
                  e + "token_type_embeddings.weight": (2, dim), "bert.pooler.dense.weight": (dim, dim),
                  "classifier.weight": (1, dim), layer + "intermediate.dense.weight": (24, dim),
                  layer + "output.dense.weight": (dim, 24)}
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes[f"{layer}attention.{name}.weight"] = (dim, dim)
        weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        for name in [n for n in weights if "embeddings" not in n]:
            weights[name.replace("weight", "bias")] = rng.normal(size=weights[name].shape[0])
        for name in (e + "LayerNorm", layer + "attention.output.LayerNorm", layer + "output.LayerNorm"):
            weights[name + ".weight"], weights[name + ".bias"] = rng.normal(size=dim), rng.normal(size=dim)
        self.weights = {name: w.astype("float32").astype("float64") for name, w in weights.items()}
        folder.mkdir()
        self.write()

    def write(self):
        header, data = {}, b""
        for name, w in self.weights.items():
            part = w.astype("<f4").tobytes()
            header[name] = {"dtype": "F32", "shape": list(w.shape), "data_offsets": [len(data), len(data) + len(part)]}
            data += part
        head = json.dumps(header).encode()
        (self.folder / "model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
        (self.folder / "config.json").write_text(json.dumps({
            "architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": len(self.WORDS),
            "hidden_size": self.DIM, "num_hidden_layers": 1, "num_attention_heads": self.HEADS, "intermediate_size": 24,
            "hidden_act": "gelu", "max_position_embeddings": 32, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
            "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}))
        special = [{"id": i, "content": w, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                    "special": True} for i, w in enumerate(self.WORDS[:4])]
        frame = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
        pair = frame + [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
        (self.folder / "tokenizer.json").write_text(json.dumps({
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
                           "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "TemplateProcessing", "single": frame, "pair": pair, "special_tokens": {
                w: {"id": w, "ids": [i], "tokens": [w]} for i, w in ((2, "[CLS]"), (3, "[SEP]"))}},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(self.WORDS)}}}))

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        x = (x - x.mean(-1, keepdims=True)) / self.np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def score(self, query, passage):
        np, e, layer = self.np, "bert.embeddings.", "bert.encoder.layer.0."
        first, second = ([self.WORDS.index(w) for w in text.split()] for text in (query, passage))
        ids, types = [2, *first, 3, *second, 3], [0] * (len(first) + 2) + [1] * (len(second) + 1)
        x = self.weights[e + "word_embeddings.weight"][ids] + self.weights[e + "token_type_embeddings.weight"][types]
        x = self.norm(x + self.weights[e + "position_embeddings.weight"][: len(ids)], e + "LayerNorm")
        parts = [self.linear(x, layer + "attention.self." + n).reshape(len(ids), self.HEADS, -1)
                 for n in ("query", "key", "value")]
        scores = np.einsum("thd,shd->hts", parts[0], parts[1]) / np.sqrt(self.DIM / self.HEADS)
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        seen = np.einsum("hts,shd->thd", share, parts[2]).reshape(len(ids), self.DIM)
        x = self.norm(x + self.linear(seen, layer + "attention.output.dense"), layer + "attention.output.LayerNorm")
        up = self.linear(x, layer + "intermediate.dense")
        up = up * 0.5 * (1 + np.vectorize(math.erf)(up / math.sqrt(2)))
        x = self.norm(x + self.linear(up, layer + "output.dense"), layer + "output.LayerNorm")
        logit = self.linear(np.tanh(self.linear(x[0], "bert.pooler.dense")), "classifier")[0]
        return 1 / (1 + math.exp(-logit))


class KnowledgeTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-knowledge-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = self.folder / "store.db"
        self.documents = self.folder / "documents"
        self.documents.mkdir()

    def know(self, command, *arguments):
        done = run("--json", "know", command, *arguments, "-k", self.store)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def sources(self, query, *arguments):
        return [pathlib.Path(hit["source"]).name for hit in self.know("search", query, *arguments)["hits"]]

    def test_a_folder_that_changes(self):
        (self.documents / "school.md").write_text("# 학교\n\n학교에서는 아침 아홉 시에 수업을 시작한다.\n", encoding="utf-8")
        (self.documents / "sea.txt").write_text("바다는 넓고 깊다. The sea is deep.\n", encoding="utf-8")
        (self.documents / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
        report = self.know("add", self.documents)
        self.assertEqual((report["added"], len(report["refused"])), (2, 1))
        self.assertIn("broken.pdf", report["refused"][0]["path"])
        self.assertEqual(self.sources("학교를"), ["school.md"])
        hit = self.know("search", "수업 시작")["hits"][0]
        text = (self.documents / "school.md").read_text(encoding="utf-8")
        self.assertIn(hit["text"].split("\n")[-1], text)
        self.assertTrue(hit["text"].startswith("학교"), hit["text"])  # a heading begins its passage

        report = self.know("add", self.documents)
        self.assertEqual((report["added"], report["changed"], report["unchanged"]), (0, 0, 2))
        (self.documents / "sea.txt").write_text("산은 높다. The mountain is high.\n", encoding="utf-8")
        os.utime(self.documents / "school.md")  # a new time alone is no change
        report = self.know("add", self.documents)
        self.assertEqual((report["changed"], report["unchanged"]), (1, 1))
        self.assertEqual(self.sources("바다"), [])
        self.assertEqual(self.sources("mountains"), ["sea.txt"])

        (self.documents / "sea.txt").unlink()
        self.assertEqual(self.know("add", self.documents)["removed"], 0)
        self.assertEqual(self.know("add", self.documents, "--sync")["removed"], 1)
        self.assertEqual(len(self.know("list")["documents"]), 1)
        self.assertEqual(self.know("remove", self.documents)["removed"], 1)
        self.assertEqual(self.know("list")["passages"], 0)

    def test_labels_and_collections(self):
        for name in ("open", "secret"):
            (self.documents / f"{name}.txt").write_text(f"The budget is {name}.\n", encoding="utf-8")
        self.know("add", self.documents / "open.txt")
        self.know("add", self.documents / "secret.txt", "--label", "board", "--collection", "papers")
        self.assertEqual(sorted(self.sources("budget")), ["open.txt", "secret.txt"])
        self.assertEqual(self.sources("budget", "--label", ""), ["open.txt"])
        self.assertEqual(self.sources("budget", "--label", "staff"), ["open.txt"])
        self.assertEqual(sorted(self.sources("budget", "--label", "board")), ["open.txt", "secret.txt"])
        self.assertEqual(self.sources("budget", "--collection", "papers"), ["secret.txt"])
        self.assertEqual(self.sources("budget", "--collection", "papers", "--label", "staff"), [])

    def test_decomposed_hangul_is_the_same(self):
        import unicodedata
        (self.documents / "a.txt").write_text(unicodedata.normalize("NFD", "대한민국의 수도는 서울이다.\n"), encoding="utf-8")
        (self.documents / "b.txt").write_text("일본의 수도는 도쿄이다.\n", encoding="utf-8")
        self.know("add", self.documents)
        for form in ("NFC", "NFD"):
            self.assertEqual(self.sources(unicodedata.normalize(form, "대한민국 서울"))[0], "a.txt")

    def test_the_own_embedder_is_the_default(self):
        (self.documents / "car.txt").write_text("자동차 엔진 오일은 만 킬로미터마다 갈아야 한다.\n", encoding="utf-8")
        (self.documents / "sea.txt").write_text("바다는 넓고 깊다.\n", encoding="utf-8")
        self.assertEqual(self.know("add", self.documents)["vectors_made"], 2)
        self.assertNotEqual(self.know("list")["embedder"], "")
        self.assertGreater(self.know("search", "엔진 오일은 언제 가나요?")["seconds"]["dense"], 0)
        self.assertEqual(self.know("search", "엔진 오일", "--no-embedder")["seconds"]["dense"], 0)
        self.assertEqual(self.sources("엔진 오일은 언제 가나요?")[0], "car.txt")
        self.store.unlink()
        self.assertEqual(self.know("add", self.documents, "--no-embedder")["vectors_made"], 0)
        # What is kept by words alone stays so.
        (self.documents / "more.txt").write_text("산은 높다.\n", encoding="utf-8")
        self.assertEqual(self.know("add", self.documents)["vectors_made"], 0)
        self.assertEqual(self.know("search", "바다")["seconds"]["dense"], 0)

    def test_a_cross_encoder_orders_anew(self):
        try:
            model = CrossEncoderTwin(self.folder / "reranker")
        except ImportError as error:
            self.skipTest(f"{error} (Debian: python3-numpy)")
        texts = {"one.txt": "the sea is deep", "two.txt": "the mountain is high and deep", "three.txt": "deep sea deep sea"}
        for name, text in texts.items():
            (self.documents / name).write_text(text + "\n", encoding="utf-8")
        self.know("add", self.documents, "--no-embedder")
        hits = self.know("search", "deep sea", "--rerank", model.folder)["hits"]
        self.assertEqual(len(hits), 3)
        for hit in hits:
            self.assertAlmostEqual(hit["score"], model.score("deep sea", hit["text"]), places=5)
            self.assertGreater(hit["search_score"], 0)
        self.assertEqual([hit["score"] for hit in hits], sorted((hit["score"] for hit in hits), reverse=True))
        self.assertGreater(hits[0]["score"] - hits[2]["score"], 0.001)
        first = self.know("search", "deep sea", "--rerank", model.folder, "--rerank-depth", 1)["hits"]
        self.assertEqual([hit["score"] for hit in first[1:]], [-1, -1])
        self.assertEqual(first[0]["search_score"], max(hit["search_score"] for hit in hits))

    def test_endings_of_questions_and_pictures(self):
        (self.documents / "leave.txt").write_text("휴가 신청은 팀장에게 한다.\n", encoding="utf-8")
        (self.documents / "tell.txt").write_text("알려 주세요 하고 묻는 말에 대하여.\n", encoding="utf-8")
        (self.documents / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>휴가</text></svg>\n')
        report = self.know("add", self.documents)
        self.assertEqual(report["added"], 2)
        self.assertIn("a picture", report["refused"][0]["reason"])
        for query in ("휴가 신청에 대해 알려 주세요", "휴가 신청은 누구에게 하나요?"):
            self.assertEqual(self.sources(query)[0], "leave.txt")

    def test_hostile_questions(self):
        made_documents(self.documents, 3)
        self.know("add", self.documents)
        for query in ("'; DROP TABLE documents; --", '"" OR NEAR(', "*" * 5000, "\u202e\u0000", "가" * 30000, "%s%n", "-- /*"):
            if "\0" in query:
                continue
            done = run("--json", "know", "search", query, "-k", self.store)
            self.assertIn(done.returncode, (0, 1), query)
            if done.returncode == 1:
                self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(len(self.know("list")["documents"]), 3)

    def test_errors(self):
        self.assertIn("nowhere.db", error_of(run("--json", "know", "search", "x", "-k", self.folder / "nowhere.db"))["message"])
        self.assertFalse((self.folder / "nowhere.db").exists())
        self.assertIn("is not there", error_of(run("--json", "know", "add", self.folder / "nothing", "-k", self.store))["message"])
        made_documents(self.documents, 1)
        self.know("add", self.documents)
        self.assertIn("no document", error_of(run("--json", "know", "remove", "other.txt", "-k", self.store))["message"])
        self.store.write_bytes(b"x" * 10000)
        self.assertIn("no knowledge store", error_of(run("--json", "know", "list", "-k", self.store))["message"])

    def snapshot(self):
        documents = self.know("list")["documents"]
        return sorted((pathlib.Path(one["source"]).name, one["passages"]) for one in documents)

    def test_killed_at_any_moment(self):
        made_documents(self.documents, 120)
        whole = self.folder / "whole.db"
        started = time.monotonic()
        done = run("--json", "-t", "2", "know", "add", self.documents, "-k", whole)
        seconds = time.monotonic() - started
        self.assertEqual(done.returncode, 0, done.stderr)
        self.store, store = whole, self.store
        expected = self.snapshot()
        self.store = store
        rng = random.Random(11)
        broken_off = 0
        for kill in range(KILLS):
            if kill % 5 == 0:  # often from nothing: what goes on where it stopped is soon done
                for name in self.folder.glob("store.db*"):
                    name.unlink()
            # Small commits, so that there is something between them.
            work = subprocess.Popen([end_to_end.ONMAL, "-t", "2", "know", "add", str(self.documents), "-k", str(self.store), "--batch-kb", "60"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, seconds))
            broken_off += work.poll() is None
            work.send_signal(signal.SIGKILL)
            work.wait()
            if not self.store.exists():
                continue
            listed = run("--json", "know", "list", "-k", self.store)
            self.assertEqual(listed.returncode, 0, listed.stderr)
            # Every document that is there is there whole.
            known = dict(expected)
            for one in json.loads(listed.stdout)["documents"]:
                self.assertEqual(one["passages"], known[pathlib.Path(one["source"]).name])
        self.assertGreater(broken_off, KILLS // 5)
        self.know("add", self.documents)
        self.assertEqual(self.snapshot(), expected)
        for number in (0, 60, 119):
            self.assertEqual(self.sources(f"mark{number}x", "-n", "1"), [f"{number:03}.txt"])


if __name__ == "__main__":
    end_to_end.main()
