"""Llama, Mistral, Qwen 2 and 3, Granite, Mixtral and Qwen's mixtures: norm, attention, add; norm, feed-forward, add."""
import numpy as np

from parts import experts, gated_mlp, rotation, self_attention

BASE = {"vocab_size": 67, "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 2,
        "intermediate_size": 100, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "hidden_act": "silu", "tie_word_embeddings": False}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
LONG = {"rope_type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.4], "long_factor": [1.0, 2.0, 3.5, 5.0],
        "original_max_position_embeddings": 32}
MOE = {"num_experts": 7, "num_experts_per_tok": 3, "moe_intermediate_size": 28,
       "head_dim": 10, "norm_topk_prob": True}
CASES = {
    "llama": [{}, {"attention_bias": True, "mlp_bias": True, "head_dim": 10, "tie_word_embeddings": True},
              {"rope_scaling": {"type": "linear", "factor": 2.5}}, {"rope_scaling": {"type": "dynamic", "factor": 2.0}},
              {"rope_scaling": LLAMA3}, {"rope_scaling": YARN}, {"rope_scaling": {**YARN, "attention_factor": 0.8}},
              {"rope_scaling": {**YARN, "beta_fast": 8, "beta_slow": 2, "original_max_position_embeddings": 60}},
              {"rope_scaling": LONG}, {"rope_scaling": LONG, "length": 20}],
    "mistral": [{}, {"sliding_window": 9, "head_dim": 12}],
    "mixtral": [{"num_local_experts": 5, "num_experts_per_tok": 2, "sliding_window": 11, "rope_theta": 1e6}],
    "qwen2": [{}, {"use_sliding_window": True, "sliding_window": 7, "max_window_layers": 1, "tie_word_embeddings": True},
              {"use_sliding_window": False, "sliding_window": 7, "max_window_layers": 1}, {"rope_scaling": YARN}],
    "qwen3": [{"head_dim": 12}, {"head_dim": 10, "attention_bias": True, "tie_word_embeddings": True}],
    "qwen2_moe": [{**MOE, "shared_expert_intermediate_size": 36, "norm_topk_prob": False, "head_dim": None},
                  {**MOE, "shared_expert_intermediate_size": 36, "norm_topk_prob": True, "head_dim": None,
                   "decoder_sparse_step": 2, "num_hidden_layers": 4, "mlp_only_layers": [1]}],
    "qwen3_moe": [MOE, {**MOE, "norm_topk_prob": False, "mlp_only_layers": [0], "num_key_value_heads": 6}],
    "granite": [{"embedding_multiplier": 3.5, "attention_multiplier": 0.2, "residual_multiplier": 0.4,
                 "logits_scaling": 2.5}, {"attention_bias": True, "mlp_bias": True, "attention_multiplier": 0.3}],
}


def feed_forward(c, W, x, i, p):
    kind = c["model_type"]
    if kind == "mixtral":
        return experts(W, c, x, p + "block_sparse_moe.gate", p + "block_sparse_moe.experts", c["num_local_experts"],
                       c["intermediate_size"], True, ("w1", "w3", "w2"))
    dense = i in c.get("mlp_only_layers", []) or (i + 1) % c.get("decoder_sparse_step", 1)
    if "moe" not in kind or dense:
        return gated_mlp(W, c, x, p + "mlp", bias=c.get("mlp_bias", False))
    out = experts(W, c, x, p + "mlp.gate", p + "mlp.experts", c["num_experts"], c["moe_intermediate_size"],
                  c["norm_topk_prob"])
    if kind == "qwen2_moe":
        shared = gated_mlp(W, c, x, p + "mlp.shared_expert", c["shared_expert_intermediate_size"])
        out += shared / (1 + np.exp(-W.linear(x, p + "mlp.shared_expert_gate", 1)))
    return out


def window_of(c, i):
    late = c["model_type"] in ("qwen2", "qwen3", "qwen2_moe")
    if late and not (c.get("use_sliding_window") and i >= c["max_window_layers"]):
        return 0
    return c.get("sliding_window") or 0


def logits(c, W, ids):
    kind, eps = c["model_type"], c["rms_norm_eps"]
    biased = c.get("attention_bias", False)
    biases = (True, False) if kind in ("qwen2", "qwen2_moe") else (biased, biased)
    norm = (lambda x, name: W.rms(x, name, eps)) if "qwen3" in kind else None
    width = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    table = rotation(c, len(ids), width)
    residual = c.get("residual_multiplier", 1.0)
    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids] * c.get("embedding_multiplier", 1.0)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        y = W.rms(x, p + "input_layernorm", eps)
        x = x + residual * self_attention(W, c, y, p + "self_attn", table, biases, norm, window=window_of(c, i),
                                          scale=c.get("attention_multiplier"))
        x = x + residual * feed_forward(c, W, W.rms(x, p + "post_attention_layernorm", eps), i, p)
    return W.head(W.rms(x, "model.norm", eps), c, "model.embed_tokens.weight") / c.get("logits_scaling", 1.0)
