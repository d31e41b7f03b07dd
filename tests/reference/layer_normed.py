"""Families with layer norms: GPT-2, StarCoder 2, StableLM, GPT-NeoX, Falcon."""
import numpy as np

from parts import ACTIVATIONS, attention, gated_mlp, rotate, rotation, self_attention, split

BASE = {"vocab_size": 67, "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 2,
        "intermediate_size": 100, "max_position_embeddings": 128, "rope_theta": 10000.0, "tie_word_embeddings": False}
STAR = {"hidden_act": "gelu_pytorch_tanh", "norm_epsilon": 1e-5, "use_bias": True}
STABLE = {"hidden_act": "silu", "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.25}
NEOX = {"hidden_act": "gelu", "layer_norm_eps": 1e-5, "rotary_pct": 0.25, "rotary_emb_base": 5000,
        "use_parallel_residual": True}
FALCON = {"layer_norm_epsilon": 1e-5, "activation": "gelu", "tie_word_embeddings": True, "bias": False, "alibi": False,
          "new_decoder_architecture": False, "multi_query": True, "parallel_attn": True}
CASES = {
    "gpt2": [{"n_embd": 48, "n_layer": 3, "n_head": 6, "n_positions": 96, "layer_norm_epsilon": 1e-5, "n_inner": None,
              "activation_function": "gelu_new", "tie_word_embeddings": True},
             {"n_embd": 40, "n_layer": 2, "n_head": 5, "n_positions": 70, "layer_norm_epsilon": 1e-6, "n_inner": 90,
              "activation_function": "relu"}],
    "starcoder2": [STAR, {**STAR, "sliding_window": 9, "tie_word_embeddings": True},
                   {**STAR, "use_bias": False, "hidden_act": "gelu"}],
    "stablelm": [STABLE, {**STABLE, "use_qkv_bias": True, "partial_rotary_factor": 0.5, "num_key_value_heads": 6},
                 {**STABLE, "use_parallel_residual": True, "qk_layernorm": True, "partial_rotary_factor": 0.75}],
    "gpt_neox": [NEOX, {**NEOX, "use_parallel_residual": False, "rotary_pct": 1.0, "hidden_act": "gelu_new"},
                 {**NEOX, "attention_bias": False, "rope_scaling": {"type": "linear", "factor": 2.0}}],
    "falcon": [FALCON, {**FALCON, "multi_query": False, "bias": True}, {**FALCON, "parallel_attn": False},
               {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 3, "ffn_hidden_size": 80},
               {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1}],
}


def mlp(W, x, p, names, inner, act, bias):
    return W.linear(ACTIVATIONS[act](W.linear(x, p + names[0], inner, bias)), p + names[1], x.shape[-1], bias)


def gpt2(c, W, ids):
    eps, heads, dim = c["layer_norm_epsilon"], c["n_head"], c["n_embd"]

    def conv1d(x, name, out):
        return x @ W(name + ".weight", x.shape[-1], out) + W(name + ".bias", out)

    x = W("transformer.wte.weight", c["vocab_size"], dim)[ids]
    x = x + W("transformer.wpe.weight", c["n_positions"], dim)[:len(ids)]
    for i in range(c["n_layer"]):
        p = f"transformer.h.{i}."
        q, k, v = np.split(conv1d(W.layer_norm(x, p + "ln_1", eps), p + "attn.c_attn", 3 * dim), 3, -1)
        x = x + conv1d(attention(*(split(t, heads) for t in (q, k, v))), p + "attn.c_proj", dim)
        y = conv1d(W.layer_norm(x, p + "ln_2", eps), p + "mlp.c_fc", c["n_inner"] or 4 * dim)
        x = x + conv1d(ACTIVATIONS[c["activation_function"]](y), p + "mlp.c_proj", dim)
    return W.head(W.layer_norm(x, "transformer.ln_f", eps), c, "transformer.wte.weight")


def starcoder2(c, W, ids):
    eps, bias = c["norm_epsilon"], c["use_bias"]
    table = rotation(c, len(ids), c["hidden_size"] // c["num_attention_heads"])
    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        y = W.layer_norm(x, p + "input_layernorm", eps)
        x = x + self_attention(W, c, y, p + "self_attn", table, (bias, bias), window=c.get("sliding_window", 0))
        y = W.layer_norm(x, p + "post_attention_layernorm", eps)
        x = x + mlp(W, y, p, ("mlp.c_fc", "mlp.c_proj"), c["intermediate_size"], c["hidden_act"], bias)
    return W.head(W.layer_norm(x, "model.norm", eps), c, "model.embed_tokens.weight")


def stablelm(c, W, ids):
    eps, width = c["layer_norm_eps"], c["hidden_size"] // c["num_attention_heads"]
    table = rotation(c, len(ids), int(width * c["partial_rotary_factor"]))

    def norm(x, name):  # each head has a norm of its own
        name = name.replace("_norm", "_layernorm")
        return np.stack([W.layer_norm(x[:, h], f"{name}.norms.{h}", eps, bias=False) for h in range(x.shape[1])], 1)

    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        y = W.layer_norm(x, p + "input_layernorm", eps)
        z = self_attention(W, c, y, p + "self_attn", table, (c.get("use_qkv_bias", False), False),
                           norm if c.get("qk_layernorm") else None)
        if c.get("use_parallel_residual"):
            x = x + z + gated_mlp(W, c, y, p + "mlp")
        else:
            x = x + z
            x = x + gated_mlp(W, c, W.layer_norm(x, p + "post_attention_layernorm", eps), p + "mlp")
    return W.head(W.layer_norm(x, "model.norm", eps), c, "model.embed_tokens.weight")


def gpt_neox(c, W, ids):
    eps, heads, dim = c["layer_norm_eps"], c["num_attention_heads"], c["hidden_size"]
    bias = c.get("attention_bias", True)
    table = rotation(c, len(ids), int(dim // heads * c["rotary_pct"]), c["rotary_emb_base"])
    x = W("gpt_neox.embed_in.weight", c["vocab_size"], dim)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"gpt_neox.layers.{i}."
        y = W.linear(W.layer_norm(x, p + "input_layernorm", eps), p + "attention.query_key_value", 3 * dim, bias)
        q, k, v = np.split(split(y, heads), 3, -1)
        y = W.linear(attention(rotate(q, table), rotate(k, table), v), p + "attention.dense", dim, bias)
        z = W.layer_norm(x if c["use_parallel_residual"] else x + y, p + "post_attention_layernorm", eps)
        names = "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"
        x = x + y + mlp(W, z, p, names, c["intermediate_size"], c["hidden_act"], True)
    return W.head(W.layer_norm(x, "gpt_neox.final_layer_norm", eps), c, "gpt_neox.embed_in.weight", "embed_out.weight")


def falcon(c, W, ids):
    eps, heads, dim = c["layer_norm_epsilon"], c["num_attention_heads"], c["hidden_size"]
    new = c["new_decoder_architecture"]
    groups = c["num_kv_heads"] if new else 1 if c["multi_query"] else heads
    two = new and c.get("num_ln_in_parallel_attn", 2) == 2
    table = rotation(c, len(ids), dim // heads)
    x = W("transformer.word_embeddings.weight", c["vocab_size"], dim)[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"transformer.h.{i}."
        y = z = W.layer_norm(x, p + ("ln_attn" if two else "input_layernorm"), eps)
        if two:
            z = W.layer_norm(x, p + "ln_mlp", eps)
        y = W.linear(y, p + "self_attention.query_key_value", (heads + 2 * groups) * dim // heads, c["bias"])
        y = y.reshape(len(ids), groups, heads // groups + 2, -1)
        q, k, v = y[:, :, :-2].reshape(len(ids), heads, -1), y[:, :, -2], y[:, :, -1]
        y = W.linear(attention(rotate(q, table), rotate(k, table), v), p + "self_attention.dense", dim, c["bias"])
        if not (new or c["parallel_attn"]):
            z = W.layer_norm(x + y, p + "post_attention_layernorm", eps)
        names = "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"
        x = x + y + mlp(W, z, p, names, c.get("ffn_hidden_size", 4 * dim), c["activation"], c["bias"])
    return W.head(W.layer_norm(x, "transformer.ln_f", eps), c, "transformer.word_embeddings.weight")


def logits(c, W, ids):
    return {"gpt2": gpt2, "starcoder2": starcoder2, "stablelm": stablelm, "gpt_neox": gpt_neox,
            "falcon": falcon}[c["model_type"]](c, W, ids)
