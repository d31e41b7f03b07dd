#!/usr/bin/python3
"""Compares a small decoder of ours with the same one in PyTorch: logits, every gradient, ten AdamW losses.

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


def relative(got, want):
    return float((got - want).abs().max() / want.abs().max().clamp_min(1e-12))


def decays(name, tensor):
    return tensor.dim() == 2


def main():
    program, architecture = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        subprocess.run([program, architecture, temporary], check=True)
        config = json.loads((folder / "config.json").read_text())
        batch = json.loads((folder / "batch.json").read_text())
        weights = read_safetensors(folder / "model.safetensors")
        gradients = read_safetensors(folder / "gradients.safetensors")
        losses = json.loads((folder / "losses.json").read_text())
        logits = torch.tensor(np.fromfile(folder / "logits.f32", dtype="<f4").astype(np.float64))
    for tensor in weights.values():
        tensor.requires_grad_()
    ids = torch.tensor(batch["ids"])
    model = gpt2 if architecture == "gpt2" else llama
    forward = lambda: model(weights, config, ids[:, :-1])
    loss_of = lambda out: F.cross_entropy(out.reshape(-1, out.shape[-1]), ids[:, 1:].reshape(-1))

    worst = []
    expected = forward()
    worst.append(("logits", relative(logits.view_as(expected), expected.detach())))
    loss_of(expected).backward()
    assert gradients.keys() == weights.keys(), gradients.keys() ^ weights.keys()
    scale = max(float(t.grad.abs().max()) for t in weights.values())
    for name, tensor in weights.items():
        # A key's bias has no effect on a softmax: its gradient is zero but for rounding, so it is held to the rest.
        floor = 1e-3 * scale
        error = float((gradients[name] - tensor.grad).abs().max() / tensor.grad.abs().max().clamp_min(floor))
        worst.append(("gradient of " + name, error))

    groups = [
        {"params": [t for n, t in weights.items() if decays(n, t)], "weight_decay": batch["weight_decay"]},
        {"params": [t for n, t in weights.items() if not decays(n, t)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=batch["lr"], betas=batch["betas"], eps=batch["eps"])
    for step, ours in enumerate(losses):
        optimizer.zero_grad()
        loss = loss_of(forward())
        worst.append((f"loss of step {step}", abs(ours - float(loss)) / float(loss)))
        loss.backward()
        optimizer.step()
    assert len(losses) == batch["steps"] == 10

    failed = [entry for entry in worst if not entry[1] <= BOUND]
    for name, error in sorted(worst, key=lambda entry: -entry[1])[:5]:
        print(f"{error:.2e}  {name}")
    print(f"{architecture}: {len(worst)} comparisons, {len(failed)} beyond {BOUND:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
