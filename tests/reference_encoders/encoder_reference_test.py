#!/usr/bin/python3
"""Tiny random encoders and encoder-decoders as Hugging Face folders and GGUF files: what the program makes of them,
against forward passes in float64 written from the published definitions.

usage: encoder_reference_test.py ONMAL FAMILY; exit status 77 where numpy is missing.
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

BOUND = 2e-5


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, check=True)
    return result.stdout


def difference(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


def check(name, got, want, bound=BOUND):
    found = difference(np.asarray(got), np.asarray(want))
    print(f"{name:<50} {found:.2e}")
    assert np.asarray(got).shape == np.asarray(want).shape, name
    assert found <= bound, f"{name}: {found}"


def pooled(hidden, pooling):
    vector = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling]
    return vector / np.sqrt((vector**2).sum())


def sentence_folder(folder, config, weights, dense):
    """A folder of sentence-transformers: CLS pooling and a Dense map behind it."""
    model_files.write_hf_folder(folder, config, weights)
    types = ["Transformer", "Pooling", "Dense", "Normalize"]
    paths = ["", "1_Pooling", "2_Dense", "3_Normalize"]
    modules = [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + kind}
               for i, (kind, path) in enumerate(zip(types, paths))]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40}))
    model_files.write_hf_folder(folder / "2_Dense", {
        "in_features": dense["linear.weight"].shape[1], "out_features": dense["linear.weight"].shape[0], "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh"}, dense)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(
        {"word_embedding_dimension": dense["linear.weight"].shape[1], "pooling_mode_cls_token": True,
         "pooling_mode_mean_tokens": False}))


def check_encoder(program, path, name, want, ids, bound):
    arguments = ["embed", "-m", str(path), "--tokens", ",".join(map(str, ids)), "--json"]
    states = json.loads(run(program, *arguments, "--pooling", "none"))["hidden_states"]
    check(name + " hidden states", states, want, bound)
    for pooling in ("mean", "cls", "last"):
        vector = json.loads(run(program, *arguments, "--pooling", pooling))["embedding"]
        check(f"{name} {pooling}", vector, pooled(want, pooling), bound)


def check_pair(program, path, name, want, source, written, folder, bound):
    output = folder / "logits.f32"
    run(program, "logits", "-m", str(path), "--source", ",".join(map(str, source)), "--tokens",
        ",".join(map(str, written)), "-o", str(output))
    check(name + " logits", np.fromfile(output, dtype="<f4").reshape(want.shape), want, bound)


def main(program, family):
    module = importlib.import_module(family)
    bound = getattr(module, "BOUND", BOUND)
    random = np.random.default_rng(7)
    for variant in module.VARIANTS:
        config = module.config_of(variant)
        weights = module.make(config)
        ids = [int(i) for i in random.integers(0, 50, 37)]
        written = [int(i) for i in random.integers(0, 50, 23)]
        pair = hasattr(module, "logits") and "architectures" not in config
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            model_files.write_hf_folder(folder / "hf", config, module.stored(variant, weights))
            files = [("hf", None)]
            gguf = module.gguf(variant, config, weights)
            if gguf is not None:
                model_files.write_gguf(folder / "model.gguf", gguf[0], gguf[1])
                files.append(("model.gguf", gguf[2]))
            for file, activation in files:
                name = f"{variant}, {file}"
                if pair:
                    want = module.logits(config, weights, np.array(ids), np.array(written))
                    check_pair(program, folder / file, name, want, ids, written, folder, bound)
                else:
                    want = module.forward(config, weights, np.array(ids), activation)
                    check_encoder(program, folder / file, name, want, ids, bound)
            if not pair:
                want = module.forward(config, weights, np.array(ids))
                dense = {"linear.weight": random.standard_normal((9, want.shape[1])).astype(np.float32),
                         "linear.bias": random.standard_normal(9).astype(np.float32)}
                sentence_folder(folder / "sentence", config, module.stored(variant, weights), dense)
                vector = np.tanh(want[:1] @ dense["linear.weight"].T + dense["linear.bias"])
                got = json.loads(run(program, "embed", "-m", str(folder / "sentence"), "--tokens",
                                     ",".join(map(str, ids)), "--json"))
                check(f"{variant}, sentence-transformers", got["embedding"], pooled(vector, "cls"), bound)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
