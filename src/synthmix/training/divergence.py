"""Whether a run diverged, by what it shows itself; against other seeds see :mod:`synthmix.runs.divergence`."""

import math
from collections.abc import Sequence
from typing import Literal

Divergence = Literal["not_finite", "above_uniform", "above_start"]

#: Code of why a run counts as diverged -> what it says.
DIVERGED = {
    "not_finite": "its loss is not finite",
    "above_uniform": "its loss is not below ln(vocabulary), that of guessing every token alike",
    "above_start": "its training loss ended above where it began",
    "above_seeds": "its loss is far above the other seeds of its cell",
    "given": "the table says so",
}
#: Nats below ln(vocabulary) from which on a run has learned something: one that exploded and then collapsed guesses
#: every token alike, and ends there to seven digits; the frequencies of tokens alone are worth a nat (CHOSEN).
LEARNED = 0.01
LAST = 3  # points at the end of the trace that are averaged: one batch is noisy (CHOSEN)


def divergence(loss: float | None, vocab: int | None, trace: Sequence[tuple[int, float]] = ()) -> Divergence | None:
    """Code of why a run diverged; None: it did not.

    Args:
        loss: on held-out text, nats per token; None: there is none, since the training loss was not finite.
        vocab: entries of the vocabulary; None: not known. trace: ``(tokens, training loss)`` along the run.
    """
    if loss is None or not math.isfinite(loss):
        return "not_finite"
    last = [nats for _, nats in trace[1:][-LAST:]]
    if vocab is not None and loss > math.log(vocab) - LEARNED:
        learned = len(last) == LAST and sum(last) / LAST < math.log(vocab) - LEARNED
        if not learned:  # else it fits what it was trained on, and has overfitted it: a result, not an accident
            return "above_uniform"
    if last and sum(last) / len(last) > trace[0][1]:
        return "above_start"
    return None
