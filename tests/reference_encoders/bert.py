"""BERT, RoBERTa and XLM-RoBERTa: post-norm, learned positions. Names are Hugging Face's."""
import numpy as np

from layers import ACTIVATIONS, Linear, Maker, attend, layer_norm

SIZES = {"vocab_size": 61, "hidden_size": 36, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 44}

VARIANTS = {
    "bert": {"model_type": "bert", "max_position_embeddings": 50, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
             "hidden_act": "gelu"},
    "bert_old_names": {"model_type": "bert", "max_position_embeddings": 50, "type_vocab_size": 2,
                       "layer_norm_eps": 1e-12, "hidden_act": "gelu_new"},
    "xlm-roberta": {"model_type": "xlm-roberta", "max_position_embeddings": 52, "type_vocab_size": 1,
                    "layer_norm_eps": 1e-5, "hidden_act": "gelu", "pad_token_id": 1},
}


def config_of(variant):
    return {**SIZES, **VARIANTS[variant]}


def make(config):
    maker = Maker(1)
    dim, inner = config["hidden_size"], config["intermediate_size"]
    maker.add("embeddings.word_embeddings.weight", config["vocab_size"], dim)
    maker.add("embeddings.position_embeddings.weight", config["max_position_embeddings"], dim)
    maker.add("embeddings.token_type_embeddings.weight", config["type_vocab_size"], dim)
    maker.norm("embeddings.LayerNorm", dim)
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        for name in ("query", "key", "value"):
            maker.linear(p + "attention.self." + name, dim, dim, True)
        maker.linear(p + "attention.output.dense", dim, dim, True)
        maker.norm(p + "attention.output.LayerNorm", dim)
        maker.linear(p + "intermediate.dense", inner, dim, True)
        maker.linear(p + "output.dense", dim, inner, True)
        maker.norm(p + "output.LayerNorm", dim)
    return maker.weights


def stored(variant, weights):
    """The weights as a file of this variant names them."""
    if variant == "bert_old_names":
        old = lambda n: n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        return {"bert." + old(name): value for name, value in weights.items()}
    if variant == "xlm-roberta":
        return {"roberta." + name: value for name, value in weights.items()}
    return weights


def forward(config, w, ids, activation=None):
    linear = Linear(w)
    norm = lambda name, x: layer_norm(x, w[name + ".weight"], w[name + ".bias"], config["layer_norm_eps"])
    f = ACTIVATIONS[activation or config["hidden_act"]]
    heads = config["num_attention_heads"]
    scale = (config["hidden_size"] // heads) ** -0.5
    first = config.get("pad_token_id", -1) + 1 if config["model_type"] != "bert" else 0
    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][first + np.arange(len(ids))]
    x = norm("embeddings.LayerNorm", x + w["embeddings.token_type_embeddings.weight"][0])
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."
        q, k, v = (linear(p + "attention.self." + name, x) for name in ("query", "key", "value"))
        mixed = linear(p + "attention.output.dense", attend(q, k, v, heads, scale))
        x = norm(p + "attention.output.LayerNorm", x + mixed)
        inner = f(linear(p + "intermediate.dense", x))
        x = norm(p + "output.LayerNorm", x + linear(p + "output.dense", inner))
    return x


LAYER_NAMES = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}


def base_metadata(arch, config, pooling):
    return {
        "general.architecture": arch, f"{arch}.context_length": config["max_position_embeddings"],
        f"{arch}.embedding_length": config["hidden_size"], f"{arch}.block_count": config["num_hidden_layers"],
        f"{arch}.feed_forward_length": config["intermediate_size"],
        f"{arch}.attention.head_count": config["num_attention_heads"],
        f"{arch}.attention.layer_norm_epsilon": config["layer_norm_eps"], f"{arch}.attention.causal": False,
        f"{arch}.pooling_type": pooling,
    }


def gguf_name(name, layer_names=LAYER_NAMES):
    fixed = {"embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
             "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm"}
    stem, kind = name.rsplit(".", 1)
    if stem in fixed:
        return fixed[stem] + "." + kind
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{layer_names[rest]}.{kind}"


def gguf(variant, config, weights):
    """(metadata, tensors, activation that readers of GGUF use), or None."""
    if variant == "bert_old_names":
        return None
    config = dict(config)
    weights = dict(weights)
    if variant == "xlm-roberta":  # such files leave out the rows before the first position
        skipped = config["pad_token_id"] + 1
        config["max_position_embeddings"] -= skipped
        name = "embeddings.position_embeddings.weight"
        weights[name] = weights[name][skipped:]
    tensors = {gguf_name(name): value for name, value in weights.items()}
    return base_metadata("bert", config, 2), tensors, "gelu_new"
