"""Marian: post-norm, sinusoidal positions, a bias of the logits. Names are Hugging Face's."""
import math

import numpy as np

from layers import ACTIVATIONS, Linear, Maker, attend, layer_norm, softmax

SIZES = {"model_type": "marian", "vocab_size": 61, "d_model": 36, "encoder_layers": 2, "decoder_layers": 3,
         "encoder_attention_heads": 3, "decoder_attention_heads": 4, "encoder_ffn_dim": 44, "decoder_ffn_dim": 40,
         "max_position_embeddings": 50, "pad_token_id": 60, "decoder_start_token_id": 60, "eos_token_id": 0,
         "static_position_embeddings": True, "normalize_before": False, "add_final_layer_norm": False}

VARIANTS = {
    "marian": {"activation_function": "swish", "scale_embedding": True, "share_encoder_decoder_embeddings": True,
               "bad_words_ids": [[60]]},
    "marian_two_tables": {"activation_function": "relu", "scale_embedding": False, "decoder_vocab_size": 53,
                          "share_encoder_decoder_embeddings": False, "normalize_embedding": True,
                          "decoder_start_token_id": 52},
}


def config_of(variant):
    return {**SIZES, **VARIANTS[variant]}


def make(config):
    maker = Maker(5)
    dim = config["d_model"]
    if config["share_encoder_decoder_embeddings"]:
        maker.add("model.shared.weight", config["vocab_size"], dim)
    else:
        maker.add("model.encoder.embed_tokens.weight", config["vocab_size"], dim)
        maker.add("model.decoder.embed_tokens.weight", config["decoder_vocab_size"], dim)
    for half in ("encoder", "decoder"):
        if config.get("normalize_embedding"):
            maker.norm(f"model.{half}.layernorm_embedding", dim)
        for i in range(config[half + "_layers"]):
            p = f"model.{half}.layers.{i}."
            for block in ["self_attn"] + (["encoder_attn"] if half == "decoder" else []):
                for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    maker.linear(f"{p}{block}.{name}", dim, dim, True)
                maker.norm(f"{p}{block}_layer_norm", dim)
            maker.linear(p + "fc1", config[half + "_ffn_dim"], dim, True)
            maker.linear(p + "fc2", dim, config[half + "_ffn_dim"], True)
            maker.norm(p + "final_layer_norm", dim)
    maker.add("final_logits_bias", 1, config.get("decoder_vocab_size", config["vocab_size"]))
    return maker.weights


def stored(variant, weights):
    return weights


def sinusoids(length, dim):
    """Position p, entry j: the sine of p / 10000^(2j / dim), then all cosines."""
    angles = np.array([[p / 10000 ** (2 * j / dim) for j in range(dim // 2)] for p in range(length)])
    return np.concatenate([np.sin(angles), np.cos(angles)], -1)


def stack(config, w, half, ids, source=None):
    linear = Linear(w)
    norm = lambda name, x: layer_norm(x, w[name + ".weight"], w[name + ".bias"], 1e-5)
    f = ACTIVATIONS[config["activation_function"]]
    dim, heads = config["d_model"], config[half + "_attention_heads"]
    table = w.get("model.shared.weight", w.get(f"model.{half}.embed_tokens.weight"))
    x = table[ids] * (math.sqrt(dim) if config["scale_embedding"] else 1.0) + sinusoids(len(ids), dim)
    if config.get("normalize_embedding"):
        x = norm(f"model.{half}.layernorm_embedding", x)
    for i in range(config[half + "_layers"]):
        p = f"model.{half}.layers.{i}."
        for block in ["self_attn"] + (["encoder_attn"] if half == "decoder" else []):
            seen = x if block == "self_attn" else source
            q = linear(f"{p}{block}.q_proj", x)
            k, v = (linear(f"{p}{block}.{m}_proj", seen) for m in "kv")
            causal = half == "decoder" and block == "self_attn"
            mixed = attend(q, k, v, heads, (dim // heads) ** -0.5, causal=causal)
            x = norm(f"{p}{block}_layer_norm", x + linear(f"{p}{block}.out_proj", mixed))
        x = norm(p + "final_layer_norm", x + linear(p + "fc2", f(linear(p + "fc1", x))))
    return x


def logits(config, w, source, written):
    hidden = stack(config, w, "decoder", written, stack(config, w, "encoder", source))
    table = w.get("model.shared.weight", w.get("model.decoder.embed_tokens.weight"))
    return hidden @ table.T + w["final_logits_bias"][0]


def gguf(variant, config, weights):
    return None
