#!/usr/bin/python3
"""Compares a small decoder of ours with the same one in PyTorch, which computes it in float64 and again in float32:
logits, every gradient, ten AdamW losses.

usage: pytorch_oracle_test.py ORACLE_DUMP ARCHITECTURE; exit status 77 where PyTorch is missing.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"SKIPPED: {error} (Debian: python3-torch, python3-numpy)")
    sys.exit(77)

BOUND = 1e-4


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype="<f4")
        tensors[name] = torch.tensor(values.reshape(entry["shape"]).astype(np.float64))
    return tensors


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotate(x, theta):
    length, dim = x.shape[-2], x.shape[-1]
    frequencies = theta ** (-torch.arange(0, dim, 2, dtype=x.dtype) / dim)
    angles = torch.arange(length, dtype=x.dtype)[:, None] * frequencies[None, :]
    cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
    half = dim // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def attend(q, k, v):
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    return scores.masked_fill(~mask, float("-inf")).softmax(-1) @ v


def llama(w, c, ids):
    batch, length = ids.shape
    heads, groups, dim = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
    x = w["model.embed_tokens.weight"][ids]
    for layer in range(c["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        n = rms_norm(x, w[p + "input_layernorm.weight"], c["rms_norm_eps"])
        q = (n @ w[p + "self_attn.q_proj.weight"].T).view(batch, length, heads, dim)
        k = (n @ w[p + "self_attn.k_proj.weight"].T).view(batch, length, groups, dim)
        v = (n @ w[p + "self_attn.v_proj.weight"].T).view(batch, length, groups, dim).transpose(1, 2)
        if p + "self_attn.q_norm.weight" in w:
            q = rms_norm(q, w[p + "self_attn.q_norm.weight"], c["rms_norm_eps"])
            k = rms_norm(k, w[p + "self_attn.k_norm.weight"], c["rms_norm_eps"])
        q, k = rotate(q.transpose(1, 2), c["rope_theta"]), rotate(k.transpose(1, 2), c["rope_theta"])
        k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, v))
        mixed = attend(q, k, v).transpose(1, 2).reshape(batch, length, heads * dim)
        x = x + mixed @ w[p + "self_attn.o_proj.weight"].T
        n = rms_norm(x, w[p + "post_attention_layernorm.weight"], c["rms_norm_eps"])
        gate, up = n @ w[p + "mlp.gate_proj.weight"].T, n @ w[p + "mlp.up_proj.weight"].T
        x = x + (F.silu(gate) * up) @ w[p + "mlp.down_proj.weight"].T
    x = rms_norm(x, w["model.norm.weight"], c["rms_norm_eps"])
    return x @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).T


def gpt2(w, c, ids):
    batch, length = ids.shape
    heads, width = c["n_head"], c["n_embd"]
    norm = lambda x, p: F.layer_norm(x, (width,), w[p + ".weight"], w[p + ".bias"], c["layer_norm_epsilon"])
    gelu = lambda x: 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:length]
    for layer in range(c["n_layer"]):
        p = f"transformer.h.{layer}."
        qkv = norm(x, p + "ln_1") @ w[p + "attn.c_attn.weight"] + w[p + "attn.c_attn.bias"]
        q, k, v = (t.view(batch, length, heads, -1).transpose(1, 2) for t in qkv.split(width, -1))
        mixed = attend(q, k, v).transpose(1, 2).reshape(batch, length, width)
        x = x + mixed @ w[p + "attn.c_proj.weight"] + w[p + "attn.c_proj.bias"]
        inner = gelu(norm(x, p + "ln_2") @ w[p + "mlp.c_fc.weight"] + w[p + "mlp.c_fc.bias"])
        x = x + inner @ w[p + "mlp.c_proj.weight"] + w[p + "mlp.c_proj.bias"]
    return norm(x, "transformer.ln_f") @ w.get("lm_head.weight", w["transformer.wte.weight"]).T


def difference(got, want):
    """max |got - want| / max |want|"""
    return float((got - want).abs().max() / want.abs().max().clamp_min(1e-30))


class Dump:
    """What oracle_dump wrote."""

    def __init__(self, program, architecture):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            subprocess.run([program, architecture, temporary], check=True)
            self.config = json.loads((folder / "config.json").read_text())
            self.batch = json.loads((folder / "batch.json").read_text())
            self.weights = read_safetensors(folder / "model.safetensors")
            self.gradients = read_safetensors(folder / "gradients.safetensors")
            self.losses = json.loads((folder / "losses.json").read_text())
            self.logits = torch.tensor(np.fromfile(folder / "logits.f32", dtype="<f4").astype(np.float64))
        matrices = [name for name, tensor in self.weights.items() if tensor.dim() == 2]
        self.decayed = set(self.batch.get("decay_names", matrices))
        assert self.decayed <= self.weights.keys(), self.decayed - self.weights.keys()
        assert self.gradients.keys() == self.weights.keys(), self.gradients.keys() ^ self.weights.keys()
        assert len(self.losses) == self.batch["steps"] == 10


def compare(dump, architecture, dtype):
    """{what: relative difference} between the dump and PyTorch in this precision."""
    weights = {name: tensor.detach().to(dtype, copy=True).requires_grad_() for name, tensor in dump.weights.items()}
    ids = torch.tensor(dump.batch["ids"])
    model = gpt2 if architecture == "gpt2" else llama

    def step():
        logits = model(weights, dump.config, ids[:, :-1])
        return logits, F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    logits, loss = step()
    loss.backward()
    found = {"logits": difference(dump.logits.view_as(logits), logits.detach().double())}
    for name, tensor in weights.items():
        found["gradient of " + name] = difference(dump.gradients[name], tensor.grad.double())

    batch = dump.batch
    decayed = [tensor for name, tensor in weights.items() if name in dump.decayed]
    others = [tensor for name, tensor in weights.items() if name not in dump.decayed]
    groups = [{"params": decayed, "weight_decay": batch["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=batch["lr"], betas=batch["betas"], eps=batch["eps"])
    for number, ours in enumerate(dump.losses):
        optimizer.zero_grad()
        loss = step()[1]
        found[f"loss of step {number}"] = abs(ours - float(loss)) / abs(float(loss))
        loss.backward()
        optimizer.step()
    return found


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, architecture = sys.argv[1:]
    torch.set_num_threads(2)
    dump = Dump(program, architecture)
    in_double = compare(dump, architecture, torch.float64)
    in_single = compare(dump, architecture, torch.float32)
    failed = 0
    print(f"{'float64':>9} {'float32':>9}  relative difference from PyTorch {torch.__version__}, {architecture}")
    for name, double in in_double.items():
        single = in_single[name]
        beyond = not (double <= BOUND and single <= BOUND)  # a NaN is beyond as well
        failed += beyond
        print(f"{double:9.2e} {single:9.2e}  {name}{'   BEYOND ' + format(BOUND, 'g') if beyond else ''}")
    worst = max(in_double.values()), max(in_single.values())
    print(f"{architecture}: {len(in_double)} comparisons, worst {worst[0]:.2e} and {worst[1]:.2e}, {failed} beyond {BOUND:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
