"""What the score's complexity and loss ask of a model, from as few passes as can be."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from synthmix.valuation.gradients.last_layer import of_reading
from synthmix.valuation.gradients.projected import projected
from synthmix.valuation.learners import Learner
from synthmix.valuation.pool import Batch
from synthmix.valuation.terms.complexity import Gradients as Asked


def gradients_for(
    learner: Learner,
    model: Any = None,
    *,
    kind: Literal["last", "projected"] = "last",
    width: int = 1024,
    seed: int = 0,
) -> Callable[[Batch], Asked]:
    """For ``Valuer(gradients=...)``: features, residuals 1 - output and losses of a batch.

    Args:
        learner: fitted on the reference. model: any of its models; None: the initial one of ``seed``.
        kind: ``last``: one forward pass for all three; ``projected``: a forward and backward pass besides.
    """
    reader = learner.readable(learner.initial(seed) if model is None else model)

    def read(batch: Batch) -> Asked:
        import torch

        features, outputs, losses = [], [], []
        with torch.no_grad():
            for reading in learner.read(reader, batch, hidden=kind == "last"):
                if kind == "last":
                    features.append(of_reading(reading, "output", width, seed))
                outputs.append(reading.outputs().double().cpu().numpy())
                losses.append(reading.losses().double().cpu().numpy())
        if kind == "projected":
            features = [projected(learner, reader, batch, width=width, seed=seed)]
        return Asked(np.concatenate(features), 1 - np.concatenate(outputs), np.concatenate(losses))

    return read
