"""A Llama 3 of a given shape, by way of transformers."""

import math
from typing import Any

from synthmix.training.shape import Shape


def make_model(shape: Shape, vocab: int, context: int, seed: int, eos: int | None = None) -> Any:
    """A ``LlamaForCausalLM`` initialised from ``seed``: RMSNorm, RoPE (base 500,000 as in Llama 3), SwiGLU,
    grouped-query attention, tied embeddings (as in Llama 3.2's 1B and 3B). Weights start at standard deviation
    sqrt(2 / (5 width)) (Nguyen & Salazar, arXiv 1910.05895; FOUND): the usual 0.02 is too small for narrow models
    and costs them their first hundred steps (docs/log.md).

    The same seed and shape give the same weights whatever the recipe, so that recipes are compared from one start.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocab,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.depth,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=max(2 * context, 512),
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        initializer_range=math.sqrt(2 / (5 * shape.width)),
        tie_word_embeddings=True,
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=eos,
        attn_implementation=attention(),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def attention() -> str:
    """Explicit attention on CPU, where the fused kernel is slow in bf16 (docs/log.md); the fused one on a GPU."""
    from synthmix.training.device import best_device

    return "sdpa" if best_device() == "cuda" else "eager"


def optimizer_for(model: Any, rate: float, decay: float, betas: tuple[float, float]) -> Any:
    """Fused AdamW with weight decay on matrices only (norm gains are left alone)."""
    import torch

    matrices = [p for p in model.parameters() if p.dim() >= 2]
    gains = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=1e-8, fused=True)
