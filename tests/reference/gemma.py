"""Gemma 1, 2 and 3: norms multiply by 1 + weight, embeddings by sqrt(dim); from 2 on a norm behind each branch too."""
import math

import numpy as np

from llama import BASE as LLAMA
from parts import gated_mlp, rotation, self_attention

BASE = {**LLAMA, "hidden_activation": "gelu_pytorch_tanh", "head_dim": 10, "tie_word_embeddings": True}
SECOND = {"query_pre_attn_scalar": 30, "sliding_window": 9, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0}
THIRD = {"query_pre_attn_scalar": 30, "sliding_window": 9, "rope_theta": 1e6, "rope_local_base_freq": 10000.0}
SIX = ["sliding_attention"] * 2 + ["full_attention", "sliding_attention", "full_attention", "sliding_attention"]
CASES = {
    "gemma": [{}, {"hidden_activation": None, "hidden_act": "gelu"}],
    "gemma2": [SECOND, {**SECOND, "attn_logit_softcapping": None, "num_hidden_layers": 4, "query_pre_attn_scalar": 7}],
    "gemma3_text": [{**THIRD, "sliding_window_pattern": 3, "num_hidden_layers": 7},
                    {**THIRD, "layer_types": SIX, "num_hidden_layers": 6, "num_key_value_heads": 1,
                     "rope_scaling": {"rope_type": "linear", "factor": 8.0}, "final_logit_softcapping": 4.0}],
}
NORM_CENTRE = 0.0


def is_local(c, i):
    if "layer_types" in c:
        return c["layer_types"][i] == "sliding_attention"
    return i % 2 == 0 if c["model_type"] == "gemma2" else (i + 1) % c["sliding_window_pattern"] != 0


def logits(c, W, ids):
    kind, eps = c["model_type"], c["rms_norm_eps"]
    norm = lambda x, name: W.rms(x, name, eps, offset=1.0)  # noqa: E731
    table = rotation(c, len(ids), c["head_dim"])
    local = rotation(c, len(ids), c["head_dim"], c["rope_local_base_freq"], {}) if kind == "gemma3_text" else table
    scale = c.get("query_pre_attn_scalar", c["head_dim"]) ** -0.5
    activation = c["hidden_activation"] or "gelu_pytorch_tanh"
    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids] * math.sqrt(c["hidden_size"])
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        window = c["sliding_window"] if kind != "gemma" and is_local(c, i) else 0
        y = self_attention(W, c, norm(x, p + "input_layernorm"), p + "self_attn", local if window else table,
                           norm=norm if kind == "gemma3_text" else None, scale=scale, window=window,
                           cap=c.get("attn_logit_softcapping") or 0)
        if kind == "gemma":
            x = x + y
            x = x + gated_mlp(W, c, norm(x, p + "post_attention_layernorm"), p + "mlp", activation=activation)
            continue
        x = x + norm(y, p + "post_attention_layernorm")
        y = gated_mlp(W, c, norm(x, p + "pre_feedforward_layernorm"), p + "mlp", activation=activation)
        x = x + norm(y, p + "post_feedforward_layernorm")
    out = W.head(norm(x, "model.norm"), c, "model.embed_tokens.weight")
    cap = c.get("final_logit_softcapping")
    return cap * np.tanh(out / cap) if cap else out
