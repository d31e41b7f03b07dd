"""Phi-3: queries, keys and values in one matrix, gate and up in another; part of a head rotated; longrope."""
import numpy as np

from llama import BASE as LLAMA
from llama import LONG
from parts import ACTIVATIONS, attention, rotate, rotation, split

BASE = LLAMA
CASES = {"phi3": [{}, {"partial_rotary_factor": 0.5, "sliding_window": 9, "num_key_value_heads": 3},
                  {"rope_scaling": {**LONG, "type": "longrope"}, "original_max_position_embeddings": 32},
                  {"rope_scaling": {**LONG, "type": "longrope"}, "original_max_position_embeddings": 32, "length": 30},
                  {"rope_scaling": {"type": "su", "short_factor": [1.0, 1.3, 1.5], "long_factor": [1.2, 2.0, 4.0]},
                   "original_max_position_embeddings": 32, "partial_rotary_factor": 0.75}]}


def logits(c, W, ids):
    c = {**c, "rope_scaling": {**c.get("rope_scaling", {})}}
    if c["rope_scaling"].get("type") == "su":
        c["rope_scaling"]["type"] = "longrope"
    eps, heads, groups = c["rms_norm_eps"], c["num_attention_heads"], c["num_key_value_heads"]
    width = c["hidden_size"] // heads
    table = rotation(c, len(ids), int(width * c.get("partial_rotary_factor", 1.0)))
    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        y = W.linear(W.rms(x, p + "input_layernorm", eps), p + "self_attn.qkv_proj", (heads + 2 * groups) * width)
        q, k, v = np.split(split(y, heads + 2 * groups), [heads, heads + groups], 1)
        y = attention(rotate(q, table), rotate(k, table), v, window=c.get("sliding_window", 0))
        x = x + W.linear(y, p + "self_attn.o_proj", c["hidden_size"])
        y = W.linear(W.rms(x, p + "post_attention_layernorm", eps), p + "mlp.gate_up_proj", 2 * c["intermediate_size"])
        gate, up = np.split(y, 2, -1)
        x = x + W.linear(ACTIVATIONS[c["hidden_act"]](gate) * up, p + "mlp.down_proj", c["hidden_size"])
    return W.head(W.rms(x, "model.norm", eps), c, "model.embed_tokens.weight")
