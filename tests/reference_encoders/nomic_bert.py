"""nomic-bert: post-norm, rotary positions, gated SiLU, mostly no biases. Names are Hugging Face's."""
from bert import base_metadata
from layers import Linear, Maker, attend, gelu_erf, layer_norm, rotate, silu

SIZES = {"model_type": "nomic_bert", "vocab_size": 61, "n_embd": 36, "n_layer": 2, "n_head": 3, "n_inner": 44,
         "n_positions": 50, "layer_norm_epsilon": 1e-12, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
         "type_vocab_size": 2, "prenorm": False, "use_rms_norm": False, "rotary_scaling_factor": None}

VARIANTS = {
    "nomic": {"rotary_emb_base": 1000, "activation_function": "swiglu", "qkv_proj_bias": False,
              "mlp_fc1_bias": False, "mlp_fc2_bias": False},
    "nomic_biases": {"rotary_emb_base": 10000, "activation_function": "geglu", "qkv_proj_bias": True,
                     "mlp_fc1_bias": True, "mlp_fc2_bias": True},
}


def config_of(variant):
    return {**SIZES, **VARIANTS[variant]}


def make(config):
    maker = Maker(2)
    dim, inner = config["n_embd"], config["n_inner"]
    maker.add("embeddings.word_embeddings.weight", config["vocab_size"], dim)
    maker.add("embeddings.token_type_embeddings.weight", config["type_vocab_size"], dim)
    maker.norm("emb_ln", dim)
    for i in range(config["n_layer"]):
        p = f"encoder.layers.{i}."
        maker.linear(p + "attn.Wqkv", 3 * dim, dim, config["qkv_proj_bias"])
        maker.linear(p + "attn.out_proj", dim, dim, config["qkv_proj_bias"])
        maker.norm(p + "norm1", dim)
        maker.linear(p + "mlp.fc11", inner, dim, config["mlp_fc1_bias"])
        maker.linear(p + "mlp.fc12", inner, dim, config["mlp_fc1_bias"])
        maker.linear(p + "mlp.fc2", dim, inner, config["mlp_fc2_bias"])
        maker.norm(p + "norm2", dim)
    return maker.weights


def stored(variant, weights):
    return weights


def forward(config, w, ids, activation=None):
    linear = Linear(w)
    norm = lambda name, x: layer_norm(x, w[name + ".weight"], w[name + ".bias"], config["layer_norm_epsilon"])
    f = silu if config["activation_function"] == "swiglu" else gelu_erf
    heads, dim, theta = config["n_head"], config["n_embd"], config["rotary_emb_base"]
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm("emb_ln", x)
    for i in range(config["n_layer"]):
        p = f"encoder.layers.{i}."
        qkv = linear(p + "attn.Wqkv", x)
        q, k, v = qkv[:, :dim], qkv[:, dim : 2 * dim], qkv[:, 2 * dim :]
        q, k = rotate(q, heads, theta), rotate(k, heads, theta)
        mixed = attend(q, k, v, heads, (dim // heads) ** -0.5)
        x = norm(p + "norm1", x + linear(p + "attn.out_proj", mixed))
        inner = linear(p + "mlp.fc11", x) * f(linear(p + "mlp.fc12", x))
        x = norm(p + "norm2", x + linear(p + "mlp.fc2", inner))
    return x


NAMES = {"embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
         "emb_ln": "token_embd_norm"}
LAYER_NAMES = {"attn.Wqkv": "attn_qkv", "attn.out_proj": "attn_output", "norm1": "attn_output_norm",
               "mlp.fc11": "ffn_up", "mlp.fc12": "ffn_gate", "mlp.fc2": "ffn_down", "norm2": "layer_output_norm"}


def gguf(variant, config, weights):
    if variant != "nomic":
        return None
    same = {"hidden_size": config["n_embd"], "num_hidden_layers": config["n_layer"],
            "num_attention_heads": config["n_head"], "intermediate_size": config["n_inner"],
            "max_position_embeddings": config["n_positions"], "layer_norm_eps": config["layer_norm_epsilon"]}
    metadata = base_metadata("nomic-bert", same, 1)
    metadata["nomic-bert.rope.freq_base"] = float(config["rotary_emb_base"])
    tensors = {}
    for name, value in weights.items():
        stem, kind = name.rsplit(".", 1)
        if stem in NAMES:
            tensors[NAMES[stem] + "." + kind] = value
        else:
            _, _, layer, rest = stem.split(".", 3)
            tensors[f"blk.{layer}.{LAYER_NAMES[rest]}.{kind}"] = value
    return metadata, tensors, None
