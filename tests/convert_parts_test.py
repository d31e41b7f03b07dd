#!/usr/bin/env python3
"""Models in several files: written, read by any part, and the same as in one file.

usage: convert_parts_test.py ONMAL SOURCE_FOLDER
"""
import json
import pathlib
import subprocess
import sys
import tempfile

ONMAL, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
STARTER = SOURCE / "models/starter/starter-q8_0.gguf"


def onmal(*arguments, expect=0):
    run = subprocess.run([ONMAL, "--json", *map(str, arguments)], capture_output=True, text=True)
    assert run.returncode == expect, (arguments, run.returncode, run.stderr)
    return json.loads(run.stdout)


def logits(model):
    answer = onmal("logits", "-m", model, "--tokens", "1,20,300,400")
    return answer["argmax"], answer["top5"]


def ids(model):
    return onmal("tokenize", "-m", model, "--text", "온말 speaks 한국어.")["ids"]


def tokenizer_metadata(model):
    metadata = onmal("inspect", model)["metadata"]
    return {key: value for key, value in metadata.items() if key.startswith("tokenizer.")}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expected, pieces = logits(STARTER), ids(STARTER)
        (folder / "gguf").mkdir()
        onmal("convert", STARTER, folder / "gguf/m.gguf", "--split-max-size", "4M")
        parts = sorted((folder / "gguf").iterdir())
        assert len(parts) > 1 and parts[0].name == f"m-00001-of-{len(parts):05d}.gguf", parts
        assert all(part.stat().st_size < 8_000_000 for part in parts[1:]), parts
        for model in (parts[0], parts[-1], folder / "gguf"):
            assert logits(model) == expected and ids(model) == pieces, model
            assert tokenizer_metadata(model) == tokenizer_metadata(STARTER), model
        print(f"{len(parts)} parts of a GGUF file: the same logits and ids from the first, the last and the folder")

        onmal("convert", parts[1], folder / "hf", "--type", "f16", "--shard-size", "4M")
        shards = sorted((folder / "hf").glob("*.safetensors"))
        index = json.loads((folder / "hf/model.safetensors.index.json").read_text())
        assert len(shards) > 1 and {shard.name for shard in shards} == set(index["weight_map"].values()), shards
        assert index["metadata"]["total_size"] > 0
        onmal("convert", folder / "hf", folder / "back.gguf", "--type", "q8_0")
        onmal("convert", STARTER, folder / "once.gguf", "--type", "f16")
        assert logits(folder / "hf") == logits(folder / "once.gguf")
        assert ids(folder / "hf") == pieces and ids(folder / "back.gguf") == pieces
        before, after = tokenizer_metadata(STARTER), tokenizer_metadata(folder / "back.gguf")
        for key in ("tokenizer.chat_template", "tokenizer.ggml.eos_token_id", "tokenizer.ggml.pre"):
            assert before.get(key) == after.get(key), (key, before.get(key), after.get(key))
        print(f"{len(shards)} shards of safetensors: the same logits as in one file, and the tokenizer kept on the way back")

        parts[1].unlink()
        message = onmal("inspect", parts[0], expect=1)["error"]["message"]
        assert "missing" in message and "part 2" in message, message
    return 0


if __name__ == "__main__":
    sys.exit(main())
