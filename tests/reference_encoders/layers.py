"""Building blocks in float64, straight from their formulas."""
import math

import numpy as np


def layer_norm(x, weight, bias, eps):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def rms_norm(x, weight, eps):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight


def gelu_erf(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


ACTIVATIONS = {"gelu": gelu_erf, "gelu_new": gelu_tanh, "silu": silu, "swish": silu, "relu": relu}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def split_heads(x, heads):
    """[T, heads * d] -> [heads, T, d]"""
    return x.reshape(x.shape[0], heads, -1).transpose(1, 0, 2)


def attend(q, k, v, heads, scale, bias=0.0, causal=False):
    """q [T, H d], k and v [S, H d]; bias [H, T, S]."""
    q, k, v = (split_heads(x, heads) for x in (q, k, v))
    scores = q @ k.transpose(0, 2, 1) * scale + bias
    if causal:
        mask = np.tril(np.ones(scores.shape[1:], dtype=bool))
        scores = np.where(mask, scores, -np.inf)
    mixed = softmax(scores) @ v
    return mixed.transpose(1, 0, 2).reshape(mixed.shape[1], -1)


def rotate(x, heads, theta):
    """Rotary positions on pairs (i, i + d / 2) of each head of x [T, H d]."""
    x = split_heads(x, heads)
    half = x.shape[-1] // 2
    angles = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angles), np.sin(angles)
    first, second = x[..., :half], x[..., half:]
    turned = np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)
    return turned.transpose(1, 0, 2).reshape(turned.shape[1], -1)


def alibi_slopes(heads):
    """As the paper's code builds them: a geometric series, for other than powers of two with every second of the next."""
    if heads & (heads - 1) == 0:
        start = 2 ** (-(2 ** -(math.log2(heads) - 3)))
        return [start ** (i + 1) for i in range(heads)]
    below = 2 ** int(math.floor(math.log2(heads)))
    return alibi_slopes(below) + alibi_slopes(2 * below)[0::2][: heads - below]


class Linear:
    """Looks up '<name>.weight' and, where there is one, '<name>.bias'."""

    def __init__(self, weights):
        self.weights = weights

    def __call__(self, name, x):
        y = x @ self.weights[name + ".weight"].T
        return y + self.weights[name + ".bias"] if name + ".bias" in self.weights else y


class Maker:
    """Random f32 weights as float64, in the order asked for."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.weights = {}

    def add(self, name, *shape, deviation=0.25, mean=0.0):
        values = mean + deviation * self.random.standard_normal(shape)
        self.weights[name] = values.astype(np.float32).astype(np.float64)

    def linear(self, name, rows, columns, bias):
        self.add(name + ".weight", rows, columns)
        if bias:
            self.add(name + ".bias", rows)

    def norm(self, name, dim, bias=True):
        self.add(name + ".weight", dim, mean=1.0)
        if bias:
            self.add(name + ".bias", dim)
