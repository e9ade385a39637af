"""A Llama 3 of a given shape; to and from transformers' own."""

import math
from typing import Any

from synthmix.training.shape import Shape


def make_model(shape: Shape, vocab: int, context: int, seed: int, eos: int | None = None) -> Any:
    """A :class:`synthmix.training.llama.Llama` initialised from ``seed``, as transformers does it.

    RMSNorm, RoPE (base 500,000 as in Llama 3), SwiGLU, grouped-query attention, tied embeddings (as in Llama 3.2's 1B
    and 3B). Weights start at standard deviation sqrt(2 / (5 width)) (Nguyen & Salazar, arXiv 1910.05895; FOUND): the
    usual 0.02 is too small for narrow models and costs them their first hundred steps (docs/log.md).

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
        return from_transformers(LlamaForCausalLM(config))


def from_transformers(model: Any) -> Any:
    """Our module with the weights (shared, not copied) of a ``LlamaForCausalLM`` with tied embeddings.

    Raises:
        ValueError: a model that ours cannot be: another architecture, biases, scaled rotations, an output layer.
    """
    import torch

    from synthmix.training.llama import Llama

    config = model.config
    strange = {
        "model_type": config.model_type != "llama",
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
        "hidden_act": config.hidden_act != "silu",
        "tie_word_embeddings": not config.tie_word_embeddings,
        "rope_type": config.rope_parameters.get("rope_type", "default") != "default",
        "head_dim": config.head_dim * config.num_attention_heads != config.hidden_size,
    }
    if any(strange.values()):
        raise ValueError(f"not a model of ours: {', '.join(key for key, is_so in strange.items() if is_so)}")
    with torch.device("meta"):
        made = Llama(config)
    made.load_state_dict(model.state_dict(), assign=True)
    made.lm_head.weight = made.model.embed_tokens.weight  # assigning untied them
    return made.train(model.training)


def as_transformers(model: Any) -> Any:
    """A ``LlamaForCausalLM`` with a copy of our module's weights, on its device: to save, or to sample from."""
    import torch
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng():  # its initialisation draws numbers
        made = LlamaForCausalLM(model.config)
    made.load_state_dict(model.state_dict())
    return made.to(model.device).train(model.training)


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
