#!/usr/bin/env python3
"""GGUF files of ours, read by llama.cpp: the same ids for text, the same greedy continuation.

  LLAMA_CPP_NODE=…/node_modules/node-llama-cpp gguf_llamacpp_test.py ONMAL SOURCE_DIR [--corpus FILE] [--vocab-size N]

A tokenizer is trained on FILE (or on this project's own sources and some Korean), put beside small random weights in
a Hugging Face folder, converted to GGUF by ONMAL and given to both programs. Skips (77) without llama.cpp or node.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

KOREAN = """온말은 말 전체를 뜻한다. 할머니께서 책을 읽으시는 동안 아이들은 마당에서 뛰어놀았다. 띄어쓰기가 없는문장도있다.
서울특별시의 인구는 9,384,512명이다. 그렇지만 가끔은 ㅋㅋㅋ 하고 웃는다. "정말요?" 하고 물었더니 고개를 끄덕였다.
"""
TEXTS = [
    "", " ", "Hello world", "don't we'll I'M", "12345 6789.01", "a  b   c\n\n\td \r\n e  ", "온말은 말 전체를 뜻한다.",
    "서울특별시의 인구는 9,384,512명", "ㅋㅋㅋㅋ 햣뷁", "é ñ 漢字 かな 🙂‍↔️ \u200b", "<|im_start|>user\n안녕<|im_end|>\n",
    "for (int i = 0; i < n; ++i) { x[i] += 1; }", "한국어English섞임123!!",
]
PROMPT, COUNT = "온말은 for the world", 16
DIM, HEADS, LAYERS, FFN = 64, 4, 2, 96


def weights_of(architecture, vocab):
    """Names and shapes as Hugging Face has them."""
    yield "model.embed_tokens.weight", (vocab, DIM)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name in "q_proj", "k_proj", "v_proj", "o_proj":
            yield f"{prefix}self_attn.{name}.weight", (DIM, DIM)
        if architecture == "qwen3":
            yield f"{prefix}self_attn.q_norm.weight", (DIM // HEADS,)
            yield f"{prefix}self_attn.k_norm.weight", (DIM // HEADS,)
        yield f"{prefix}mlp.gate_proj.weight", (FFN, DIM)
        yield f"{prefix}mlp.up_proj.weight", (FFN, DIM)
        yield f"{prefix}mlp.down_proj.weight", (DIM, FFN)
        yield f"{prefix}input_layernorm.weight", (DIM,)
        yield f"{prefix}post_attention_layernorm.weight", (DIM,)
    yield "model.norm.weight", (DIM,)
    yield "lm_head.weight", (vocab, DIM)


def write_folder(folder, architecture, vocab, tokenizer):
    folder.mkdir()
    shutil.copy(tokenizer, folder / "tokenizer.json")
    config = {
        "architectures": [{"llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}[architecture]],
        "model_type": architecture, "vocab_size": vocab, "hidden_size": DIM, "num_hidden_layers": LAYERS,
        "intermediate_size": FFN, "num_attention_heads": HEADS, "num_key_value_heads": HEADS, "head_dim": DIM // HEADS,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False,
        "hidden_act": "silu",
    }
    (folder / "config.json").write_text(json.dumps(config))
    rng = random.Random(1)
    header, data = {}, bytearray()
    for name, shape in weights_of(architecture, vocab):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        mean, spread = (0.0, 0.15) if len(shape) > 1 else (1.0, 0.1)
        begin = len(data)
        data += struct.pack(f"<{count}f", *(rng.gauss(mean, spread) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def run_json(command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"FAILED ({result.returncode}): {' '.join(map(str, command))[:300]}\n{result.stderr[-2000:]}")
    return json.loads(result.stdout)


def compare_ids(onmal, model, texts, theirs, failures):
    for text, other in zip(texts, theirs["texts"]):
        own = run_json([onmal, "--json", "tokenize", "-m", model, f"--text={text}"])["ids"] if text else []
        if own != other["plain_ids"]:
            failures.append(f"{model.name}: {text[:60]!r}\n  ours      {own}\n  llama.cpp {other['plain_ids']}")


def compare_continuation(onmal, model, prompt, count, theirs, failures):
    own = run_json([onmal, "--json", "generate", "-m", model, "-p", prompt, "-n", str(count), "--temp", "0"])["ids"]
    if own != theirs["generated_ids"]:
        failures.append(f"{model.name}: greedy continuation\n  ours      {own}\n  llama.cpp {theirs['generated_ids']}")


def compare_first_token(onmal, model, theirs, failures):
    """llama.cpp rounds activations before f16 and q8_0 products, which may swap tokens of nearly equal logits."""
    tokens = ",".join(map(str, theirs["prompt_ids"]))
    best = [token for token, _ in run_json([onmal, "--json", "logits", "-m", model, "--tokens", tokens])["top5"][-1]]
    if theirs["generated_ids"][0] not in best:
        failures.append(f"{model.name}: llama.cpp continues with {theirs['generated_ids'][0]}, our best are {best}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("onmal")
    parser.add_argument("source")
    parser.add_argument("--corpus")
    parser.add_argument("--vocab-size", type=int, default=1024)
    options = parser.parse_args()
    if not os.environ.get("LLAMA_CPP_NODE") or shutil.which("node") is None:
        print("SKIPPED: needs node and LLAMA_CPP_NODE (the folder of the npm package node-llama-cpp)")
        return 77
    script = pathlib.Path(__file__).with_suffix(".mjs")
    texts, failures, compared = list(TEXTS), [], 0
    with tempfile.TemporaryDirectory(prefix="onmal_llamacpp_") as temporary:
        place = pathlib.Path(temporary)
        corpus = pathlib.Path(options.corpus or place / "corpus.txt")
        if options.corpus:
            lines = [line for line in corpus.read_text(errors="replace").splitlines() if line]
            texts += random.Random(2).sample(lines, min(100, len(lines)))
        else:
            sources = sorted(pathlib.Path(options.source, "src", "base").glob("*.h"))
            corpus.write_text(KOREAN * 20 + "".join(path.read_text() for path in sources))
        for architecture, pretokenizer in ("llama", "gpt-2"), ("llama", "llama-bpe"), ("qwen3", "qwen2"), ("qwen3", "superbpe"):
            tokenizer = place / f"{pretokenizer}.json"
            run_json([options.onmal, "--json", "tokenizer", "train", "--input", corpus, "--vocab-size", str(options.vocab_size),
                      "--pretokenizer", pretokenizer, "-o", tokenizer])
            document = json.loads(tokenizer.read_text())
            vocab = 1 + max([*document["model"]["vocab"].values(), *(token["id"] for token in document["added_tokens"])])
            folder = place / f"{architecture}-{pretokenizer}"
            write_folder(folder, architecture, vocab, tokenizer)
            for number_format in "f32", "f16", "q8_0":
                model = place / f"{folder.name}-{number_format}.gguf"
                subprocess.run([options.onmal, "convert", folder, model, "--type", number_format], check=True,
                               capture_output=True)
                exact = number_format == "f32"
                theirs = run_json(["node", script, model, "--prompt", PROMPT, "-n", str(COUNT),
                                   *(f"--text={text}" for text in texts if exact)])
                compared += len(theirs["texts"]) + 1
                compare_ids(options.onmal, model, texts, theirs, failures)
                if exact:
                    compare_continuation(options.onmal, model, PROMPT, COUNT, theirs, failures)
                else:
                    compare_first_token(options.onmal, model, theirs, failures)
    print("\n".join(failures) or f"{compared} comparisons with llama.cpp: all equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
