#!/usr/bin/python3
"""Ten steps of a training task of ours beside the same ten in PyTorch: the model from the folder that was saved, written
again from its definition, AdamW from torch.optim. Losses must agree in float64 and in float32.

usage: pytorch_tasks_test.py ORACLE_TASKS SOURCE TASK; exit status 77 where PyTorch is missing.
"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"SKIPPED: {error} (Debian: python3-torch, python3-numpy)")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from pytorch_oracle_test import read_safetensors, rms_norm, rotate  # noqa: E402

BOUND = 1e-4
IGNORED = -100


def tensor(batch, name, dtype=torch.long):
    entry = batch[name]
    return torch.tensor(entry["values"], dtype=dtype).reshape(entry["shape"])


def mask_of(first, end, keys, causal=False):
    """[B, 1, T, S]: what each query may see."""
    columns = torch.arange(keys)
    seen = (columns >= first[..., None]) & (columns < end[..., None])
    if causal:
        seen = seen & (columns <= torch.arange(first.shape[1])[None, :, None])
    return seen[:, None]


def attend(q, k, v, mask, scale, bias=None):
    scores = q @ k.transpose(-1, -2) * scale
    if bias is not None:
        scores = scores + bias
    return scores.masked_fill(~mask, float("-inf")).softmax(-1) @ v


def heads_of(x, count):
    return x.view(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def joined(x):
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


def affine(w, name, x):
    y = x @ w[name + ".weight"].T
    return y + w[name + ".bias"] if name + ".bias" in w else y


def layer_norm(w, name, x, eps):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


def bert(w, c, batch):
    ids, positions = tensor(batch, "ids"), tensor(batch, "positions")
    w = {name if name.startswith("bert.") else "bert." + name: value for name, value in w.items()}
    eps, heads = c["layer_norm_eps"], c["num_attention_heads"]
    x = w["bert.embeddings.word_embeddings.weight"][ids]
    x = x + w["bert.embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(w, "bert.embeddings.LayerNorm", x + w["bert.embeddings.position_embeddings.weight"][positions], eps)
    mask = mask_of(tensor(batch, "first_keys"), tensor(batch, "key_ends"), ids.shape[1])
    for layer in range(c["num_hidden_layers"]):
        p = f"bert.encoder.layer.{layer}."
        q, k, v = (heads_of(affine(w, p + "attention.self." + part, x), heads) for part in ("query", "key", "value"))
        mixed = joined(attend(q, k, v, mask, q.shape[-1] ** -0.5))
        x = layer_norm(w, p + "attention.output.LayerNorm", x + affine(w, p + "attention.output.dense", mixed), eps)
        inner = F.gelu(affine(w, p + "intermediate.dense", x))
        x = layer_norm(w, p + "output.LayerNorm", x + affine(w, p + "output.dense", inner), eps)
    return x.flatten(0, 1)


def qwen3(w, c, batch):
    ids, first = tensor(batch, "ids"), tensor(batch, "first_keys")
    heads, groups, dim, eps = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"], c["rms_norm_eps"]
    x = w["model.embed_tokens.weight"][ids]
    mask = mask_of(first, torch.full_like(first, ids.shape[1]), ids.shape[1], causal=True)
    for layer in range(c["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        n = rms_norm(x, w[p + "input_layernorm.weight"], eps)
        q = heads_of(affine(w, p + "self_attn.q_proj", n), heads)
        k = heads_of(affine(w, p + "self_attn.k_proj", n), groups)
        v = heads_of(affine(w, p + "self_attn.v_proj", n), groups)
        q = rotate(rms_norm(q, w[p + "self_attn.q_norm.weight"], eps), c["rope_theta"])
        k = rotate(rms_norm(k, w[p + "self_attn.k_norm.weight"], eps), c["rope_theta"])
        k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, v))
        x = x + affine(w, p + "self_attn.o_proj", joined(attend(q, k, v, mask, dim**-0.5)))
        n = rms_norm(x, w[p + "post_attention_layernorm.weight"], eps)
        gate, up = affine(w, p + "mlp.gate_proj", n), affine(w, p + "mlp.up_proj", n)
        x = x + affine(w, p + "mlp.down_proj", F.silu(gate) * up)
    return rms_norm(x, w["model.norm.weight"], eps).flatten(0, 1)


def t5_buckets(queries, keys, causal, buckets, distance):
    far = torch.arange(queries)[:, None] - torch.arange(keys)[None, :]  # how far back a key lies
    offset = torch.zeros_like(far)
    if not causal:
        buckets //= 2
        offset = torch.where(far < 0, buckets, 0)
        far = far.abs()
    far = far.clamp(min=0)
    exact = buckets // 2
    growth = torch.log(far.clamp(min=1).float() / exact) / math.log(distance / exact) * (buckets - exact)
    return offset + torch.where(far < exact, far, (exact + growth.long()).clamp(max=buckets - 1))


def t5_stack(w, c, side, layers, x, mask, source=None, source_mask=None):
    eps, heads = c["layer_norm_epsilon"], c["num_heads"]
    length, causal = x.shape[1], side == "decoder"
    table = w[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    buckets = t5_buckets(
        length, length, causal, c["relative_attention_num_buckets"], c["relative_attention_max_distance"]
    )
    bias = table[buckets].permute(2, 0, 1)[None]
    for layer in range(layers):
        p = f"{side}.block.{layer}.layer."
        n = rms_norm(x, w[p + "0.layer_norm.weight"], eps)
        q, k, v = (heads_of(affine(w, p + "0.SelfAttention." + part, n), heads) for part in "qkv")
        x = x + affine(w, p + "0.SelfAttention.o", joined(attend(q, k, v, mask, 1.0, bias)))
        if source is not None:
            n = rms_norm(x, w[p + "1.layer_norm.weight"], eps)
            q = heads_of(affine(w, p + "1.EncDecAttention.q", n), heads)
            k, v = (heads_of(affine(w, p + "1.EncDecAttention." + part, source), heads) for part in "kv")
            x = x + affine(w, p + "1.EncDecAttention.o", joined(attend(q, k, v, source_mask, 1.0)))
        p += "2." if source is not None else "1."
        n = rms_norm(x, w[p + "layer_norm.weight"], eps)
        p += "DenseReluDense."
        if p + "wi_0.weight" in w:
            inner = F.gelu(affine(w, p + "wi_0", n), approximate="tanh") * affine(w, p + "wi_1", n)
        else:
            inner = F.relu(affine(w, p + "wi", n))
        x = x + affine(w, p + "wo", inner)
    return rms_norm(x, w[side + ".final_layer_norm.weight"], eps)


def marian_stack(w, c, side, layers, x, positions, mask, source=None, source_mask=None):
    dim, heads = c["d_model"], c[side + "_attention_heads"]
    frequency = 10000.0 ** (-2.0 * torch.arange(dim // 2, dtype=x.dtype) / dim)
    angles = positions[..., None] * frequency
    x = x * math.sqrt(dim) + torch.cat([angles.sin(), angles.cos()], -1)
    for layer in range(layers):
        p = f"model.{side}.layers.{layer}."
        q, k, v = (heads_of(affine(w, p + f"self_attn.{part}_proj", x), heads) for part in "qkv")
        mixed = affine(w, p + "self_attn.out_proj", joined(attend(q, k, v, mask, q.shape[-1] ** -0.5)))
        x = layer_norm(w, p + "self_attn_layer_norm", x + mixed, 1e-5)
        if source is not None:
            q = heads_of(affine(w, p + "encoder_attn.q_proj", x), heads)
            k, v = (heads_of(affine(w, p + f"encoder_attn.{part}_proj", source), heads) for part in "kv")
            mixed = joined(attend(q, k, v, source_mask, q.shape[-1] ** -0.5))
            x = layer_norm(w, p + "encoder_attn_layer_norm", x + affine(w, p + "encoder_attn.out_proj", mixed), 1e-5)
        inner = affine(w, p + "fc2", F.silu(affine(w, p + "fc1", x)))
        x = layer_norm(w, p + "final_layer_norm", x + inner, 1e-5)
    return x


def pair_loss(w, c, batch, task):
    source_ids, ids = tensor(batch, "source_ids"), tensor(batch, "ids")
    mask = mask_of(tensor(batch, "source_first_keys"), tensor(batch, "source_key_ends"), source_ids.shape[1])
    first = tensor(batch, "first_keys")
    causal = mask_of(first, torch.full_like(first, ids.shape[1]), ids.shape[1], causal=True)
    cross = mask_of(tensor(batch, "source_firsts"), tensor(batch, "source_ends"), source_ids.shape[1])
    if task.endswith("t5"):
        table = w["shared.weight"]
        source = t5_stack(w, c, "encoder", c["num_layers"], table[source_ids], mask)
        hidden = t5_stack(w, c, "decoder", c["num_decoder_layers"], table[ids], causal, source, cross)
        logits = hidden @ w["lm_head.weight"].T if "lm_head.weight" in w else hidden @ table.T * c["d_model"] ** -0.5
    else:
        table = w["model.shared.weight"]
        positions = tensor(batch, "source_positions")
        source = marian_stack(w, c, "encoder", c["encoder_layers"], table[source_ids], positions, mask)
        positions = tensor(batch, "positions")
        hidden = marian_stack(w, c, "decoder", c["decoder_layers"], table[ids], positions, causal, source, cross)
        logits = hidden @ table.T + w["final_logits_bias"].reshape(-1)
    return F.cross_entropy(logits.flatten(0, 1), tensor(batch, "targets").flatten(), ignore_index=IGNORED)


def masked_loss(w, c, batch):
    x = bert(w, c, batch)[tensor(batch, "rows")]
    x = F.gelu(affine(w, "cls.predictions.transform.dense", x))
    x = layer_norm(w, "cls.predictions.transform.LayerNorm", x, c["layer_norm_eps"])
    logits = x @ w["bert.embeddings.word_embeddings.weight"].T + w["cls.predictions.bias"]
    return F.cross_entropy(logits, tensor(batch, "targets"))


def contrastive_loss(w, c, batch, steps):
    x = bert(w, c, batch)
    vectors = F.normalize(torch.stack([x[begin:end].mean(0) for begin, end in batch["spans"]]), dim=-1)
    sources, targets = vectors.chunk(2)
    numbers = tensor(batch, "targets").chunk(2)
    scores = sources @ targets.T / steps["temperature"]
    own = torch.arange(len(sources))
    losses = []
    for direction, same in ((scores, numbers[1]), (scores.T, numbers[0])):
        copies = (same[:, None] == same[None, :]) & (own[:, None] != own[None, :])
        losses.append(F.cross_entropy(direction.masked_fill(copies, float("-inf")), own))
    return sum(losses) / 2


def classify_loss(w, c, batch, task):
    if task == "classify_qwen3":
        ends = torch.tensor([end - 1 for _, end in batch["spans"]])
        logits = affine(w, "score", qwen3(w, c, batch)[ends])
        return F.cross_entropy(logits, tensor(batch, "targets"))
    x = bert(w, c, batch)
    if task == "labels_bert":
        mean = torch.stack([x[begin:end].mean(0) for begin, end in batch["spans"]])
        logits = affine(w, "classifier", mean)
        return F.binary_cross_entropy_with_logits(logits, tensor(batch, "values", x.dtype))
    first = x[torch.tensor([begin for begin, _ in batch["spans"]])]
    logits = affine(w, "classifier", affine(w, "bert.pooler.dense", first).tanh())
    return F.cross_entropy(logits, tensor(batch, "targets"))


def answers(w, c, batch):
    logits = qwen3(w, c, batch) @ w["model.embed_tokens.weight" if "lm_head.weight" not in w else "lm_head.weight"].T
    losses = F.cross_entropy(logits, tensor(batch, "targets").flatten(), ignore_index=IGNORED, reduction="none")
    return torch.stack([-losses[begin:end].sum() for begin, end in batch["spans"]])


def preference_loss(w, reference, c, batch, steps):
    ours = answers(w, c, batch)
    with torch.no_grad():
        theirs = answers(reference, c, batch)
    ratio = ours - theirs
    margin = steps["beta"] * (ratio[0::2] - ratio[1::2])
    wrong = steps["label_smoothing"]
    return (-(1 - wrong) * F.logsigmoid(margin) - wrong * F.logsigmoid(-margin)).mean()


def compare(folder, task, dtype):
    steps = json.loads((folder / "steps.json").read_text())
    config = json.loads((folder / "start" / "config.json").read_text())
    start = read_safetensors(folder / "start" / "model.safetensors")
    # Marian's bias of the logits is a constant.
    w = {name: value.to(dtype).clone().requires_grad_(name != "final_logits_bias") for name, value in start.items()}
    reference = {name: value.to(dtype).clone() for name, value in start.items()}
    trained = {name: value for name, value in w.items() if value.requires_grad}
    groups = [
        {"params": [v for v in trained.values() if v.dim() > 1], "weight_decay": steps["weight_decay"]},
        {"params": [v for v in trained.values() if v.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=steps["lr"], betas=steps["betas"], eps=steps["eps"])
    found = []
    for batch, ours in zip(steps["batches"], steps["losses"]):
        optimizer.zero_grad()
        if task == "masked":
            loss = masked_loss(w, config, batch)
        elif task == "preference":
            loss = preference_loss(w, reference, config, batch, steps)
        elif task.startswith("contrastive"):
            loss = contrastive_loss(w, config, batch, steps)
        elif task.startswith("pairs") or task.startswith("denoising"):
            loss = pair_loss(w, config, batch, task)
        else:
            loss = classify_loss(w, config, batch, task)
        found.append(abs(ours - float(loss)) / abs(float(loss)))
        loss.backward()
        optimizer.step()
    return found, steps["losses"]


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    program, source, task = sys.argv[1:]
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, task, source, str(folder)], check=True)
        double, losses = compare(folder, task, torch.float64)
        single, _ = compare(folder, task, torch.float32)
    print(f"{'float64':>9} {'float32':>9}  relative difference of losses from PyTorch {torch.__version__}, {task}")
    for step, (d, s, loss) in enumerate(zip(double, single, losses)):
        print(f"{d:9.2e} {s:9.2e}  step {step}, loss {loss:.6f}")
    failed = not all(value <= BOUND for value in double + single)  # a NaN is beyond as well
    print(f"{task}: worst {max(double):.2e} and {max(single):.2e}{', BEYOND ' + format(BOUND, 'g') if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
