"""One optimizer step, and the loss of one batch: shared by trainer, evaluation, timing and benchmarks."""

from typing import Any


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
