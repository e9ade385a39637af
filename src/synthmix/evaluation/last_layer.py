"""What a causal language model holds before its output layer, at chosen positions: for kernels of its gradients."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class LastLayer:
    """Positions of text as a model sees them.

    Attributes:
        hidden: state before the output layer (m, d), float32.
        targets: the true next token (m,).
        logits: the true token's logit less the mean logit of its position (m,).
        losses: cross-entropy, nats (m,).
    """

    hidden: np.ndarray
    targets: np.ndarray
    logits: np.ndarray
    losses: np.ndarray

    def select(self, which: np.ndarray) -> "LastLayer":
        """Some of the positions."""
        return LastLayer(*(getattr(self, name)[which] for name in ("hidden", "targets", "logits", "losses")))


def last_layer(model: Any, rows: np.ndarray, positions: int, *, seed: int = 0, batch: int = 32) -> LastLayer:
    """Read ``positions`` random positions of each row of ``rows`` (w, context + 1): w x positions samples.

    Args:
        model: ours or any of transformers' causal language models.
    """
    import torch

    from synthmix.training.llama import Llama
    from synthmix.training.model import as_transformers

    reader = as_transformers(model) if isinstance(model, Llama) else model
    reader.eval()
    rng, found = np.random.default_rng(seed), []
    context = rows.shape[1] - 1
    with torch.no_grad():
        for start in range(0, len(rows), batch):
            part = torch.from_numpy(rows[start : start + batch].astype(np.int64)).to(reader.device)
            made = reader(input_ids=part[:, :-1], use_cache=False, output_hidden_states=True)
            at = np.stack([rng.permutation(context)[:positions] for _ in range(len(part))])
            line, column = np.arange(len(part))[:, None], at
            hidden = made.hidden_states[-1][line, column].float()
            logits = made.logits[line, column].float()
            target = part[:, 1:][line, column]
            true = logits.gather(-1, target[..., None])[..., 0]
            loss = torch.logsumexp(logits, dim=-1) - true
            parts = (hidden.flatten(0, 1), target.flatten(), (true - logits.mean(dim=-1)).flatten(), loss.flatten())
            found.append([each.cpu().numpy() for each in parts])
    return LastLayer(*(np.concatenate(column) for column in zip(*found, strict=True)))
