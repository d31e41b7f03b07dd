"""jina-bert v2: post-norm, ALiBi, gated GELU; the later generation adds norms of queries and keys and one around
attention, and stores its gate last. Names are Hugging Face's."""
import numpy as np

from bert import base_metadata, gguf_name
from layers import Linear, Maker, alibi_slopes, attend, gelu_erf, gelu_tanh, layer_norm, relu

SIZES = {"model_type": "bert", "position_embedding_type": "alibi", "vocab_size": 61, "hidden_size": 36,
         "num_hidden_layers": 2, "num_attention_heads": 6, "intermediate_size": 44, "type_vocab_size": 2,
         "max_position_embeddings": 50, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}

VARIANTS = {"jina": {"feed_forward_type": "geglu"}, "jina_reglu": {"feed_forward_type": "reglu"},
            "jina_norms": {"feed_forward_type": "geglu"}}


def config_of(variant):
    return {**SIZES, **VARIANTS[variant], "with_norms": variant == "jina_norms"}


def make(config):
    maker = Maker(3)
    dim, inner = config["hidden_size"], config["intermediate_size"]
    maker.add("embeddings.word_embeddings.weight", config["vocab_size"], dim)
    maker.add("embeddings.token_type_embeddings.weight", config["type_vocab_size"], dim)
    maker.norm("embeddings.LayerNorm", dim)
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            maker.linear(p + "attention.self." + name, dim, dim, True)
        maker.linear(p + "attention.output.dense", dim, dim, True)
        maker.norm(p + "attention.output.LayerNorm", dim)
        if config["with_norms"]:
            maker.norm(p + "attention.self.layer_norm_q", dim)
            maker.norm(p + "attention.self.layer_norm_k", dim)
            maker.norm(p + "layer_norm_1", dim)
            maker.linear(p + "mlp.up_gated_layer", 2 * inner, dim, False)
            maker.linear(p + "mlp.down_layer", dim, inner, True)
            maker.norm(p + "layer_norm_2", dim)
        else:
            maker.linear(p + "mlp.gated_layers", 2 * inner, dim, False)
            maker.linear(p + "mlp.wo", dim, inner, True)
            maker.norm(p + "mlp.layernorm", dim)
    return maker.weights


def stored(variant, weights):
    return weights


def forward(config, w, ids, activation=None):
    linear = Linear(w)
    norm = lambda name, x: layer_norm(x, w[name + ".weight"], w[name + ".bias"], config["layer_norm_eps"])
    f = relu if config["feed_forward_type"] == "reglu" else (gelu_tanh if activation == "gelu_new" else gelu_erf)
    heads, inner = config["num_attention_heads"], config["intermediate_size"]
    scale = (config["hidden_size"] // heads) ** -0.5
    places = np.arange(len(ids))
    distances = np.abs(places[:, None] - places[None, :])
    bias = -np.array(alibi_slopes(heads))[:, None, None] * distances
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings.LayerNorm", x)
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        q, k, v = (linear(p + "attention.self." + name, x) for name in ("query", "key", "value"))
        if config["with_norms"]:
            q, k = norm(p + "attention.self.layer_norm_q", q), norm(p + "attention.self.layer_norm_k", k)
        mixed = linear(p + "attention.output.dense", attend(q, k, v, heads, scale, bias))
        attended = norm(p + "attention.output.LayerNorm", x + mixed)
        if config["with_norms"]:
            attended = norm(p + "layer_norm_1", x + attended)
            both = linear(p + "mlp.up_gated_layer", attended)
            out = linear(p + "mlp.down_layer", both[:, :inner] * f(both[:, inner:]))
            x = norm(p + "layer_norm_2", attended + out)
        else:
            both = linear(p + "mlp.gated_layers", attended)
            out = linear(p + "mlp.wo", f(both[:, :inner]) * both[:, inner:])
            x = norm(p + "mlp.layernorm", attended + out)
    return x


LAYER_NAMES = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.self.layer_norm_q": "attn_q_norm", "attention.self.layer_norm_k": "attn_k_norm",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "layer_norm_1": "attn_norm_2", "mlp.gated_layers": "ffn_up", "mlp.up_gated_layer": "ffn_up",
    "mlp.wo": "ffn_down", "mlp.down_layer": "ffn_down", "mlp.layernorm": "layer_output_norm",
    "layer_norm_2": "layer_output_norm",
}


def gguf(variant, config, weights):
    if variant == "jina_reglu":
        return None
    tensors = {gguf_name(name, LAYER_NAMES): value for name, value in weights.items()}
    if variant == "jina_norms":  # GGUF keeps the gate first
        inner = config["intermediate_size"]
        for i in range(config["num_hidden_layers"]):
            both = tensors[f"blk.{i}.ffn_up.weight"]
            tensors[f"blk.{i}.ffn_up.weight"] = np.concatenate([both[inner:], both[:inner]])
    return base_metadata("jina-bert-v2", config, 1), tensors, "gelu_new"
