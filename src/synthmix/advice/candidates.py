"""Runs that could be made next, and what they would cost: the ladder's sizes, budgets and shares, and beyond them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synthmix.advice.knowledge import Knowledge
from synthmix.advice.supply import NEARLY_FREE
from synthmix.quantities import format_share
from synthmix.results import RunRow

BEYOND = 2  # steps of the ladder beyond its largest size and budget


@dataclass(frozen=True)
class Candidate:
    """One run. ``kind`` None: real text alone. ``seconds``: of one worker of the study's machine."""

    kind: str | None
    share: float
    params: int
    tokens: int
    flops: float
    seconds: float | None


def candidates(known: Knowledge, most_flops: float) -> list[Candidate]:
    """Every size, budget and share that costs at most ``most_flops``; shares of each kind as trained and half way
    between, sizes and budgets in the ladder's own last step. What would go more than four times through the study's
    text is left out: it would measure repetition (CHOSEN)."""
    rows = [row for laws in known.kinds.values() for row in laws.rows]
    sizes, budgets = _reach({row.params for row in rows}), _reach({row.tokens for row in rows})
    found = []
    for params in sizes:
        per_token, rate = _cost(rows, params)
        for tokens in budgets:
            flops = per_token * tokens
            if flops > most_flops:
                continue
            seconds = None if rate is None else flops / rate
            found.append(Candidate(None, 0.0, params, tokens, flops, seconds))
            found += [
                Candidate(kind, share, params, tokens, flops, seconds)
                for kind, laws in known.kinds.items()
                for share in _between(laws.shares)
            ]
    return [each for each in found if repeats(known, each) <= NEARLY_FREE]


def recipe_name(candidate: Candidate) -> str:
    """``33.3% hq``, or real text alone."""
    return "real text alone" if candidate.kind is None else f"{format_share(candidate.share)} {candidate.kind}"


def repeats(known: Knowledge, candidate: Candidate) -> float:
    """How often the scarcest of its texts is gone through, with the corpora that the study has."""
    there = {corpus.name: corpus.train_tokens for corpus in known.results.corpora}
    natural = next(iter(known.natural.shares))
    parts = {natural: 1 - candidate.share} | ({candidate.kind: candidate.share} if candidate.kind else {})
    return max((part * candidate.tokens / there[name] for name, part in parts.items() if there.get(name)), default=0.0)


def _reach(values: set[int]) -> list[int]:
    """The values, and steps beyond the largest, of the ladder's last ratio (at most 4), to two digits."""
    known = sorted(values)
    ratio = min(4.0, known[-1] / known[-2]) if len(known) > 1 else 3.0
    return [*known, *(int(float(f"{known[-1] * ratio**step:.2g}")) for step in range(1, BEYOND + 1))]


def _between(shares: tuple[float, ...]) -> list[float]:
    middles = [(low + high) / 2 for low, high in pairwise(shares)]
    return sorted({*shares[1:], *(round(middle, 3) for middle in middles)} - {0.0})


def _cost(rows: list[RunRow], params: int) -> tuple[float, float | None]:
    """FLOPs per token and FLOPs per second of one worker at a size: those of the runs, the nearest size's for others
    (FLOPs per token then scaled by the total parameters' growth, at least six a parameter)."""
    nearest = min({row.params for row in rows}, key=lambda size: abs(np.log(size / params)))
    mine = [row for row in rows if row.params == nearest]
    per_token = float(np.median([row.flops / row.tokens for row in mine])) + 6.0 * (params - nearest)
    rates = [row.flops / row.tokens * row.tokens_per_second for row in mine if row.tokens_per_second > 0]
    return per_token, float(np.median(rates)) if rates else None
