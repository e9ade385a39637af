"""Models by which data is valued: fitted to the reference, then trained on, or only read by, each candidate."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.learners.classifier import ClassifierLearner, PretrainedClassifier
from synthmix.valuation.learners.language import LanguageLearner, PretrainedLanguageModel
from synthmix.valuation.learners.learner import Checkpoint, Learner, ModelOutput, Reader, Scalar
from synthmix.valuation.pool import Pool

__all__ = [
    "Checkpoint",
    "ClassifierLearner",
    "LanguageLearner",
    "Learner",
    "ModelOutput",
    "PretrainedClassifier",
    "PretrainedLanguageModel",
    "Reader",
    "Scalar",
    "learner_for",
]


def learner_for(reference: Pool) -> ClassifierLearner | LanguageLearner:
    """The default for what the reference holds, fitted: a classifier where it has labels, else a language model.

    Raises:
        BadInput: an array without labels.
    """
    first = next(iter(reference.batches()))
    if first.labels is not None:
        return ClassifierLearner().fit(reference)
    if isinstance(first.items, np.ndarray):
        raise BadInput("arrays without labels have no learner", where=reference.name, remedy="give labels")
    return LanguageLearner().fit(reference)
