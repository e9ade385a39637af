"""The next runs: those whose losses would tell most about the gain at the question.

The draws of every law of a kind, pooled, are a sample of what may be true: of the gain g at the question and of the
log-loss y of every run that could be made. A run observed with noise s leaves, by linear regression of g on y over the
draws, the variance Var g - Cov(g, y)^2 / (Var y + s^2) (the update of a Gaussian; DERIVED). Laws that part at the
question are parted by the same sum, since their draws are pooled. This is a c-optimal design (Elfving 1952; FOUND)
taken one run at a time, the contrasts being the gains of the options that may be best: a kind that is clearly worse
than the best option is left out, for a run of its would narrow what decides nothing. The second and third run are
chosen with the first ones taken as made. Of the runs that narrow it at least three quarters as much as the best one
does, the cheapest is named (CHOSEN), so that cost decides between near equals.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.advice.asked import Asked
from synthmix.advice.candidates import Candidate, candidates, recipe_name, repeats
from synthmix.advice.decide import Decision, Pick, value_of
from synthmix.advice.found import NextRun
from synthmix.advice.knowledge import KindLaws, Knowledge
from synthmix.advice.outlook import Outlook
from synthmix.scaling.inputs import Array

NEARLY = 0.75
CLIPPED = 0.005  # of the draws at either end: a few wild resamples must not set the covariance


@dataclass
class Belief:
    """One kind's gain and the log-losses of the runs that bear on it: ``covariance`` (1 + n, 1 + n), the gain first."""

    places: Array  # of the candidates, in the list of all
    covariance: Array
    noise: float  # variance of one run's log-loss

    @property
    def variance(self) -> float:
        """Of the gain, nats^2."""
        return float(self.covariance[0, 0])

    def reductions(self) -> Array:
        """By how much each candidate (n,) would reduce it."""
        across, own = self.covariance[0, 1:], np.diag(self.covariance)[1:]
        return across**2 / (own + self.noise)

    def observe(self, place: int) -> None:
        """Take the candidate at ``place`` of all as made; it may not bear on this kind."""
        mine = np.flatnonzero(self.places == place)
        if len(mine):
            column = self.covariance[:, mine[0] + 1]
            self.covariance = self.covariance - np.outer(column, column) / (column[mine[0] + 1] + self.noise)


def next_runs(
    known: Knowledge,
    asked: Asked,
    looks: list[Outlook],
    decision: Decision,
    *,
    count: int = 3,
    most_flops: float | None = None,
    nearly: float = NEARLY,
) -> list[NextRun]:
    """The runs to make next, in this order, none costing more than ``most_flops`` (None: than the whole study did).

    ``nearly``: what part of the best one's narrowing the cheapest must bring to be named; 1: cost decides nothing.
    """
    cap = known.results.spent.flops if most_flops is None else most_flops
    every = candidates(known, cap)
    beliefs = [belief for k in _open(known, looks, decision) if (belief := _belief(known, looks, k, every)) is not None]
    found: list[NextRun] = []
    if not beliefs or not every:
        return found
    costs = np.array([each.flops for each in every])
    for _ in range(count):
        gains = np.zeros(len(every))
        for belief in beliefs:
            gains[belief.places] += belief.reductions()
        near = np.flatnonzero(gains >= nearly * gains.max())
        place = int(near[np.argmin(costs[near])])
        before = sum(belief.variance for belief in beliefs)
        for belief in beliefs:
            belief.observe(place)
        after = sum(max(belief.variance, 0.0) for belief in beliefs)
        found.append(_named(known, every[place], before, after))
    return found


def _open(known: Knowledge, looks: list[Outlook], decision: Decision) -> list[int]:
    """The kinds that may be best: not clearly worse than the best option; all of them where none is."""
    every = [k for k, look in enumerate(looks) if len(look.shares) > 1]
    return [k for k in every if decision.as_good[k][_top(known, looks, k)]] or every


def _top(known: Knowledge, looks: list[Outlook], kind: int) -> int:
    """The place of a kind's best share; of its best trained one where that is none."""
    look, laws = looks[kind], known.kinds[looks[kind].kind.name]
    top = int(np.argmin(look.said[0].difference[0]))
    if value_of(looks, Pick(kind, top)) < 0:
        return top
    trained = np.flatnonzero(np.isin(look.shares, laws.shares) & (look.shares > 0))
    return int(trained[np.argmin(look.said[0].difference[0, trained])])


def _named(known: Knowledge, made: Candidate, before: float, after: float) -> NextRun:
    return NextRun(
        recipe=recipe_name(made),
        kind=made.kind,
        share=made.share,
        params=made.params,
        tokens=made.tokens,
        flops=made.flops,
        seconds=made.seconds,
        sd_before=float(np.sqrt(before)),
        sd_after=float(np.sqrt(after)),
        repeats=repeats(known, made),
    )


def _belief(known: Knowledge, looks: list[Outlook], kind: int, every: list[Candidate]) -> Belief | None:
    """The pooled draws of a kind's laws: of its gain at its best share, and of its candidates. None where the laws have
    no draws."""
    look, laws = looks[kind], known.kinds[looks[kind].kind.name]
    if any(law.why for law in laws.laws):
        return None
    places = np.array([i for i, each in enumerate(every) if each.kind in (None, laws.kind)])
    top = _top(known, looks, kind)
    gain = np.concatenate([said.difference[1:, top] for said in look.said])
    draws = np.column_stack([gain, _log_losses(laws, [every[i] for i in places])])
    low, high = np.quantile(draws, [CLIPPED, 1 - CLIPPED], axis=0)
    covariance = np.cov(np.clip(draws, low, high), rowvar=False)
    noises = [law.noise.total for law in laws.laws if law.noise.total]
    return Belief(places, covariance, float(np.mean(noises)) ** 2 if noises else 0.0)


def _log_losses(laws: KindLaws, runs: list[Candidate]) -> Array:
    """Log-losses of the runs by every law's draws: (laws x draws, n)."""
    at = {
        "N": np.array([float(each.params) for each in runs]),
        "D": np.array([float(each.tokens) for each in runs]),
        "share": np.array([each.share for each in runs]),
    }
    parts = [np.log(np.maximum(law.draw(**{c: at[c] for c in law.law.columns}), 1e-6)) for law in laws.laws]
    return np.concatenate(parts)
