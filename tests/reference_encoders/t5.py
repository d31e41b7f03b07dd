"""T5, its version 1.1 and umT5: RMS norms before each half, learned biases by bucket of distance, no score scaling.
Names are Hugging Face's."""
import math

import numpy as np

from layers import ACTIVATIONS, Linear, Maker, attend, rms_norm

BOUND = 1e-4  # scores are not scaled by the size of a head, so single precision shows more

SIZES = {"vocab_size": 61, "d_model": 36, "d_kv": 7, "d_ff": 44, "num_layers": 2, "num_decoder_layers": 3,
         "num_heads": 4, "relative_attention_num_buckets": 32, "relative_attention_max_distance": 128,
         "layer_norm_epsilon": 1e-6, "decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}

VARIANTS = {
    "t5": {"model_type": "t5", "feed_forward_proj": "relu", "tie_word_embeddings": True},
    "flan-t5": {"model_type": "t5", "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "umt5": {"model_type": "umt5", "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "t5_few_buckets": {"model_type": "t5", "feed_forward_proj": "gated-silu", "tie_word_embeddings": True,
                       "relative_attention_num_buckets": 6, "relative_attention_max_distance": 11},
    "t5encoder": {"model_type": "t5", "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False,
                  "architectures": ["T5EncoderModel"]},
}


def config_of(variant):
    return {**SIZES, **VARIANTS[variant]}


def halves(config):
    decoder = [] if "architectures" in config else [("decoder", config["num_decoder_layers"])]
    return [("encoder", config["num_layers"])] + decoder


def make(config):
    maker = Maker(4)
    dim, inner, heads = config["d_model"], config["d_ff"], config["num_heads"]
    wide = heads * config["d_kv"]

    def attention(p):
        for name in ("q", "k", "v"):
            maker.linear(p + name, wide, dim, False)
        maker.linear(p + "o", dim, wide, False)

    maker.add("shared.weight", config["vocab_size"], dim, deviation=1.0)
    for half, layers in halves(config):
        for i in range(layers):
            p = f"{half}.block.{i}.layer."
            attention(p + "0.SelfAttention.")
            if i == 0 or config["model_type"] == "umt5":
                maker.add(p + "0.SelfAttention.relative_attention_bias.weight",
                          config["relative_attention_num_buckets"], heads, deviation=1.0)
            maker.norm(p + "0.layer_norm", dim, False)
            last = 1
            if half == "decoder":
                attention(p + "1.EncDecAttention.")
                maker.norm(p + "1.layer_norm", dim, False)
                last = 2
            if config["feed_forward_proj"].startswith("gated-"):
                maker.linear(p + f"{last}.DenseReluDense.wi_0", inner, dim, False)
                maker.linear(p + f"{last}.DenseReluDense.wi_1", inner, dim, False)
            else:
                maker.linear(p + f"{last}.DenseReluDense.wi", inner, dim, False)
            maker.linear(p + f"{last}.DenseReluDense.wo", dim, inner, False)
            maker.norm(p + f"{last}.layer_norm", dim, False)
        maker.norm(half + ".final_layer_norm", dim, False)
    if not config["tie_word_embeddings"] and len(halves(config)) > 1:
        maker.add("lm_head.weight", config["vocab_size"], dim)
    return maker.weights


def stored(variant, weights):
    return weights


def bucket(distance, bidirectional, buckets, furthest):
    """The paper's bucket of key position - query position: half of them exact, half logarithmic."""
    first, far = 0, max(-distance, 0)
    if bidirectional:
        buckets //= 2
        first = buckets if distance > 0 else 0
        far = abs(distance)
    exact = buckets // 2
    if far < exact:
        return first + far
    share = math.log(far / exact) / math.log(furthest / exact)
    return first + min(exact + int(share * (buckets - exact) + 1e-6), buckets - 1)


def bias_of(config, table, length, bidirectional):
    number = config["relative_attention_num_buckets"]
    furthest = config["relative_attention_max_distance"]
    indices = [[bucket(s - t, bidirectional, number, furthest) for s in range(length)] for t in range(length)]
    return table[np.array(indices)].transpose(2, 0, 1)


def stack(config, w, half, x, source=None):
    linear = Linear(w)
    norm = lambda name, value: rms_norm(value, w[name + ".weight"], config["layer_norm_epsilon"])
    heads = config["num_heads"]
    name = config["feed_forward_proj"]
    f = ACTIVATIONS["gelu_new" if name == "gated-gelu" else name.replace("gated-", "")]
    for i in range(dict(halves(config))[half]):
        p = f"{half}.block.{i}.layer."
        table = f"{half}.block.{i if config['model_type'] == 'umt5' else 0}.layer.0.SelfAttention"
        bias = bias_of(config, w[table + ".relative_attention_bias.weight"], len(x), half == "encoder")
        n = norm(p + "0.layer_norm", x)
        q, k, v = (linear(p + "0.SelfAttention." + m, n) for m in ("q", "k", "v"))
        x = x + linear(p + "0.SelfAttention.o", attend(q, k, v, heads, 1.0, bias, half == "decoder"))
        last = 1
        if half == "decoder":
            n = norm(p + "1.layer_norm", x)
            q = linear(p + "1.EncDecAttention.q", n)
            k, v = (linear(p + "1.EncDecAttention." + m, source) for m in ("k", "v"))
            x = x + linear(p + "1.EncDecAttention.o", attend(q, k, v, heads, 1.0))
            last = 2
        n = norm(p + f"{last}.layer_norm", x)
        dense = p + f"{last}.DenseReluDense."
        inner = f(linear(dense + "wi_0", n)) * linear(dense + "wi_1", n) if dense + "wi_0.weight" in w else f(linear(dense + "wi", n))
        x = x + linear(dense + "wo", inner)
    return norm(half + ".final_layer_norm", x)


def forward(config, w, ids, activation=None):
    """Hidden states of the encoder."""
    return stack(config, w, "encoder", w["shared.weight"][ids])


def logits(config, w, source, written):
    hidden = stack(config, w, "decoder", w["shared.weight"][written], forward(config, w, source))
    if config["tie_word_embeddings"]:
        return hidden * config["d_model"] ** -0.5 @ w["shared.weight"].T
    return hidden @ w["lm_head.weight"].T


SUFFIXES = {
    "0.SelfAttention.q": "attn_q", "0.SelfAttention.k": "attn_k", "0.SelfAttention.v": "attn_v",
    "0.SelfAttention.o": "attn_o", "0.SelfAttention.relative_attention_bias": "attn_rel_b",
    "0.layer_norm": "attn_norm", "1.EncDecAttention.q": "cross_attn_q", "1.EncDecAttention.k": "cross_attn_k",
    "1.EncDecAttention.v": "cross_attn_v", "1.EncDecAttention.o": "cross_attn_o",
}
DENSE = {"DenseReluDense.wi_0": "ffn_gate", "DenseReluDense.wi_1": "ffn_up", "DenseReluDense.wi": "ffn_up",
         "DenseReluDense.wo": "ffn_down", "layer_norm": "ffn_norm"}


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem in ("shared", "lm_head"):
        return {"shared": "token_embd", "lm_head": "output"}[stem] + "." + kind
    short = {"encoder": "enc", "decoder": "dec"}[stem.split(".")[0]]
    if stem.endswith("final_layer_norm"):
        return f"{short}.output_norm.{kind}"
    _, _, layer, _, rest = stem.split(".", 4)
    if short == "dec" and rest == "1.layer_norm":
        part = "cross_attn_norm"
    else:
        part = SUFFIXES.get(rest) or DENSE[rest.split(".", 1)[1]]
    return f"{short}.blk.{layer}.{part}.{kind}"


def gguf(variant, config, weights):
    if variant == "t5_few_buckets":
        return None
    arch = "t5encoder" if variant == "t5encoder" else "t5"
    metadata = {
        "general.architecture": arch, f"{arch}.context_length": 512, f"{arch}.embedding_length": config["d_model"],
        f"{arch}.feed_forward_length": config["d_ff"], f"{arch}.block_count": config["num_layers"],
        f"{arch}.decoder_block_count": config["num_decoder_layers"],
        f"{arch}.attention.head_count": config["num_heads"], f"{arch}.attention.key_length": config["d_kv"],
        f"{arch}.attention.value_length": config["d_kv"],
        f"{arch}.attention.layer_norm_epsilon": config["layer_norm_epsilon"],
        f"{arch}.attention.relative_buckets_count": config["relative_attention_num_buckets"],
        f"{arch}.attention.layer_norm_rms_epsilon": config["layer_norm_epsilon"],
        f"{arch}.decoder_start_token_id": config["decoder_start_token_id"],
    }
    return metadata, {gguf_name(name): value for name, value in weights.items()}, None
