"""A model by its name, as the terms ``loss`` and ``complexity`` see it."""

from collections.abc import Callable
from typing import Any

from synthmix.valuation.gradients import gradients_for
from synthmix.valuation.learners import GivenClassifier, GivenLanguageModel, learner_for
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.complexity import Gradients


def gradients_of(model: str, reference: Pool, *, width: int = 512, seed: int = 0) -> Callable[[Batch], Gradients]:
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
    return gradients_for(learner, learner.initial(seed), width=width, seed=seed)
