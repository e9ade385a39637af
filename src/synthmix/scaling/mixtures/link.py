"""From what a law gives to what is measured and regressed, its response.

A law gives a number above 0 that falls with every token. A loss is that number, and its response the logarithm. A
task's score is bounded: it begins at what guessing scores (``chance``) and ends below 1, so the law's number V is the
odds of a mistake among the questions that guessing does not answer (CHOSEN: the logistic link),

    1 - score = (1 - chance) V / (1 + V),

and the response is that error itself, since a score's noise is about the same whatever the score. The law's floor E is
the odds that no amount of text takes away.

Shape letters: b laws at once, n points.
"""

import numpy as np

from synthmix.scaling.runs import Array

_LEAST = 1e-6  # of a law's number
_ENDS = 0.02  # of a normalised error: nearer to 0 and 1 its odds are mere noise


def response(value: Array, chance: Array) -> Array:
    """(b, n) of law's numbers (b, n); ``chance`` (b,): NaN where a loss is measured."""
    safe = np.maximum(value, _LEAST)
    scored = np.isfinite(chance)
    if not scored.any():
        found: Array = np.log(safe)
        return found
    rest = (1 - np.where(scored, chance, 0.0))[:, None]
    return np.where(scored[:, None], rest * safe / (1 + safe), np.log(safe))


def slope(value: Array, chance: Array) -> Array:
    """(b, n) derivative of the response by the law's number."""
    safe = np.maximum(value, _LEAST)
    scored = np.isfinite(chance)
    rest = (1 - np.where(scored, chance, 0.0))[:, None]
    found = np.where(scored[:, None], rest / (1 + safe) ** 2, 1 / safe)
    return np.where(value > _LEAST, found, 0.0)


def measured(response: Array, chance: Array) -> Array:
    """Losses, and errors between 0 and 1, of responses (b, n)."""
    scored = np.isfinite(chance)[:, None]
    return np.where(scored, np.clip(response, 0.0, 1.0), np.exp(np.where(scored, 0.0, response)))


def per_response(response: Array, chance: Array) -> Array:
    """(b, n) derivative of what is measured by the response: what a response's deviation is multiplied by."""
    scored = np.isfinite(chance)[:, None]
    return np.where(scored, 1.0, np.exp(np.where(scored, 0.0, response)))


def of_measured(losses: Array, chance: float) -> Array:
    """The responses of losses or errors (n,)."""
    found: Array = losses if np.isfinite(chance) else np.log(losses)
    return found


def as_numbers(losses: Array, chance: float) -> Array:
    """The law's numbers of losses or errors (n,), as far as they tell: for priors and first guesses."""
    if not np.isfinite(chance):
        return losses
    part = np.clip(losses / (1 - chance), _ENDS, 1 - _ENDS)
    found: Array = part / (1 - part)
    return found
