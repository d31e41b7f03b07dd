#!/usr/bin/python3
"""Encoders and encoder-decoders turned into GGUF and back: the same results as float64 forward passes, the keys and
names that llama.cpp's converter writes, the same token ids, and refusals that say why.

usage: encoder_convert_test.py ONMAL FAMILY; exit status 77 where numpy is missing.
"""
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
try:
    import numpy as np
except ImportError as error:
    print(f"SKIPPED: {error} (Debian: python3-numpy)")
    sys.exit(77)

import model_files

EXACT, EIGHT_BITS = 2e-5, 0.1

# Variants that GGUF cannot say, and a part of the reason given.
REFUSED = {"nomic_biases": "biases", "jina_reglu": "relu", "t5_few_buckets": "silu", "marian": "no GGUF files",
           "marian_two_tables": "no GGUF files"}
# Sizes that blocks of 32 divide.
WIDE = {"bert": {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96},
        "nomic_bert": {"n_embd": 64, "n_head": 4, "n_inner": 96},
        "jina_bert": {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96},
        "t5": {"d_model": 64, "d_kv": 16, "d_ff": 96}}
# Keys of our own, and those that a test file needs not.
OWN_KEYS = {"bert.hidden_activation", "jina-bert-v2.hidden_activation", "general.name", "general.file_type",
            "general.quantization_version", "tokenizer.ggml.model", "tokenizer.ggml.eos_token_id",
            "tokenizer.ggml.token_type_count"}
F32, Q8_0 = 0, 8  # type numbers of GGUF


def sixteen_bits(x):
    return x.astype(np.float16).astype(x.dtype)


class Model:
    """A random model of a variant with one text, and what its definition makes of it."""

    def __init__(self, module, variant, sizes=None):
        random = np.random.default_rng(11)
        self.module, self.variant = module, variant
        self.exact = getattr(module, "BOUND", EXACT)
        self.config = {**module.config_of(variant), **(sizes or {})}
        self.weights = module.make(self.config)
        self.ids = [int(i) for i in random.integers(0, 50, 29)]
        self.written = [int(i) for i in random.integers(0, 50, 17)]
        self.pair = hasattr(module, "logits") and "architectures" not in self.config
        self.want = self.forward(self.weights)

    def forward(self, weights):
        if self.pair:
            return self.module.logits(self.config, weights, np.array(self.ids), np.array(self.written))
        return self.module.forward(self.config, weights, np.array(self.ids))

    def forward_rounded(self, rounded):
        """With matrices as files of a smaller format keep them; tables of positions and the like stay as they are."""
        kept = ("position_embeddings", "token_type_embeddings", "relative_attention_bias")
        return self.forward({name: value if value.ndim == 1 or any(part in name for part in kept)
                             else rounded(value)
                             for name, value in self.weights.items()})

    def write(self, folder):
        model_files.write_hf_folder(folder, self.config, self.module.stored(self.variant, self.weights))

    def check(self, program, path, name, bound, want=None):
        want = self.want if want is None else want
        source = ",".join(map(str, self.ids))
        if self.pair:
            output = path.parent / "logits.f32"
            run(program, "logits", "-m", path, "--source", source, "--tokens", ",".join(map(str, self.written)), "-o",
                output)
            got = np.fromfile(output, dtype="<f4").reshape(want.shape)
        else:
            got = json.loads(run(program, "embed", "-m", path, "--tokens", source, "--json", "--pooling", "none"))
            got = np.array(got["hidden_states"])
        found = float(np.abs(got - want).max() / np.abs(want).max())
        print(f"{self.variant + ', ' + name:<50} {found:.2e}")
        assert found <= bound, (self.variant, name, found)


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, check=True).stdout


def refusal(program, *arguments):
    result = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 1, result
    print("refused:", result.stderr.strip().splitlines()[-1])
    return result.stderr


def check_names(module, model, path):
    """Keys, values, tensors and shapes against those of a file as llama.cpp's converter writes it."""
    reference = module.gguf(model.variant, model.config, model.weights)
    if reference is None:
        return
    metadata, tensors, _ = reference
    file = model_files.GgufFile(path)
    for key, value in metadata.items():
        if key.endswith(".pooling_type"):
            continue  # the folder says nothing of it
        if key == "t5encoder.decoder_block_count" or key == "t5encoder.decoder_start_token_id":
            continue
        got = file.metadata.get(key)
        same = abs(got - value) <= 1e-6 * abs(value) if isinstance(value, float) else got == value
        assert same, (key, got, value)
    extra = set(file.metadata) - set(metadata) - OWN_KEYS
    assert not {key for key in extra if not key.endswith(".vocab_size")}, extra
    if model.config.get("position_embedding_type") == "alibi":  # gate and up apart, as llama.cpp reads too
        tensors = {name: value for name, value in tensors.items() if "ffn_up" not in name}
    for name, value in tensors.items():
        assert file.tensors[name][:2] == (value.shape, F32), (name, file.tensors.get(name))
    assert not {name for name in file.tensors if name not in tensors and "ffn_" not in name}


def check_variant(program, module, variant, folder):
    model = Model(module, variant)
    model.write(folder / "hf")
    if variant in REFUSED:
        assert REFUSED[variant] in refusal(program, "convert", folder / "hf", folder / "no.gguf")
        assert not (folder / "no.gguf").exists()
        return
    run(program, "convert", folder / "hf", folder / "f32.gguf")
    check_names(module, model, folder / "f32.gguf")
    model.check(program, folder / "f32.gguf", "f32.gguf", model.exact)
    run(program, "convert", folder / "hf", folder / "f16.gguf", "--type", "f16")
    model.check(program, folder / "f16.gguf", "f16.gguf", model.exact, model.forward_rounded(sixteen_bits))
    if module.__name__ == "bert" or model.pair:
        run(program, "convert", folder / "f32.gguf", folder / "back")
        model.check(program, folder / "back", "and back", model.exact)
    elif module.__name__ != "marian":
        assert "cannot be written" in refusal(program, "convert", folder / "f32.gguf", folder / "back")


def eight_bits(x):
    """What blocks of 32 values with one scale keep of a matrix."""
    blocks = x.reshape(-1, 32).astype(np.float64)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    return (np.round(blocks * inverse) * scale.astype(np.float16)).reshape(x.shape).astype(x.dtype)


def check_quantized(program, module, variant, folder):
    model = Model(module, variant, WIDE[module.__name__])
    model.write(folder / "wide")
    run(program, "convert", folder / "wide", folder / "converted.gguf", "--type", "q8_0")
    run(program, "quantize", folder / "wide", folder / "quantized.gguf", "--type", "q8_0")
    for name in ("converted.gguf", "quantized.gguf"):
        kinds = {key: kind for key, (_, kind, _) in model_files.GgufFile(folder / name).tensors.items()}
        assert kinds["token_embd.weight"] == Q8_0
        for key, kind in kinds.items():
            table = any(part in key for part in ("position_embd", "token_types", "attn_rel_b", "norm"))
            assert kind == (F32 if table or key.endswith(".bias") else Q8_0), (key, kind)
        if not model.pair:  # products with quantised weights round activations too, which T5 takes ill
            model.check(program, folder / name, name, EIGHT_BITS)
    # The weights as they are stored, in full precision again.
    run(program, "convert", folder / "converted.gguf", folder / "values.gguf", "--type", "f32")
    model.check(program, folder / "values.gguf", "converted, values", model.exact, model.forward_rounded(eight_bits))
    run(program, "convert", folder / "quantized.gguf", folder / "values.gguf", "--type", "f32")
    file = model_files.GgufFile(folder / "values.gguf")
    for name, want in module.gguf(variant, model.config, model.weights)[1].items():
        if want.ndim == 1 or file.tensors[name][0] != want.shape:
            continue
        error = np.sqrt(((file.values(name) - want) ** 2).mean())
        assert error <= 1.001 * np.sqrt(((eight_bits(want) - want) ** 2).mean()), (name, error)


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##a", "##b", "##c", "가", "##나", "나", "."]
PIECES = ["<pad>", "</s>", "<unk>", "\u2581", "a", "b", "ab", "\u2581a", "\u2581ab", "가", "\u2581가", "나", "가나", "."]


def added(texts, names):
    return [{"id": names.index(text), "content": text, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for text in texts]


def wordpiece():
    return {"version": "1.0", "added_tokens": added(WORDS[:5], WORDS),
            "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                           "strip_accents": None, "lowercase": True},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": {word: i for i, word in enumerate(WORDS)}}}


def unigram():
    space = {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True, "prepend_scheme": "always"}
    return {"version": "1.0", "added_tokens": added(PIECES[:3], PIECES), "pre_tokenizer": space,
            "normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"Sequence": {"id": "A", "type_id": 0}},
                                          {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                               "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                               "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
            "decoder": space, "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": False,
                                        "vocab": [[piece, -float(i % 7) - len(piece) ** -1.0]
                                                  for i, piece in enumerate(PIECES)]}}


def check_tokenizer(program, module, variant, folder):
    model = Model(module, variant)
    model.write(folder / "hf")
    (folder / "hf" / "tokenizer.json").write_text(json.dumps(unigram() if module.__name__ == "t5" else wordpiece()))
    run(program, "convert", folder / "hf", folder / "all.gguf")
    file = model_files.GgufFile(folder / "all.gguf")
    tokens = file.metadata["tokenizer.ggml.tokens"]
    assert len(tokens) == model.config["vocab_size"] and tokens[-1].startswith("[PAD"), tokens[-3:]
    # What other programs see: without the tokenizer.json that travels along.
    weights = {name: file.values(name) for name in file.tensors}
    keys = {key: value for key, value in file.metadata.items() if key != "tokenizer.huggingface.json"}
    model_files.write_gguf(folder / "keys.gguf", keys, weights)
    for text in ("ab a. b", "가나 가 ab가.", " 가나가나  b", "xyz a"):
        ids = [json.loads(run(program, "tokenize", "-m", path, "--text", text, "--add-special", "--json"))["ids"]
               for path in (folder / "hf", folder / "all.gguf", folder / "keys.gguf")]
        assert ids[0] == ids[1] == ids[2] and len(ids[0]) > 2, (text, ids)
    if module.__name__ == "bert" or model.pair:
        run(program, "convert", folder / "all.gguf", folder / "back")
        ids = [json.loads(run(program, "tokenize", "-m", path, "--text", "ab 가나 b", "--add-special", "--json"))["ids"]
               for path in (folder / "hf", folder / "back")]
        assert ids[0] == ids[1], ids


def check_sentences(program, module, variant, folder):
    """Pooling travels both ways; a Dense map or a head that classifies has no place."""
    model = Model(module, variant)
    sentence = folder / "sentence"
    model.write(sentence)
    modules = [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
               for i, (kind, path) in enumerate([("Transformer", ""), ("Pooling", "1_Pooling")])]
    (sentence / "modules.json").write_text(json.dumps(modules))
    (sentence / "1_Pooling").mkdir()
    (sentence / "1_Pooling" / "config.json").write_text(json.dumps(
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    run(program, "convert", sentence, folder / "sentence.gguf")
    assert model_files.GgufFile(folder / "sentence.gguf").metadata["bert.pooling_type"] == 2
    run(program, "convert", folder / "sentence.gguf", folder / "again")
    want = model.want[0] / np.sqrt((model.want[0] ** 2).sum())
    for path in (folder / "sentence.gguf", folder / "again"):
        got = json.loads(run(program, "embed", "-m", path, "--tokens", ",".join(map(str, model.ids)), "--json"))
        assert np.abs(np.array(got["embedding"]) - want).max() < EXACT, path
    dense = {"linear.weight": np.ones((9, want.size), np.float32)}
    (sentence / "modules.json").write_text(json.dumps(modules + [
        {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]))
    model_files.write_hf_folder(sentence / "2_Dense", {
        "in_features": want.size, "out_features": 9, "bias": False,
        "activation_function": "torch.nn.modules.linear.Identity"}, dense)
    assert "Dense" in refusal(program, "convert", sentence, folder / "dense.gguf")
    weights = {**module.stored(variant, model.weights), "classifier.weight": np.ones((3, want.size), np.float32)}
    model_files.write_hf_folder(folder / "labels", model.config, weights)
    assert "head that classifies" in refusal(program, "convert", folder / "labels", folder / "labels.gguf")
    assert "head that classifies" in refusal(program, "quantize", folder / "labels", folder / "labels.gguf")


def main(program, family):
    module = importlib.import_module(family)
    checks = [(check_variant, variant) for variant in module.VARIANTS]
    first = next(iter(module.VARIANTS))
    if family in WIDE:
        checks += [(check_quantized, first)]
    if family in ("bert", "t5"):
        checks += [(check_tokenizer, first)]
    if family == "bert":
        checks += [(check_sentences, first)]
    for check, variant in checks:
        with tempfile.TemporaryDirectory() as temporary:
            check(program, module, variant, pathlib.Path(temporary))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
