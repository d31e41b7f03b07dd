#!/usr/bin/python3
"""Every family's logits against its definition in float64 (tests/reference): small random models with odd flags, read
by ONMAL as a Hugging Face folder, as the GGUF file it converts that to, and as a folder converted back from there.

  reference_test.py ONMAL MODEL_TYPE [--keep FOLDER]

Skips (77) without numpy.
"""
import argparse
import importlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("SKIPPED: this python has no numpy (Debian's python3-numpy)")
    sys.exit(77)

HERE = pathlib.Path(__file__).parent / "reference"
MODULES = "llama", "gemma", "phi3", "exaone", "layer_normed"
BOUND = 2e-5  # of the largest logit


def save_folder(folder, config, weights):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    header, start = {}, 0
    for name, values in weights.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [start, start + values.nbytes]}
        start += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in weights.values():
            file.write(np.ascontiguousarray(values, "<f4").tobytes())


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"FAILED: {' '.join(map(str, command))}\n{done.stderr}")


def check(onmal, model, ids, want, label):
    output = model.parent / "logits.f32"
    run(onmal, "logits", "-m", model, "--tokens", ",".join(map(str, ids)), "-o", output)
    got = np.fromfile(output, "<f4").reshape(want.shape)
    difference = np.abs(got - want).max() / np.abs(want).max()
    print(f"{label}: {difference:.1e}")
    return difference <= BOUND


def check_case(onmal, module, model_type, case, number, folder):
    case = dict(case)
    length = case.pop("length", 61)
    config = {**module.BASE, **case, "model_type": model_type}
    config = {key: value for key, value in config.items() if value is not None}
    ids = np.random.default_rng(number).integers(0, config["vocab_size"], length)
    weights = __import__("parts").Weights(number + 1, getattr(module, "NORM_CENTRE", 1.0))
    want = module.logits({**module.BASE, **case, "model_type": model_type}, weights, ids)
    save_folder(folder / "model", config, weights)
    np.save(folder / "want.npy", want)
    np.save(folder / "ids.npy", ids)
    good = check(onmal, folder / "model", ids, want, f"{model_type} {number}, folder")
    run(onmal, "convert", folder / "model", folder / "model.gguf", "--type", "f32")
    good &= check(onmal, folder / "model.gguf", ids, want, f"{model_type} {number}, GGUF")
    run(onmal, "convert", folder / "model.gguf", folder / "back", "--type", "f32")
    return check(onmal, folder / "back", ids, want, f"{model_type} {number}, folder from GGUF") and good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onmal")
    parser.add_argument("model_type")
    parser.add_argument("--keep", help="leave models, ids and logits here")
    options = parser.parse_args()
    sys.path.insert(0, str(HERE))
    modules = [importlib.import_module(name) for name in MODULES]
    module = next(m for m in modules if options.model_type in m.CASES)
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(module.CASES[options.model_type]):
            folder = pathlib.Path(options.keep or scratch) / f"{options.model_type}-{number}"
            good &= check_case(options.onmal, module, options.model_type, case, number, folder)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
