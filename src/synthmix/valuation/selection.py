"""The best part of a pool under a token budget, by what each document adds to the score.

CHOSEN: an influence holds to first order around what is already there, so documents are taken in a few rounds. The
first one values them on top of an even sample of the pool of the budget's size; each later one on top of what was
taken, the rest of the budget still filled evenly. A document that repeats what was taken gains less in the next round.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.scored import Score
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.valuer import Valuer

ROUNDS = 4
CAVEAT = (
    "dataset_method: the discrepancy and the balance are made for datasets; of a single document they say only what it "
    "does to the whole. A document's own quality is seen by the transfer term alone."
)


@dataclass(frozen=True)
class Selection:
    """What was taken.

    Attributes:
        chosen: (n,) True where the pool's document is taken, in the pool's order.
        gains: (n,) influence a token of each document, in the round in which it was judged last.
        tokens: (n,) of each document.
        score: of what was taken, by the reference that chose it, so it says too much (:mod:`.selection_check`);
            ``even``: of an even sample of as many tokens; ``whole``: of the pool.
    """

    chosen: np.ndarray
    gains: np.ndarray
    tokens: np.ndarray
    score: Score
    even: Score
    whole: Score

    @property
    def taken(self) -> int:
        """Tokens taken."""
        return int(self.tokens[self.chosen].sum())


def select(
    valuer: Valuer,
    pool: Pool,
    tokens: int,
    *,
    rounds: int = ROUNDS,
    lengths: Callable[[Batch], np.ndarray] | None = None,
    said: Callable[[int, str], None] = lambda number, line: None,
) -> Selection:
    """Take documents of ``pool`` worth ``tokens`` tokens.

    Args:
        valuer: fitted on the reference.
        lengths: tokens of each item of a batch; None: those of the valuer's tokenizer, or 1 an item without one.
        said: told the number of each round and what it took.

    Each round reads the pool once; memory is a few numbers a document.

    Raises:
        BadInput: a budget of nothing, or one that the pool does not exceed.
    """
    measure = lengths or valuer.lengths
    whole = valuer.summarise(pool)
    sizes = np.concatenate([measure(batch) for batch in pool.batches()]).astype(np.int64)
    total = int(sizes.sum())
    if tokens < 1:
        raise BadInput("a budget of nothing", key="--tokens")
    if tokens >= total:
        raise BadInput(f"holds {total} tokens, not more than the budget", where=pool.name, remedy="take all of it")
    chosen, gains = np.zeros(len(sizes), bool), np.zeros(len(sizes))
    for number in range(1, rounds + 1):
        taken = int(sizes[chosen].sum())
        there = whole.weighted((tokens - taken) / total)
        if chosen.any():
            there = there + summarise(part(pool, chosen), valuer.terms)
        gains[~chosen] = worth(valuer, pool, there)[~chosen]
        per_token = np.where(chosen, -np.inf, gains / np.maximum(sizes, 1))
        order = np.argsort(-per_token, kind="stable")[: int((~chosen).sum())]
        goal = tokens * number // rounds - taken
        fits = np.cumsum(sizes[order]) <= goal
        chosen[order[fits]] = True
        said(number, f"{int(chosen.sum())} documents, {int(sizes[chosen].sum())} tokens")
    if not chosen.any():
        raise BadInput("the budget is smaller than the best document", where=pool.name, key="--tokens")
    score = valuer.score_summary(summarise(part(pool, chosen), valuer.terms))
    even = valuer.score_summary(whole.drawn(float(sizes[chosen].sum()) / total))
    return Selection(chosen, gains / np.maximum(sizes, 1), sizes, score, even, valuer.score_summary(whole))


def part(pool: Pool, chosen: np.ndarray) -> Pool:
    """The chosen items, in their order."""

    def read() -> Iterator[Batch]:
        place = 0
        for batch in pool.batches():
            which = np.flatnonzero(chosen[place : place + len(batch)])
            place += len(batch)
            yield batch.rows(which)

    return Pool(f"part of {pool.name}", read, share=pool.share)


def worth(valuer: Valuer, pool: Pool, beside: Summary | None = None) -> np.ndarray:
    """(n,) influence of each item on top of ``beside`` (None: of the pool itself)."""
    there = beside if beside is not None else valuer.summarise(pool)
    gains = valuer.influence_on(there)
    return np.concatenate([gains(batch) for batch in pool.batches()])
