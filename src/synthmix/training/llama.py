"""The Llama 3 architecture in plain torch: what training runs, faster on CPUs than transformers' own (docs/log.md).

RMSNorm (arXiv 1910.07467), rotary positions (2104.09864), SwiGLU (2002.05202), grouped-query attention (2305.13245),
tied embeddings. Parameters have transformers' names and shapes, so weights, checkpoints and saved states are the same
for both; equal weights give equal logits. Imported late: it needs torch at its top.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from synthmix.training import compiled
from synthmix.training.operations import block, head_loss, rms_norm, rotation


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
