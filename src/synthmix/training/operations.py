"""What a Llama's layers compute, as functions of their weights: eager, or compiled (see :mod:`.compiled`).

Imported late: it needs torch at its top.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

CHUNK = 2**19  # logits at a time: 2 MB of float32, about what a core's cache holds


def block(
    x: Tensor, weights: tuple[Tensor, ...], cos: Tensor, sin: Tensor, head: int, eps: float, dtype: torch.dtype
) -> Tensor:
    """One layer. The residual ``x`` is float32; products are in ``dtype``, those of one input in one."""
    before, wq, wk, wv, wo, between, gate, up, down = weights
    rows, length, width = x.shape
    heads, shared = width // head, wk.shape[0] // head
    qkv = nn.functional.linear(rms_norm(x, before, eps, dtype), torch.cat([wq, wk, wv]).to(dtype))
    qkv = qkv.view(rows, length, heads + 2 * shared, head)
    qk = rotate(qkv[:, :, : heads + shared], cos, sin).to(dtype)
    mixed = attend(qk[:, :, :heads], qk[:, :, heads:], qkv[:, :, heads + shared :])
    x = x + nn.functional.linear(mixed, wo.to(dtype))
    gated = nn.functional.linear(rms_norm(x, between, eps, dtype), torch.cat([gate, up]).to(dtype))
    g, u = gated.chunk(2, dim=-1)
    return x + nn.functional.linear(nn.functional.silu(g) * u, down.to(dtype))


def rms_norm(x: Tensor, gain: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """In float32, rounded once at the end."""
    x = x.float()
    return (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * gain).to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on ``(rows, length, heads, head)``: the two halves of a head are the pairs' coordinates."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


@lru_cache(maxsize=8)
def rotation(length: int, head: int, theta: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines, shape ``(length, 1, head / 2)``: computed once, not once a step."""
    frequency = 1.0 / theta ** (torch.arange(0, head, 2, dtype=torch.float32, device=device) / head)
    angle = torch.outer(torch.arange(length, dtype=torch.float32, device=device), frequency)[:, None]
    return angle.cos(), angle.sin()


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention; ``(rows, length, heads, head)`` in, ``(rows, length, width)`` out. On a CPU explicit: its fused
    kernel is slow in bf16. The query heads of one key head are stacked, so that keys are never copied."""
    rows, length, heads, head = q.shape
    shared = k.shape[2]
    if q.device.type == "cuda":
        mixed = nn.functional.scaled_dot_product_attention(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True, enable_gqa=True
        )
        return mixed.transpose(1, 2).reshape(rows, length, heads * head)
    stacked = q.transpose(1, 2).reshape(rows * shared, heads // shared * length, head)
    keys, values = (each.transpose(1, 2).reshape(rows * shared, length, head) for each in (k, v))
    future = torch.full((length, length), float("-inf"), dtype=q.dtype, device=q.device).triu(1)
    future = future.repeat(heads // shared, 1).expand(rows * shared, heads // shared * length, length)
    scores = torch.baddbmm(future, stacked, keys.transpose(1, 2), alpha=head**-0.5)
    shares = torch.softmax(scores, dim=-1)
    mixed = torch.bmm(shares, values)
    return mixed.view(rows, heads, length, head).transpose(1, 2).reshape(rows, length, heads * head)


def head_loss(x: Tensor, gain: Tensor, table: Tensor, targets: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """Mean cross-entropy in nats of the next tokens: final norm, output layer, log-softmax in float32."""
    logits = nn.functional.linear(rms_norm(x, gain, eps, dtype).flatten(0, 1), table.to(dtype))
    if logits.device.type == "cpu" and torch.is_grad_enabled() and not torch.compiler.is_compiling():
        return CrossEntropy.apply(logits, targets.flatten())
    return nn.functional.cross_entropy(logits.float(), targets.flatten())


class CrossEntropy(torch.autograd.Function):
    """Mean cross-entropy whose gradient is found on the way forward, a cache's worth of rows at a time, and takes the
    place of the logits. For eager steps on a CPU, where torch's passes over all logits in float32 took a quarter of
    the time (docs/log.md); compiled code has no need of it."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        rows, total = max(1, CHUNK // logits.shape[1]), logits.new_zeros((), dtype=torch.float32)
        for piece, goal in zip(logits.split(rows), targets[:, None].split(rows), strict=True):
            logs = nn.functional.log_softmax(piece, dim=-1, dtype=torch.float32)
            total -= logs.gather(1, goal).sum()
            shares = logs.exp_()
            shares.scatter_add_(1, goal, shares.new_full((), -1.0).expand_as(goal))
            piece.copy_(shares.mul_(1 / len(targets)))
        ctx.save_for_backward(logits)
        return total / len(targets)

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient if float(scale) == 1 else gradient * scale.to(gradient.dtype), None
