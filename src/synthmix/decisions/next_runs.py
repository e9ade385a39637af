"""The next runs beyond those that were planned: those whose losses would tell most about the gain at the question.

The draws of every law of a kind, pooled, are a sample of what may be true of the gain at the question and of the
log-loss of every run that could be made; :mod:`synthmix.scaling.acquisition` says by how much each run would narrow the
gain. Laws that part at the question are parted by the same sum. A kind that is clearly worse than the best option is
left out, for a run of its would narrow what decides nothing. The second and third run are chosen with the first ones
taken as made. Of the runs that narrow it at least three quarters as much as the best one does, the cheapest is named
(CHOSEN), so that cost decides between near equals. A study that chooses all of its runs does so by
:mod:`synthmix.design.acquire`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from synthmix.decisions.choose import Choice, Pick, value_of
from synthmix.decisions.predict import Prediction
from synthmix.quantities import format_share
from synthmix.results import NextRun
from synthmix.results.decisions import NEARLY_FREE
from synthmix.runs import RunsTable
from synthmix.scaling import Fit
from synthmix.scaling.acquisition import Belief
from synthmix.scaling.runs import Array, Index

NEARLY = 0.75
BEYOND = 2  # steps of the ladder beyond its largest size and budget


@dataclass(frozen=True)
class Candidate:
    """One run. ``kind`` None: natural text alone. ``seconds``: of one worker of the study's machine."""

    kind: str | None
    share: float
    params: int
    tokens: int
    flops: float
    seconds: float | None


def candidates(
    table: RunsTable, found: Sequence[Prediction], most_flops: float, built: Mapping[str, float] | None = None
) -> list[Candidate]:
    """Every size, budget and share that costs at most ``most_flops``; shares of each kind as trained and half way
    between, sizes and budgets in the ladder's own last step. What would go more than four times through the text that
    is ``built`` (source -> training tokens) is left out: it would measure repetition (CHOSEN)."""
    sizes, budgets = (_reach({int(value) for value in table.column(name)}) for name in ("N", "D"))
    every = []
    for params in sizes:
        per_token, rate = _cost(table, params)
        for tokens in budgets:
            flops = per_token * tokens
            if flops > most_flops:
                continue
            seconds = None if rate is None else flops / rate
            every.append(Candidate(None, 0.0, params, tokens, flops, seconds))
            every += [
                Candidate(one.kind.name, share, params, tokens, flops, seconds)
                for one in found
                if one.kind is not None and one.recipe is None
                for share in _between(one.trained)
            ]
    return [each for each in every if repeats(table, each, built) <= NEARLY_FREE]


def recipe_name(candidate: Candidate) -> str:
    """``33.3% hq``, or natural text alone."""
    return "natural text alone" if candidate.kind is None else f"{format_share(candidate.share)} {candidate.kind}"


def repeats(table: RunsTable, candidate: Candidate, built: Mapping[str, float] | None) -> float:
    """How often the scarcest of its texts is gone through, with the corpora that are ``built``."""
    there = built or {}
    natural = next(iter(table.shares(table.natural)), "") if table.natural else ""
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


def _cost(table: RunsTable, params: int) -> tuple[float, float | None]:
    """FLOPs per token and FLOPs per second of one worker at a size: those of the runs, the nearest size's for others
    (FLOPs per token then scaled by the total parameters' growth, at least six a parameter). Runs without FLOPs count
    as 6 N D."""
    sizes, tokens = table.column("N"), table.column("D")
    nearest = min(set(sizes.tolist()), key=lambda size: abs(np.log(size / params)))
    mine = sizes == nearest
    flops = table.column("flops")[mine] if table.has("flops") else 6.0 * sizes[mine] * tokens[mine]
    each = flops / tokens[mine]
    per_token = float(np.median(each)) + 6.0 * (params - nearest)
    if not table.has("tokens_per_second"):
        return per_token, None
    speed = table.column("tokens_per_second")[mine]
    rates = (each * speed)[speed > 0]
    return per_token, float(np.median(rates)) if len(rates) else None


def next_runs(
    table: RunsTable,
    found: Sequence[Prediction],
    choice: Choice,
    *,
    most_flops: float,
    built: Mapping[str, float] | None = None,
    count: int = 3,
    nearly: float = NEARLY,
) -> list[NextRun]:
    """The runs to make next, in this order, none costing more than ``most_flops``.

    ``nearly``: what part of the best one's narrowing the cheapest must bring to be named; 1: cost decides nothing.
    """
    able = [one for one in found if one.kind is not None and one.recipe is None]
    every = candidates(table, able, most_flops, built)
    beliefs = [one for k in open_kinds(found, choice) if (one := _belief(found[k], found, k, every)) is not None]
    named: list[NextRun] = []
    if not beliefs or not every:
        return named
    costs = np.array([each.flops for each in every])
    for _ in range(count):
        gains, before = np.zeros(len(every)), sum(belief.open("width") for belief, _ in beliefs)
        for belief, mine in beliefs:
            gains[mine] += belief.open("width") - belief.openings("width")
        near = np.flatnonzero(gains >= nearly * gains.max())
        place = int(near[np.argmin(costs[near])])
        for belief, mine in beliefs:
            for own in np.flatnonzero(mine == place).tolist():
                belief.observe(own)
        after = sum(belief.open("width") for belief, _ in beliefs)
        made = every[place]
        named.append(
            NextRun(
                recipe=recipe_name(made),
                kind=made.kind,
                share=made.share,
                params=made.params,
                tokens=made.tokens,
                flops=made.flops,
                seconds=made.seconds,
                sd_before=float(np.sqrt(before)),
                sd_after=float(np.sqrt(after)),
                repeats=repeats(table, made, built),
            )
        )
    return named


def open_kinds(found: Sequence[Prediction], choice: Choice) -> list[int]:
    """The kinds that may be best: not clearly worse than the best option, or not determined; all where none is."""
    every = [k for k, one in enumerate(found) if one.kind is not None and one.recipe is None and len(one.shares) > 1]
    tops = {k: top_share(found, k) for k in every}
    return [k for k in every if choice.as_good[k][tops[k]] or choice.undetermined[k][tops[k]]] or every


def top_share(found: Sequence[Prediction], kind: int) -> int:
    """The place of a kind's best share; of its best trained one where that is none."""
    one = found[kind]
    top = int(np.argmin(one.laws[0].difference[0]))
    if value_of(found, Pick(kind, top)) < 0:
        return top
    trained = np.flatnonzero(np.isin(one.shares, one.trained) & (one.shares > 0))
    return int(trained[np.argmin(one.laws[0].difference[0, trained])])


def _belief(
    one: Prediction, found: Sequence[Prediction], kind: int, every: list[Candidate]
) -> tuple[Belief, Index] | None:
    """The pooled draws of a kind's laws, of its gain at its best share and of its candidates, with their places. None
    where the laws have no draws."""
    laws = [law.fit for law in one.laws]
    if any(law.why for law in laws):
        return None
    places = np.array([i for i, each in enumerate(every) if each.kind in (None, one.name)])
    top = top_share(found, kind)
    gain = np.concatenate([law.difference[1:, top] for law in one.laws])[:, None]
    noises = [law.noise.total for law in laws if law.noise.total]
    noise = np.full(len(places), float(np.mean(noises)) ** 2 if noises else 0.0)
    runs = log_losses(laws, [every[i] for i in places])
    return Belief.of_draws(gain.mean(axis=0), gain, runs, None, noise), places


class Placed(Protocol):
    """Where a run is: its share, size and budget."""

    @property
    def share(self) -> float: ...
    @property
    def params(self) -> int: ...
    @property
    def tokens(self) -> int: ...


def log_losses(laws: Sequence[Fit], runs: Sequence[Placed]) -> Array:
    """Log-losses of the runs by every law's draws: (laws x draws, n)."""
    at = {
        "N": np.array([float(each.params) for each in runs]),
        "D": np.array([float(each.tokens) for each in runs]),
        "share": np.array([each.share for each in runs]),
    }
    return np.concatenate([np.log(np.maximum(law.draw(**{c: at[c] for c in law.law.columns}), 1e-6)) for law in laws])
