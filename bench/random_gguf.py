#!/usr/bin/env python3
"""Writes a GGUF of the 1.1B llama shape with random f16 weights, and no vocabulary unless asked for.

Only the shape matters for speed. Other formats are made from it with `onmal quantize`. The vocabulary, which a server
needs, is made up: bytes, the Hangul syllables, and syllables in pairs.

    bench/random_gguf.py OUT.gguf [--layers N] [--vocabulary]
"""
import argparse
import struct

import numpy as np

DIM, FFN, HEADS, KV_HEADS, VOCAB = 2048, 5632, 32, 4, 32000
STRING, UINT32, FLOAT32, INT32, ARRAY = 8, 4, 6, 5, 9
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
F32, F16 = 0, 1
ALIGNMENT = 32


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    packed = text(value) if kind == STRING else struct.pack("<f" if kind == FLOAT32 else "<I", value)
    return text(key) + struct.pack("<I", kind) + packed


def array(key, kind, values):
    packed = b"".join(text(v) if kind == STRING else struct.pack("<f" if kind == FLOAT32 else "<i", v) for v in values)
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(values)) + packed


def vocabulary():
    pieces = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    pieces += [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
    pieces += [(chr(c), NORMAL) for c in range(0x21, 0x7F)] + [("\u2581", NORMAL)]
    syllables = [chr(c) for c in range(0xAC00, 0xD7A4)]
    pieces += [(s, NORMAL) for s in syllables]
    pieces += [("\u2581" + s, NORMAL) for s in syllables]
    pieces += [(a + b, NORMAL) for a, b in zip(syllables, reversed(syllables))]
    pieces = pieces[:VOCAB]
    return [
        entry("tokenizer.ggml.model", STRING, "llama"),
        array("tokenizer.ggml.tokens", STRING, [piece for piece, _ in pieces]),
        array("tokenizer.ggml.scores", FLOAT32, [-float(i) for i in range(VOCAB)]),
        array("tokenizer.ggml.token_type", INT32, [kind for _, kind in pieces]),
        entry("tokenizer.ggml.bos_token_id", UINT32, 1),
        entry("tokenizer.ggml.eos_token_id", UINT32, 2),
        entry("tokenizer.ggml.unknown_token_id", UINT32, 0),
    ]


def metadata(layers, with_vocabulary):
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "random"),
        entry("general.file_type", UINT32, 1),
        entry("llama.vocab_size", UINT32, VOCAB),
        entry("llama.context_length", UINT32, 4096),
        entry("llama.embedding_length", UINT32, DIM),
        entry("llama.block_count", UINT32, layers),
        entry("llama.feed_forward_length", UINT32, FFN),
        entry("llama.rope.dimension_count", UINT32, DIM // HEADS),
        entry("llama.attention.head_count", UINT32, HEADS),
        entry("llama.attention.head_count_kv", UINT32, KV_HEADS),
        entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        *(vocabulary() if with_vocabulary else [entry("tokenizer.ggml.model", STRING, "no_vocab")]),
    ]


def tensors(layers):
    kv = DIM // HEADS * KV_HEADS
    yield "token_embd.weight", (VOCAB, DIM)
    for i in range(layers):
        yield f"blk.{i}.attn_norm.weight", (DIM,)
        yield f"blk.{i}.attn_q.weight", (DIM, DIM)
        yield f"blk.{i}.attn_k.weight", (kv, DIM)
        yield f"blk.{i}.attn_v.weight", (kv, DIM)
        yield f"blk.{i}.attn_output.weight", (DIM, DIM)
        yield f"blk.{i}.ffn_norm.weight", (DIM,)
        yield f"blk.{i}.ffn_gate.weight", (FFN, DIM)
        yield f"blk.{i}.ffn_up.weight", (FFN, DIM)
        yield f"blk.{i}.ffn_down.weight", (DIM, FFN)
    yield "output_norm.weight", (DIM,)
    yield "output.weight", (VOCAB, DIM)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("--layers", type=int, default=22)
    parser.add_argument("--vocabulary", action="store_true")
    options = parser.parse_args()
    pairs = metadata(options.layers, options.vocabulary)
    entries = list(tensors(options.layers))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(entries), len(pairs)) + b"".join(pairs)
    offset = 0
    for name, shape in entries:
        is_vector = len(shape) == 1
        head += text(name) + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", n) for n in reversed(shape))
        head += struct.pack("<IQ", F32 if is_vector else F16, offset)
        size = int(np.prod(shape)) * (4 if is_vector else 2)
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    random = np.random.default_rng(1)
    with open(options.output, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT))
        for _, shape in entries:
            if len(shape) == 1:
                data = np.ones(shape, np.float32)
            else:
                data = (0.02 * random.standard_normal(shape, np.float32)).astype(np.float16)
            file.write(data.tobytes())
            file.write(b"\0" * (-data.nbytes % ALIGNMENT))


if __name__ == "__main__":
    main()
