#!/usr/bin/python3
"""A training step of the same two shapes in PyTorch, for bench/train_step to be compared with. Prints JSON.

usage: pytorch_step.py --shape 10m|gpt2-124m [--threads N] [--batch B] [--length T]
"""
import argparse
import json
import resource
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def attend(q, k, v, mask):
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    return (scores + mask).softmax(-1) @ v


class RmsNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


class Block(nn.Module):
    def __init__(self, dim, heads, ffn, llama):
        super().__init__()
        self.heads, self.llama = heads, llama
        norm = RmsNorm if llama else nn.LayerNorm
        self.norm1, self.norm2 = norm(dim), norm(dim)
        self.qkv = nn.Linear(dim, 3 * dim, bias=not llama)
        self.out = nn.Linear(dim, dim, bias=not llama)
        self.up = nn.Linear(dim, 2 * ffn if llama else ffn, bias=not llama)
        self.down = nn.Linear(ffn, dim, bias=not llama)

    def forward(self, x, mask, rotation):
        batch, length, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        if self.llama:
            cos, sin = rotation
            half = q.shape[-1] // 2
            turn = lambda t: t * cos + torch.cat((-t[..., half:], t[..., :half]), -1) * sin
            q, k = turn(q), turn(k)
        x = x + self.out(attend(q, k, v, mask).transpose(1, 2).reshape(batch, length, dim))
        inner = self.up(self.norm2(x))
        if self.llama:
            gate, up = inner.chunk(2, -1)
            return x + self.down(F.silu(gate) * up)
        return x + self.down(F.gelu(inner, approximate="tanh"))


class Decoder(nn.Module):
    def __init__(self, vocabulary, dim, layers, heads, ffn, llama, length):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.positions = None if llama else nn.Embedding(1024, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, ffn, llama) for _ in range(layers))
        self.norm = (RmsNorm if llama else nn.LayerNorm)(dim)
        self.register_buffer("mask", torch.full((length, length), float("-inf")).triu(1))
        head = dim // heads
        angles = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(0, head, 2) / head)[None, :]
        self.register_buffer("cos", torch.cat((angles.cos(), angles.cos()), -1))
        self.register_buffer("sin", torch.cat((angles.sin(), angles.sin()), -1))

    def forward(self, ids, targets):
        x = self.embedding(ids)
        if self.positions is not None:
            x = x + self.positions.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, self.mask, (self.cos, self.sin))
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.view(-1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", default="10m", choices=("10m", "gpt2-124m"))
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--length", type=int, default=256)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    if options.shape == "10m":
        vocabulary, batch = 8192, options.batch or 8
        model = Decoder(vocabulary, 320, 8, 5, 896, True, options.length)
    else:
        vocabulary, batch = 50257, options.batch or 4
        model = Decoder(vocabulary, 768, 12, 12, 3072, False, options.length)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, foreach=True)
    ids = torch.randint(vocabulary, (batch, options.length))
    targets = torch.randint(vocabulary, (batch, options.length))
    seconds = []
    for step in range(7):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = model(ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step >= 2:
            seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "shape": options.shape,
                "threads": torch.get_num_threads(),
                "batch": batch,
                "length": options.length,
                "tokens_per_s": round(batch * options.length / statistics.median(seconds), 1),
                "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "loss": round(float(loss), 6),
            }
        )
    )


if __name__ == "__main__":
    main()
