"""What the families' definitions share, in float64: random weights by name, norms, rotations, attention, experts."""
import math
import zlib

import numpy as np


class Weights(dict):
    """Random weights made as the forward pass asks for them, by name and shape; float32 numbers, computed with in float64."""

    def __init__(self, seed, norm_centre=1.0):
        super().__init__()
        self.seed, self.norm_centre = seed, norm_centre

    def __call__(self, name, *shape):
        if name not in self:
            rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
            values = rng.standard_normal(shape)
            if len(shape) > 1:
                values *= 1.5 / math.sqrt(shape[-1])
            elif name.endswith("bias"):
                values *= 0.3
            else:
                values = self.norm_centre + 0.2 * values
            self[name] = values.astype(np.float32)
        assert self[name].shape == shape, name
        return self[name].astype(np.float64)

    def linear(self, x, name, out, bias=False):
        y = x @ self(name + ".weight", out, x.shape[-1]).T
        return y + self(name + ".bias", out) if bias else y

    def rms(self, x, name, eps, offset=0.0):
        y = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
        return y * (offset + self(name + ".weight", x.shape[-1]))

    def layer_norm(self, x, name, eps, bias=True):
        y = x - x.mean(-1, keepdims=True)
        y = y / np.sqrt((y * y).mean(-1, keepdims=True) + eps) * self(name + ".weight", x.shape[-1])
        return y + self(name + ".bias", x.shape[-1]) if bias else y

    def head(self, x, c, embedding, head="lm_head.weight"):
        shape = (c["vocab_size"], x.shape[-1])
        return x @ self(embedding if c["tie_word_embeddings"] else head, *shape).T


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "gelu_pytorch_tanh": gelu_tanh,
    "gelu_new": gelu_tanh,
    "relu": lambda x: np.maximum(x, 0),
}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def split(x, heads):
    return x.reshape(len(x), heads, -1)


def frequencies(dims, theta, s, length, max_positions, original):
    """Radians a position of each pair, and what rotated vectors are multiplied by."""
    f = theta ** (-np.arange(0, dims, 2) / dims)
    kind = s.get("rope_type", s.get("type", "default"))
    original = s.get("original_max_position_embeddings", original)
    if kind == "linear":
        return f / s["factor"], 1.0
    if kind == "llama3":
        wave = 2 * math.pi / f
        low, high = original / s["low_freq_factor"], original / s["high_freq_factor"]
        smooth = (original / wave - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
        middle = (1 - smooth) * f / s["factor"] + smooth * f
        return np.where(wave > low, f / s["factor"], np.where(wave < high, f, middle)), 1.0
    if kind == "yarn":
        def pair(rotations):
            return dims * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(theta))
        low = max(math.floor(pair(s.get("beta_fast", 32))), 0)
        high = min(math.ceil(pair(s.get("beta_slow", 1))), dims - 1)
        ramp = np.clip((np.arange(dims // 2) - low) / max(high - low, 0.001), 0, 1)
        usual = 0.1 * math.log(s["factor"]) + 1 if s["factor"] > 1 else 1.0
        return f / s["factor"] * ramp + f * (1 - ramp), s.get("attention_factor", usual)
    if kind == "longrope":
        factors = s["long_factor"] if length > original else s["short_factor"]
        ratio = max_positions / original
        usual = math.sqrt(1 + math.log(ratio) / math.log(original)) if ratio > 1 else 1.0
        return f / np.array(factors), s.get("attention_factor", usual)
    assert kind in ("default", "dynamic"), kind  # the latter is plain up to max_position_embeddings
    return f, 1.0


def rotation(c, length, dims, theta=None, scaling=None):
    s = c.get("rope_scaling") if scaling is None else scaling
    positions = c["max_position_embeddings"]
    f, size = frequencies(dims, theta or c["rope_theta"], s or {}, length, positions,
                          c.get("original_max_position_embeddings", positions))
    angles = np.arange(length)[:, None] * f
    return size * np.cos(angles), size * np.sin(angles)


def rotate(x, table):
    """The first dimensions of heads x [T, H, D], in pairs (i, i + half)."""
    cos, sin = (t[:, None, :] for t in table)
    half = cos.shape[-1]
    a, b, rest = x[..., :half], x[..., half:2 * half], x[..., 2 * half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin, rest], -1)


def attention(q, k, v, scale=None, window=0, cap=0):
    """Causal; q [T, H, D], k and v [T, G, D]; a token sees the last `window` ones."""
    length, heads, width = q.shape
    k, v = (np.repeat(t, heads // t.shape[1], 1) for t in (k, v))
    scores = np.einsum("qhd,khd->hqk", q, k) * (scale or width**-0.5)
    if cap:
        scores = cap * np.tanh(scores / cap)
    distance = np.arange(length)[:, None] - np.arange(length)[None, :]
    seen = (distance >= 0) & ((distance < window) if window else True)
    return np.einsum("hqk,khd->qhd", softmax(np.where(seen, scores, -np.inf)), v).reshape(length, -1)


def self_attention(W, c, x, p, table, biases=(False, False), norm=None, **more):
    """Projections under the usual names, an optional norm of queries and keys, rotation (table None: none)."""
    heads, groups = c["num_attention_heads"], c["num_key_value_heads"]
    width = c.get("head_dim") or c["hidden_size"] // heads
    q, k, v = (W.linear(x, f"{p}.{n}_proj", h * width, biases[0]) for n, h in zip("qkv", (heads, groups, groups)))
    q, k, v = split(q, heads), split(k, groups), split(v, groups)
    if norm:
        q, k = norm(q, p + ".q_norm"), norm(k, p + ".k_norm")
    if table is not None:
        q, k = rotate(q, table), rotate(k, table)
    return W.linear(attention(q, k, v, **more), p + ".o_proj", c["hidden_size"], biases[1])


def gated_mlp(W, c, x, p, inner=None, bias=False, activation=None, names=("gate_proj", "up_proj", "down_proj")):
    inner = inner or c["intermediate_size"]
    gate, up = (W.linear(x, f"{p}.{n}", inner, bias) for n in names[:2])
    act = ACTIVATIONS[activation or c["hidden_act"]]
    return W.linear(act(gate) * up, f"{p}.{names[2]}", x.shape[-1], bias)


def experts(W, c, x, router, p, count, inner, normalize, names=("gate_proj", "up_proj", "down_proj")):
    p_all = softmax(W.linear(x, router, count))
    out = np.zeros_like(x)
    results = [gated_mlp(W, c, x, f"{p}.{e}", inner, names=names) for e in range(count)]
    for t, row in enumerate(p_all):
        chosen = np.argsort(-row, kind="stable")[:c["num_experts_per_tok"]]
        total = row[chosen].sum() if normalize else 1.0
        for e in chosen:
            out[t] += row[e] / total * results[e][t]
    return out
