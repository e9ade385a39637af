"""A Llama 3 of a given shape, and the same model as transformers' own; its optimizer, its loss and one step."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from synthmix.training.device import best_device
from synthmix.training.shape import Shape


@dataclass(frozen=True)
class Architecture:
    """What transformers' ``LlamaConfig`` says of a model of ours, under its names. Importing transformers for it would
    cost every worker process two seconds."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rope_parameters: dict[str, Any]
    initializer_range: float
    bos_token_id: int | None
    eos_token_id: int | None
    pad_token_id: int | None
    rms_norm_eps: float = 1e-6
    tie_word_embeddings: bool = True
    hidden_act: str = "silu"
    attention_bias: bool = False
    mlp_bias: bool = False


def make_model(shape: Shape, vocab: int, context: int, seed: int, eos: int | None = None) -> Any:
    """A :class:`synthmix.training.llama.Llama` initialised from ``seed``, to the same weights as transformers' own.

    RMSNorm, RoPE (base 500,000 as in Llama 3), SwiGLU, grouped-query attention, tied embeddings (as in Llama 3.2's 1B
    and 3B). Weights start at standard deviation sqrt(2 / (5 width)) (Nguyen & Salazar, arXiv 1910.05895; FOUND): the
    usual 0.02 is too small for narrow models and costs them their first hundred steps (docs/log.md). The embedding of
    ``eos`` starts at zero.

    The same seed and shape give the same weights whatever the recipe, so that recipes are compared from one start.
    """
    import torch
    from torch import nn

    from synthmix.training.llama import Gain, Llama

    config = Architecture(
        vocab_size=vocab,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.depth,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.width // shape.heads,
        max_position_embeddings=max(2 * context, 512),
        rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
        initializer_range=math.sqrt(2 / (5 * shape.width)),
        bos_token_id=eos,
        eos_token_id=eos,
        pad_token_id=eos,
    )
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        made = Llama(config)  # torch's own initialisation draws first, there as here
        for module in made.model.modules():  # embeddings, then layer by layer
            if isinstance(module, Gain):
                module.weight.fill_(1.0)
            elif isinstance(module, nn.Embedding | nn.Linear):
                module.weight.normal_(0.0, config.initializer_range)
        if eos is not None:
            made.model.embed_tokens.weight[eos].zero_()
    return made


def as_transformers(model: Any) -> Any:
    """A ``LlamaForCausalLM`` with a copy of our module's weights, on its device: to save, or to sample from."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():  # its initialisation draws numbers
        made = LlamaForCausalLM(LlamaConfig(**asdict(model.config), attn_implementation=attention()))
    made.load_state_dict(model.state_dict())
    return made.to(model.device).train(model.training)


def attention() -> str:
    """Explicit attention on CPU, where the fused kernel is slow in bf16 (docs/log.md); the fused one on a GPU."""

    return "sdpa" if best_device() == "cuda" else "eager"


def optimizer_for(model: Any, rate: float, decay: float, betas: tuple[float, float]) -> Any:
    """Fused AdamW with weight decay on matrices only (norm gains are left alone)."""
    import torch

    matrices = [p for p in model.parameters() if p.dim() >= 2]
    gains = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=betas, eps=1e-8, fused=True)


def train_step(model: Any, optimizer: Any, batch: Any, precision: str, clip: float) -> float:
    """One optimizer step on ``batch``; its loss before the step, in nats per token."""
    import torch

    loss = step_loss(model, batch, precision)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return float(loss.detach())


def step_loss(model: Any, batch: Any, precision: str) -> Any:
    """Mean cross-entropy in nats per token of ``batch`` (``(sequences, context + 1)`` token ids), as a tensor.

    ``model`` is ours, wrapped by DDP or not, or any of transformers'.
    """
    import torch

    from synthmix.training.llama import Llama

    if isinstance(getattr(model, "module", model), Llama):
        return model(batch[:, :-1], targets=batch[:, 1:], precision=precision)
    with torch.autocast(batch.device.type, torch.bfloat16, enabled=precision == "bf16"):
        logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
