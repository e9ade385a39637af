"""The Llama 3 architecture in plain torch: what training runs, faster on CPUs than transformers' own (docs/log.md).

RMSNorm (arXiv 1910.07467), rotary positions (2104.09864), SwiGLU (2002.05202), grouped-query attention (2305.13245),
tied embeddings. Parameters have transformers' names and shapes, so weights, checkpoints and saved states are the same
for both; equal weights give equal logits. Imported late: it needs torch at its top.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from synthmix.training import compiled

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


@dataclass
class Output:
    """As transformers returns it: ``logits`` of shape ``(sequences, positions, vocabulary)``."""

    logits: Tensor


class Llama(nn.Module):
    """A Llama of an :class:`.model.Architecture` (or transformers' ``LlamaConfig``). Weights stay float32; products are
    in bf16 where asked for.

    Attributes:
        compiled: whether training steps run compiled code; see :mod:`synthmix.training.compiled`.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config, self.compiled = config, False
        self.model = Trunk(config)
        self.lm_head = Tied(self.model.embed_tokens.weight)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.lm_head.weight.device

    def forward(
        self, input_ids: Tensor, targets: Tensor | None = None, precision: str = "float32", use_cache: bool = False
    ) -> Any:
        """Logits (an :class:`Output`) or, with ``targets`` of the ids' shape, the mean cross-entropy in nats.

        Args:
            input_ids: shape ``(sequences, positions)``. precision: ``bf16`` or ``float32``.
            use_cache: there is none; the name is transformers'.
        """
        if use_cache:
            raise ValueError("no cache of keys: sample with transformers' model (model.as_transformers)")
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        fast = self.compiled and self.training
        table, eps = self.model.embed_tokens.weight, self.config.rms_norm_eps
        x = nn.functional.embedding(input_ids, table)
        head = self.config.hidden_size // self.config.num_attention_heads
        theta = float(self.config.rope_parameters["rope_theta"])
        turn = rotation(input_ids.shape[1], head, theta, x.device)
        for layer in self.model.layers:
            x = layer(x, turn, dtype, fast)
        if targets is None:
            return Output(nn.functional.linear(rms_norm(x, self.model.norm.weight, eps, dtype), table.to(dtype)))
        return compiled.call(fast, head_loss, x, self.model.norm.weight, table, targets, eps, dtype)


class Trunk(nn.Module):
    """Everything but the output layer."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = Gain(config.hidden_size)


class Layer(nn.Module):
    """Attention and feed-forward, each around a residual. It holds weights; :func:`.operations.block` computes."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, hidden = config.hidden_size, config.intermediate_size
        self.head = width // config.num_attention_heads
        self.eps = config.rms_norm_eps
        shared = self.head * config.num_key_value_heads
        self.self_attn = _products(q_proj=(width, width), k_proj=(width, shared), v_proj=(width, shared))
        self.self_attn.o_proj = nn.Linear(width, width, bias=False)
        self.mlp = _products(gate_proj=(width, hidden), up_proj=(width, hidden), down_proj=(hidden, width))
        self.input_layernorm, self.post_attention_layernorm = Gain(width), Gain(width)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], dtype: torch.dtype, fast: bool) -> Tensor:
        """``x``, shape ``(sequences, positions, width)``, after this layer."""
        attention, mlp = self.self_attn, self.mlp
        weights = (
            self.input_layernorm.weight,
            attention.q_proj.weight,
            attention.k_proj.weight,
            attention.v_proj.weight,
            attention.o_proj.weight,
            self.post_attention_layernorm.weight,
            mlp.gate_proj.weight,
            mlp.up_proj.weight,
            mlp.down_proj.weight,
        )
        return compiled.call(fast, block, x, weights, *turn, self.head, self.eps, dtype)


class Gain(nn.Module):
    """The weights of a norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class Tied(nn.Module):
    """The output layer's weights, which are the embeddings."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight


def _products(**shapes: tuple[int, int]) -> nn.Module:
    """A module of bias-free linear maps ``name=(from, to)``."""
    return nn.ModuleDict({name: nn.Linear(*shape, bias=False) for name, shape in shapes.items()})
