"""A model as it stands, as the terms ``loss`` and ``complexity`` see it."""

from typing import Any

import numpy as np

from synthmix.valuation.gradients import Gradients as Features
from synthmix.valuation.gradients import Kind
from synthmix.valuation.learners import GivenClassifier, GivenLanguageModel, Learner, learner_for
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.complexity import Gradients


class ModelGradients:
    """Gradient features of a model's outputs, residuals 1 - p of the true class, and losses, of a batch.

    Args:
        kind: ``last`` (output layer, factorised, no backward pass), ``projected`` or ``exact``.
        width: columns at most.
    """

    def __init__(self, learner: Learner, model: Any, *, kind: Kind = "last", width: int = 512) -> None:
        self.learner, self.model = learner, model
        self.features = Features(learner, model, kind=kind, width=width)

    def __call__(self, batch: Batch) -> Gradients:
        """Features (n, d), residuals (n,), losses (n,)."""
        import torch

        shares, losses = [], []
        with torch.no_grad():
            for reading in self.learner.read(self.model, batch):
                shares.append(reading.true_share().cpu().numpy())
                losses.append(reading.losses().cpu().numpy())
        return Gradients(self.features(batch), 1 - np.concatenate(shares), np.concatenate(losses))


def gradients_of(
    model: str, reference: Pool, *, kind: Kind = "last", width: int = 512, seed: int = 0
) -> ModelGradients:
    """Of ``init`` (the usual small model for what the reference holds, untrained) or of a model that is given.

    Args:
        model: ``init``, a checkpoint's folder, or a Hugging Face path: a causal language model, or a sequence
            classifier where the reference has labels.

    Raises:
        BadInput: no such model, or one of the other kind.
    """
    labelled = next(iter(reference.batches())).labels is not None
    learner: Any
    if model == "init":
        learner = learner_for(reference)
    else:
        learner = (GivenClassifier if labelled else GivenLanguageModel)(model).fit(reference)
    return ModelGradients(learner, learner.initial(seed), kind=kind, width=width)
