"""EXAONE 3 (Llama under other names), EXAONE 4, OLMo 2 and 3 (norms behind the branches, queries and keys normed)."""
from llama import BASE as LLAMA
from llama import LLAMA3, YARN
from parts import attention, gated_mlp, rotate, rotation, self_attention, split

BASE = LLAMA
HYBRID = {"sliding_window": 9, "sliding_window_pattern": 4, "num_hidden_layers": 5, "head_dim": 10}
CASES = {
    "exaone": [{"num_layers": 3, "layer_norm_epsilon": 1e-5, "activation_function": "silu"},
               {"num_layers": 2, "layer_norm_epsilon": 1e-6, "activation_function": "silu", "rope_scaling": LLAMA3,
                "head_dim": 12, "tie_word_embeddings": True}],
    "exaone4": [{}, HYBRID, {**HYBRID, "sliding_window_pattern": "LLG", "tie_word_embeddings": True},
                {**HYBRID, "rope_scaling": LLAMA3, "layer_types":
                 ["full_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention"]}],
    "olmo3": [{"sliding_window": 9, "num_hidden_layers": 5, "sliding_window_pattern": 4, "rope_scaling": YARN}],
    "olmo2": [{}, {"attention_bias": True, "num_key_value_heads": 3, "tie_word_embeddings": True}],
}


def exaone(c, W, ids):
    eps, heads, groups = c["layer_norm_epsilon"], c["num_attention_heads"], c["num_key_value_heads"]
    width = c.get("head_dim") or c["hidden_size"] // heads
    table = rotation(c, len(ids), width)
    x = W("transformer.wte.weight", c["vocab_size"], c["hidden_size"])[ids]
    for i in range(c["num_layers"]):
        p = f"transformer.h.{i}."
        y = W.rms(x, p + "ln_1", eps)
        q, k, v = (split(W.linear(y, f"{p}attn.attention.{n}_proj", h * width), h)
                   for n, h in zip("qkv", (heads, groups, groups)))
        y = attention(rotate(q, table), rotate(k, table), v)
        x = x + W.linear(y, p + "attn.attention.out_proj", c["hidden_size"])
        x = x + gated_mlp(W, c, W.rms(x, p + "ln_2", eps), p + "mlp", activation=c["activation_function"],
                          names=("c_fc_0", "c_fc_1", "c_proj"))
    return W.head(W.rms(x, "transformer.ln_f", eps), c, "transformer.wte.weight")


def is_local(c, i):
    if not c.get("sliding_window"):
        return False
    if "layer_types" in c:
        return c["layer_types"][i] == "sliding_attention"
    pattern = c["sliding_window_pattern"]
    return pattern[i % len(pattern)] == "L" if isinstance(pattern, str) else (i + 1) % pattern != 0


def logits(c, W, ids):
    if c["model_type"] == "exaone":
        return exaone(c, W, ids)
    eps, biased = c["rms_norm_eps"], c.get("attention_bias", False)
    each = lambda x, name: W.rms(x, name, eps)  # noqa: E731
    whole = lambda x, name: W.rms(x.reshape(len(x), -1), name, eps).reshape(x.shape)  # noqa: E731
    table = rotation(c, len(ids), c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"])
    x = W("model.embed_tokens.weight", c["vocab_size"], c["hidden_size"])[ids]
    olmo, hybrid = "olmo" in c["model_type"], c.get("sliding_window")
    local = rotation({**c, "rope_scaling": {}}, len(ids), c["hidden_size"] // c["num_attention_heads"]) if olmo else table
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        window = c["sliding_window"] if is_local(c, i) else 0
        everywhere = table if olmo or not hybrid else None  # EXAONE's layers that see everything do not rotate
        y = self_attention(W, c, x, p + "self_attn", local if window else everywhere, (biased, biased),
                           whole if olmo else each, window=window)
        x = x + W.rms(y, p + "post_attention_layernorm", eps)
        x = x + W.rms(gated_mlp(W, c, x, p + "mlp"), p + "post_feedforward_layernorm", eps)
    return W.head(W.rms(x, "model.norm", eps), c, "model.embed_tokens.weight")
