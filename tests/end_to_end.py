"""What the end-to-end tests share: running the program, and a small corpus, tokenizer and recipe to train with."""
import json
import pathlib
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent
STARTER = SOURCE / "models" / "starter"
ONMAL = ""  # the program, set by main()

RECIPE = """
[model]
architecture = "qwen3"
vocab_size = 400
dim = 32
layers = 2
heads = 2
kv_heads = 1
head_dim = 16
ffn_dim = 64
max_positions = 64
[data]
tokenizer = "tokenizer.json"
train = "train.tok"
length = 32
[optimizer]
{optimizer}
[schedule]
kind = "constant"
[run]
steps = {steps}
batch = 4
threads = 1
checkpoint_every = 1
output = "{output}"
{run}
"""


def run(*arguments, **options):
    """Ends with the program; .stdout and .stderr are text."""
    return subprocess.run([ONMAL, *map(str, arguments)], capture_output=True, timeout=120, encoding="utf-8",
                          check=False, **options)


def make_data(folder):
    """tokenizer.json and train.tok of the samples."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = "".join(f'[[text]]\npath = "{name}.txt"\nformat = "paragraphs"\n' for name in ("ko", "en"))
    (folder / "corpus.toml").write_text(texts, encoding="utf-8")
    samples = SOURCE / "samples"
    for command in (["tokenizer", "train", "--input", samples / "ko.txt", samples / "en.txt", "--vocab-size", 400, "-o",
                     folder / "tokenizer.json"],
                    ["pack", "-t", folder / "tokenizer.json", "--corpus", folder / "corpus.toml", "--data", samples,
                     "--heldout-permille", 0, "-o", folder]):
        done = run(*command)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)


def write_recipe(folder, name, output, steps=6, optimizer="learning_rate = 0.001", more=""):
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(optimizer=optimizer, steps=steps, output=output, run=more), encoding="utf-8")
    return path


def error_of(done):
    """The error document of a --json run."""
    return json.loads(done.stdout.splitlines()[-1])["error"]


def main():
    global ONMAL
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} ONMAL [TEST…]")
    # The importing test has its own copy of this module's names only through the module itself.
    sys.modules["end_to_end"].ONMAL = ONMAL = sys.argv.pop(1)
    unittest.main(module="__main__", verbosity=2)
