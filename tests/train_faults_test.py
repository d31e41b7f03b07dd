#!/usr/bin/env python3
"""Training when things go wrong: kill -9, a full disk, misspelt keys, NaN, bad corpora: train_faults_test.py ONMAL"""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import end_to_end
from end_to_end import SOURCE, error_of, make_data, run, write_recipe


def weights(output):
    return (pathlib.Path(output) / "model" / "model.safetensors").read_bytes()


class TrainFaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="onmal-train-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        make_data(cls.folder)

    def train(self, recipe, *options, **more):
        return run("train", recipe, *options, **more)

    def test_killed_inside_checkpoints_and_resumed_gives_the_same_weights(self):
        steps = 12
        whole = self.folder / "whole"
        done = self.train(write_recipe(self.folder, "whole", whole, steps))
        self.assertEqual(done.returncode, 0, done.stderr)
        output = self.folder / "killed"
        recipe = write_recipe(self.folder, "killed", output, steps)
        kills = 0
        for _ in range(200):
            with subprocess.Popen([end_to_end.ONMAL, "train", str(recipe)], stderr=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL) as process:
                while process.poll() is None and kills < 5:
                    # Some part of a checkpoint is on the disk, the whole is not.
                    if output.exists() and any(name.startswith("part-") for name in os.listdir(output)):
                        process.send_signal(signal.SIGKILL)
                        break
                error = process.communicate()[1]
            if process.returncode == 0:
                break
            self.assertEqual(process.returncode, -signal.SIGKILL, error)
            kills += 1
        self.assertEqual(process.returncode, 0)
        self.assertGreaterEqual(kills, 3)
        self.assertEqual(weights(output), weights(whole))

    def check_full_disk(self, output, **limits):
        recipe = write_recipe(self.folder, "full", output, 6)
        done = self.train(recipe, "--json", **limits)
        self.assertEqual(done.returncode, 1, done.stderr)
        message = error_of(done)["message"]
        self.assertEqual(error_of(done)["code"], "io", message)
        self.assertRegex(message, "(?i)space|too large")
        self.assertIn(str(output), message)

    def test_a_full_disk_leaves_the_last_checkpoint(self):
        mount = self.folder / "disk"
        mount.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", mount], capture_output=True,
                              check=False)
        if made.returncode != 0:
            self.skipTest("mounting a small file system needs root: " + made.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", mount], check=False)
        output = mount / "out"
        self.check_full_disk(output)
        kept = [name for name in os.listdir(output) if not name.startswith("part-")]
        self.assertTrue(any(name.startswith("step-") or name[-1].isdigit() for name in kept), kept)
        subprocess.run(["mount", "-o", "remount,size=8m", mount], check=True)
        done = self.train(self.folder / "full.toml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("continuing after step", done.stderr)

    def test_a_file_that_may_not_grow_is_an_error_too(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))

        output = self.folder / "limited"
        self.check_full_disk(output, preexec_fn=limit)

    def test_misspelt_keys_name_the_nearest(self):
        recipe = write_recipe(self.folder, "misspelt", self.folder / "x", optimizer="learing_rate = 0.1")
        done = self.train(recipe, "--json")
        self.assertEqual(done.returncode, 1)
        message = error_of(done)["message"]
        self.assertIn("learing_rate", message)
        self.assertIn("did you mean 'learning_rate'?", message)
        self.assertRegex(message, r"misspelt\.toml:\d+")
        self.assertFalse((self.folder / "x").exists())

    def test_a_loss_that_is_no_number_names_step_and_batch(self):
        output = self.folder / "nan"
        recipe = write_recipe(self.folder, "nan", output, 60,
                              optimizer="learning_rate = 100.0\nweight_decay = 100.0\nclip_norm = 0.0")
        done = self.train(recipe, "--json")
        self.assertEqual(done.returncode, 1)
        error = error_of(done)
        self.assertEqual(error["code"], "numeric")
        steps = [json.loads(line)["step"] for line in done.stdout.splitlines()[:-1]]
        self.assertRegex(error["message"], rf"not finite at step {steps[-1] + 1} \(sequences \d+ to \d+\)")
        self.assertTrue(any(name.endswith(str(steps[-1])) for name in os.listdir(output)), os.listdir(output))

    def test_corpora_that_are_no_text_are_errors(self):
        for name, content, expected in (("empty", b"", "empty|no text|nothing"), ("binary", b"abc\xff\xfe", "UTF-8"),
                                        ("nul", "가\0나".encode(), "NUL")):
            file = self.folder / f"{name}.txt"
            file.write_bytes(content)
            corpus = self.folder / f"{name}.toml"
            corpus.write_text(f'[[text]]\npath = "{name}.txt"\nformat = "paragraphs"\n')
            shards = self.folder / f"{name}-shards"
            for command in (["tokenizer", "train", "--input", file, "-o", self.folder / f"{name}.json"],
                            ["pack", "-t", self.folder / "tokenizer.json", "--corpus", corpus, "--data", self.folder,
                             "-o", shards]):
                with self.subTest(file=name, command=command[0]):
                    done = run(*command, "--json")
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertRegex(error_of(done)["message"], expected)
                    self.assertFalse((self.folder / f"{name}.json").exists())
                    self.assertFalse((shards / "train.tok").exists())


if __name__ == "__main__":
    end_to_end.main()
