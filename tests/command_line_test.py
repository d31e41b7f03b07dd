#!/usr/bin/env python3
"""Exit codes, JSON keys and where output goes: command_line_test.py ONMAL"""
import json
import pathlib
import resource
import shutil
import tempfile
import unittest

import end_to_end
from end_to_end import SOURCE, STARTER, error_of, make_data, run

KOREAN = SOURCE / "samples" / "ko.txt"


class CommandLineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-cli-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        make_data(cls.folder)

    def check(self, command, *keys):
        """One JSON document with these keys, and nothing else on stdout."""
        done = run(*command, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertLessEqual(set(keys), document.keys())
        return document

    def test_documents_have_the_promised_keys(self):
        self.check(["generate", "-m", STARTER, "-p", "안녕", "-n", "3"], "text", "tokens", "prompt_tokens",
                   "prefill_tokens_per_s", "decode_tokens_per_s", "drafted_tokens", "accepted_tokens")
        encoded = self.check(["tokenize", "-m", STARTER, "--text", "온말 abc"], "ids", "pieces", "bytes", "characters")
        ids = ",".join(map(str, encoded["ids"]))
        self.assertEqual(self.check(["detokenize", "-m", STARTER, "--ids", ids], "text")["text"], "온말 abc")
        piped = run("tokenize", "-m", STARTER, "--json", input="온말 abc")
        self.assertEqual(json.loads(piped.stdout)["ids"], encoded["ids"])
        self.check(["tokenizer", "train", "--input", KOREAN, "--vocab-size", "300", "-o", self.folder / "t.json"],
                   "vocab_size", "seconds", "bytes")
        logits = self.check(["logits", "-m", STARTER, "--tokens", ids, "-o", self.folder / "l"], "shape", "argmax", "top5")
        self.assertEqual((self.folder / "l").stat().st_size, 4 * logits["shape"][0] * logits["shape"][1])
        self.check(["inspect", STARTER], "metadata", "tensors")
        self.check(["bench", "-m", STARTER, "-p", "8", "-n", "4", "-r", "1"], "prefill_tokens_per_s",
                   "decode_tokens_per_s", "peak_rss_bytes")
        self.check(["convert", STARTER, self.folder / "f32.gguf", "--type", "f32"], "bytes_in", "bytes_out", "tensors")
        self.check(["quantize", self.folder / "f32.gguf", self.folder / "q4.gguf", "--type", "q4_0"], "bytes_in",
                   "bytes_out", "tensors")
        scored = self.check(["perplexity", "-m", self.folder / "q4.gguf", "--file", KOREAN, "--kl-base",
                             self.folder / "f32.gguf"], "perplexity", "bits_per_byte", "tokens", "kl_divergence",
                            "kl_divergence_p99", "top1_agreement", "base_perplexity")
        self.check(["perplexity", "-m", STARTER, "--file", KOREAN, "--chunk", "64"], "perplexity", "bits_per_byte")
        self.assertGreater(scored["kl_divergence_p99"], scored["kl_divergence"])
        self.assertLess(scored["kl_divergence"], 1)

    def test_finetuning_learns_and_prints_a_line_a_step(self):
        data = self.folder / "talks.jsonl"
        data.write_text("".join(json.dumps({"messages": [{"role": "user", "content": f"{n} 더하기 1"},
                                                         {"role": "assistant", "content": f"{n + 1}"}]}) + "\n"
                                for n in range(20)), encoding="utf-8")
        done = run("finetune", "-m", STARTER, "--data", data, "-o", self.folder / "tuned", "--steps", "6", "--batch", "2",
                   "--length", "64", "--lr", "0.001", "--warmup-steps", "0", "--heldout-permille", "0", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([line["step"] for line in lines], list(range(1, 7)))
        self.assertLessEqual({"step", "loss", "tokens_per_s", "mfu", "lr"}, lines[0].keys())
        self.assertLess(lines[-1]["loss"], lines[0]["loss"])
        answer = self.check(["generate", "-m", self.folder / "tuned" / "model", "-p", "1", "-n", "2"], "text")
        self.assertEqual(answer["tokens"], 2)
        data.write_text('{"messages": [{"role": "robot", "content": "x"}]}\n', encoding="utf-8")
        done = run("finetune", "-m", STARTER, "--data", data, "-o", self.folder / "tuned2", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("robot", error_of(done)["message"])

    def test_too_long_prompts_are_errors_or_reported_cuts(self):
        command = ["generate", "-m", STARTER, "-c", "32", "-n", "8", "--seed", "1"]
        text = "하나 둘 셋 넷 다섯 " * 30
        done = run(*command, "-p", text, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(error_of(done)["code"], "resource")
        self.assertRegex(error_of(done)["message"], r"\d+ too many")
        cut = run(*command, "-p", text, "--truncate", "--json")
        document = json.loads(cut.stdout)
        self.assertEqual(document["prompt_tokens"], 24)
        self.assertGreater(document["truncated_tokens"], 0)
        self.assertIn(f"cut {document['truncated_tokens']} tokens", cut.stderr)

    def test_exit_codes_and_streams(self):
        done = run("generate", "-m", self.folder / "missing.gguf", "-p", "x")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("missing.gguf", done.stderr)
        for command in (["generate"], ["nonsense"], ["generate", "-m", STARTER, "-p", "x", "--draft", STARTER,
                                                     "--no-speculation"]):
            done = run(*command, "--json")
            self.assertEqual(done.returncode, 2, command)
            self.assertEqual(error_of(done)["code"], "usage")
        self.assertEqual(run("--help").returncode, 0)

    def test_a_draft_model_with_another_vocabulary_is_an_error(self):
        recipe = end_to_end.write_recipe(self.folder, "small", self.folder / "small", 1)
        self.assertEqual(run("train", recipe).returncode, 0)
        done = run("generate", "-m", STARTER, "-p", "x", "--draft", self.folder / "small" / "model", "--json")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(error_of(done)["message"], "vocabulary has 400 tokens, not 8192")

    def test_a_cache_larger_than_memory_is_an_error_with_numbers(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20))

        recipe = end_to_end.write_recipe(self.folder, "long", self.folder / "long", 1)
        recipe.write_text(recipe.read_text().replace("max_positions = 64", "max_positions = 1000000"))
        self.assertEqual(run("train", recipe).returncode, 0)
        done = run("generate", "-m", self.folder / "long" / "model", "-p", "x", "-c", "0", "-t", "1", "--json",
                   preexec_fn=limit)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(error_of(done)["code"], "resource")
        self.assertRegex(error_of(done)["message"], "needs .*B of memory, .*B are available")


if __name__ == "__main__":
    end_to_end.main()
