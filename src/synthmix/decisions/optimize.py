"""The best mixture of many sources under what there is of each, its intervals, and what is as good: decided once.

The mixture named minimises the loss averaged over the posterior's draws, and what a process of the residuals adds where
one predicts held-out mixtures better. The interval of a share is that of the draws' own optima, that of a gain the
draws' gains, both :data:`WIDER` times as wide: refits that end after so many steps have not moved all the way along
what the runs hardly tell (CHOSEN on simulated studies, benchmarks/many_sources.py, measured on others).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import listed, parse_count, parsed
from synthmix.results import Results
from synthmix.results.mixtures import (
    Compared,
    Group,
    Limit,
    MeasuredMixture,
    MixtureDecision,
    MixtureQuestion,
    Moved,
    ShareVerdict,
    SourceCurve,
    SourceShare,
    Surface,
    Swap,
    Unit,
)
from synthmix.runs.laws import mixtures_of, saved_fit
from synthmix.runs.load import read_results, read_runs
from synthmix.scaling.mixtures import MixtureFit, MixturePoints, fit_mixtures
from synthmix.scaling.mixtures.optimum import Limits, Objective, optimum
from synthmix.scaling.runs import Array

WIDER = 1.15
_NOTHING = 5e-4  # a share below it is none
_BILLION = 1e9
_FREE_OF_COST = 0.02  # part of one run's noise for which a source is left out of the recommendation (CHOSEN)
_MORE_DRAWS = 60  # for what a source, its supply and its price are worth: that needs few digits
_FEW_DRAWS = 20  # for steps with a process
_STEPS, _TIMES, _TRIES = (0.1, 0.05, 0.025, 0.012, 0.006), 3, 400  # of shares, in the search with a process
_FACTORS = (0.25, 4.0)  # of N and D, for how the best mixture moves


def optimize(
    runs: Any, *, columns: str | Mapping[str, str] = "", mapping: Any = None, law: str = "effective_tokens",
    params: Any = None, tokens: Any = None, supply: Mapping[str, Any] | None = None,
    epochs: Mapping[str, float] | None = None, most_epochs: float = 4.0, prices: Mapping[str, float] | None = None,
    budget_money: float | None = None, least: Mapping[str, float] | None = None,
    most: Mapping[str, float] | None = None, groups: Sequence[Group] = (), objective: Mapping[str, float] | None = None,
    natural: str | Mapping[str, float] | None = None, mixtures: Mapping[str, Mapping[str, float]] | None = None,
    metric: str | Sequence[str] | None = None, skip_bad: bool = False,
    draws: int = 200, level: float = 0.9, seed: int = 0,
) -> MixtureDecision:  # fmt: skip
    """The best mixture of many sources at the question, under what there is of each.

    >>> synthmix.optimize("runs.csv", columns="shares=mix.*", tokens="100B", supply={"hq": "5B"})     # doctest: +SKIP

    Args:
        runs: whatever :func:`synthmix.read_runs` reads, with the share of every source; a :class:`.MixtureFit`, or the
            file that one was saved to. Of a study with designed mixtures what is not said here is as its own question
            and bounds say.
        columns, mapping, skip_bad: as for :func:`synthmix.read_runs`.
        law: a law over shares. metric: the losses that it is fitted to; None: of all domains.
        params, tokens, supply: counts as people write them (``"1B"``).
        epochs, most_epochs, prices, budget_money, least, most, groups, objective: see :class:`.MixtureQuestion`.
        natural: a source, or shares, that are natural text alone; None: the one source that the table says is natural.
        mixtures: name -> shares of others to compare the best one with, a team's present one for instance.
        draws, level, seed: as for :func:`.fit_mixtures`.

    Raises:
        BadInput: runs that the law cannot bear, a source or domain that is not there, bounds that no mixture keeps, a
            supply without a budget.
    """
    saved = runs if isinstance(runs, MixtureFit) else saved_fit(runs)
    if saved is not None:
        if not isinstance(saved, MixtureFit):
            raise BadInput(
                "is a fit over one share", where=str(runs), remedy="fit --law effective_tokens and save that"
            )
        found, kinds = saved, {}
    else:
        table = read_runs(runs, columns, mapping=mapping, skip_bad=skip_bad)
        found = fit_mixtures(law, mixtures_of(table, metric), draws=draws, level=level, seed=seed)
        kinds = dict(table.kinds)
    own = _own_question(runs)
    given: dict[str, Any] = {
        "params": None if params is None else parsed(parse_count, params, "params"),
        "tokens": None if tokens is None else parsed(parse_count, tokens, "tokens"),
        "supply": {name: parsed(parse_count, count, f"supply {name}") for name, count in (supply or {}).items()},
        "epochs": dict(epochs or {}), "prices": dict(prices or {}), "budget_money": budget_money,
        "least": dict(least or {}), "most": dict(most or {}), "groups": tuple(groups),
        "objective": dict(objective or {}), "most_epochs": most_epochs,
        "beside": {name: dict(shares) for name, shares in (mixtures or {}).items()},
    }  # fmt: skip
    if own is not None and natural is None:
        natural = own.natural
    kept = {} if own is None else {name: getattr(own, name) for name, value in given.items() if value in (None, {}, ())}
    question = MixtureQuestion(**given | kept, natural=_natural(natural, kinds, found.sources))
    return decide_mixture(found, question)


def _own_question(runs: Any) -> MixtureQuestion | None:
    """The question of a study with designed mixtures; None for any other runs."""
    if isinstance(runs, Results):
        return None if runs.mixture is None else runs.mixture.question
    only = runs[0] if isinstance(runs, list | tuple) and len(runs) == 1 else runs
    if not isinstance(only, str | Path) or "://" in str(only):
        return None
    path = Path(only).expanduser()
    path = path / "results.json" if path.is_dir() else path
    if path.name != "results.json" or not path.is_file():
        return None
    found = read_results(path).mixture
    return None if found is None else found.question


def _natural(
    given: str | Mapping[str, float] | None, kinds: Mapping[str, str], sources: Sequence[str]
) -> dict[str, float]:
    if given is None:
        known = [name for name in sources if kinds.get(name) == "natural"]
        return {known[0]: 1.0} if len(known) == 1 else {}
    return {given: 1.0} if isinstance(given, str) else dict(given)


def decide_mixture(found: MixtureFit, question: MixtureQuestion) -> MixtureDecision:
    """The decision from a fitted law and a question.

    Raises:
        BadInput: as for :func:`optimize`; a fit without draws.
    """
    if len(found.draws) < 2:
        raise BadInput(
            "the fit has no draws, so nothing has an interval", where="optimize", remedy="fit with draws=200"
        )
    return _Search(found, _placed(found, question)).decision()


def _placed(found: MixtureFit, question: MixtureQuestion) -> MixtureQuestion:
    """The question with the N and D that hold, every name checked."""
    here = found.runs.points
    given: dict[str, Any] = {"params": question.params, "tokens": question.tokens}
    for key, values in (("params", here.N), ("tokens", here.D)):
        if values is None:  # the law holds none: what it says is of the runs' own, and a caveat says so
            continue
        if given[key] is None:
            if np.ptp(values) > 1e-6 * values.max():
                raise BadInput(
                    "is missing, and the runs have several", where="question", key=key, remedy=f"say which {key}"
                )
            given[key] = int(values[0])
    for key in ("supply", "epochs", "prices", "least", "most"):
        for name, value in getattr(question, key).items():
            if name not in found.sources:
                raise BadInput(
                    f"no source {name!r}", where="question", key=key, remedy=f"there are {listed(found.sources)}"
                )
            if not (np.isfinite(value) and value >= 0) or (key in ("least", "most") and value > 1):
                raise BadInput(f"{value:g} of {name!r} is out of range", where="question", key=key)
    for group in question.groups:
        if missing := [name for name in group.sources if name not in found.sources]:
            raise BadInput(f"no source {missing[0]!r}", where="question", key=f"group {group.name}")
    for key, shares in [
        ("natural", question.natural),
        *((f"mixture {name}", s) for name, s in question.beside.items()),
    ]:
        if missing := [name for name in shares if name not in found.sources]:
            remedy = f"there are {listed(found.sources)}"
            raise BadInput(f"no source {missing[0]!r}", where="question", key=key, remedy=remedy)
        if any(not share >= 0 for share in shares.values()):
            raise BadInput("has a share below 0", where="question", key=key)
        if (shares or key != "natural") and abs(sum(shares.values()) - 1) > 1e-6:
            raise BadInput(f"adds up to {sum(shares.values()):.6g}, not to one", where="question", key=key)
    if (question.supply or question.prices) and given["tokens"] is None:
        raise BadInput(
            "is missing: how much of a supply or of money a share takes hangs on it", where="question", key="tokens",
            remedy="say the training budget",
        )  # fmt: skip
    if question.prices and question.budget_money is None:
        raise BadInput("is missing: prices bound nothing without it", where="question", key="budget_money")
    found.weighted(question.objective or None)
    return question.model_copy(update=given)


class _Point(NamedTuple):
    shares: Array
    loss: float


class _Search:
    """One fit and one question: the objective of the draws, the limits, and what is read from both."""

    def __init__(self, found: MixtureFit, question: MixtureQuestion) -> None:
        self.found, self.question = found, question
        self.k = len(found.sources)
        self.weights = found.weighted(question.objective or None)
        self.limits = self.limits_of(question)
        used = np.flatnonzero(self.weights > 0)
        self.used, self.of_used = used, self.weights[used]
        self.draws = self.objective(found.draws[:, used])
        self.mean = self.draws.averaged()
        self.some = self.objective(found.draws[:_MORE_DRAWS, used]).averaged()
        self.of_law = self._recommended()
        self.best = self._with_process(self.of_law)
        at = self.points(self.best[None])
        self.wider = float(np.maximum(found.widening(at)[0] @ self.weights, 1.0))
        self.noise = self._noise(at)

    # What is asked

    def objective(self, theta: Array, question: MixtureQuestion | None = None) -> Objective:
        """The weighted loss of draws (s, u, p) at the question."""
        asked, here = question or self.question, self.found.runs.points
        unique = None
        if here.unique is not None:
            unique = np.array([float(asked.supply.get(name, np.inf)) for name in self.found.sources])
        return Objective(
            self.found.law, self.found.units, self.found.sources, theta, self.of_used,
            None if here.N is None else float(asked.params or here.N[0]),
            None if here.D is None else float(asked.tokens or here.D[0]), unique, self.found.chance[self.used],
        )  # fmt: skip

    def points(self, shares: Array) -> MixturePoints:
        """Mixtures (n, k) at the question."""
        asked, here = self.question, self.found.runs.points
        unique = None
        if here.unique is not None:
            row = np.array([float(asked.supply.get(name, np.inf)) for name in self.found.sources])
            unique = np.broadcast_to(row, shares.shape)
        N = None if here.N is None else np.full(len(shares), float(asked.params or here.N[0]))
        D = None if here.D is None else np.full(len(shares), float(asked.tokens or here.D[0]))
        return MixturePoints(sources=self.found.sources, shares=shares, N=N, D=D, unique=unique)

    def limits_of(self, question: MixtureQuestion) -> Limits:
        """Bounds, groups, supply with its epochs, and money as linear constraints."""
        names, k = self.found.sources, self.k
        low = np.array([question.least.get(name, 0.0) for name in names])
        high = np.array([question.most.get(name, 1.0) for name in names])
        for i, name in enumerate(names):
            if name in question.supply and question.tokens is not None:
                often = 1.0 if question.prices.get(name) else question.epochs.get(name, question.most_epochs)
                high[i] = min(high[i], question.supply[name] * often / question.tokens)
            if high[i] < low[i]:
                raise BadInput(
                    f"at least {low[i]:.1%} of {name!r} is asked, and its bounds and supply allow {high[i]:.1%}",
                    where="question", key="bounds", remedy="lower the one or raise the other",
                )  # fmt: skip
        if high.sum() < 1 - 1e-9:
            raise BadInput(
                f"all sources together, as often as allowed, make {high.sum():.0%} of the budget", where="question",
                key="supply", remedy="lower the budget, allow more epochs, or name more text",
            )  # fmt: skip
        rows, most = [], []
        for group in question.groups:
            inside = np.array([float(name in group.sources) for name in names])
            rows += [inside, -inside]
            most += [group.most, -group.least]
        if question.prices and question.tokens is not None and question.budget_money is not None:
            rows.append(np.array([question.prices.get(name, 0.0) * question.tokens / 1e6 for name in names]))
            most.append(question.budget_money)
            scale = max(float(rows[-1].max()), 1e-12)
            rows[-1], most[-1] = rows[-1] / scale, most[-1] / scale
        return Limits(low, high, np.array(rows).reshape(-1, k), np.array(most))

    # The best mixture

    def _recommended(self) -> Array:
        """The optimum of the average, without the sources that it can do without for next to nothing."""
        first = optimum(self.mean, self.limits)
        best, lowest = first.shares[0], float(first.loss[0])
        allowed = _FREE_OF_COST * self._noise(self.points(best[None]))
        limits = self.limits
        for i in np.argsort(best).tolist():
            if limits.low[i] > 0 or best[i] > 0.02:
                continue
            high = limits.high.copy()
            high[i] = 0.0
            try:
                tried = optimum(self.mean, replace(limits, high=high))
            except BadInput:
                continue
            if tried.loss[0] - lowest <= allowed:
                limits, best = replace(limits, high=high), tried.shares[0]
        best = np.where(best < _NOTHING, np.where(self.limits.low > 0, best, 0.0), best)
        found: Array = best / best.sum()
        return found

    def _with_process(self, best: Array) -> Array:
        """The lowest loss that steps from the law's optimum find, smaller and smaller ones, where a process adds to it:
        with it the loss is not convex, and its slope at a share of zero is none to follow."""
        if self.found.process is None:
            return best
        rng, few = np.random.default_rng(0), self.objective(self.found.draws[:_FEW_DRAWS, self.used]).averaged()
        # What all draws say beyond the few, to first order: without a process the law's optimum stays where it is.
        tilt = (self.mean.slope(best[None, None]) - few.slope(best[None, None]))[0, 0]
        tilt = np.where(best > _NOTHING, tilt, 0.0)
        for size in _STEPS:
            for _ in range(_TIMES):
                steps = size * rng.standard_normal((_TRIES, self.k)) * (rng.random((_TRIES, self.k)) < 0.7)
                tried = np.clip(best + steps, self.limits.low, self.limits.high)
                tried = tried / tried.sum(axis=1, keepdims=True)
                tried = np.vstack([best, tried[self._allowed(tried)]])
                best = tried[int((few.value(tried[None])[0] + tried @ tilt + self.beside_law(tried)).argmin())]
        best = np.where((best < _NOTHING) & (self.limits.low == 0), 0.0, best)
        found: Array = best / best.sum()
        return found

    def beside_law(self, shares: Array) -> Array:
        """(n,) what the process of the residuals adds to the objective of mixtures; 0 where there is none."""
        if self.found.process is None:
            return np.zeros(len(shares))
        added: Array = self.found.beside_law(self.points(shares)) @ self.weights
        return added

    def _noise(self, at: MixturePoints) -> float:
        """Standard deviation of one run's objective, nats."""
        _, noise = self.found.spread(at)
        size = noise[0] * self.found.per_response(at)[0] * self.weights
        return float(np.sqrt(size @ self.found.correlation @ size))

    def _interval(self, mid: float, drawn: Array, wider: float, low: float = -np.inf, high: float = np.inf) -> Interval:
        tail = (1 - self.found.level) / 2
        ends = np.quantile(drawn, [tail, 1 - tail])
        ends = np.clip(mid + wider * np.array([min(ends[0] - mid, 0.0), max(ends[1] - mid, 0.0)]), low, high)
        return Interval(mid=mid, low=float(ends[0]), high=float(ends[1]), level=self.found.level)

    def _shares(self) -> list[SourceShare]:
        # The draws are of the law: where a process moved the best mixture, it moves theirs alike.
        drawn = optimum(self.draws, self.limits).shares + (self.best - self.of_law)
        sold = self._values()
        found = []
        for i, name in enumerate(self.found.sources):
            share, low, high = float(self.best[i]), float(self.limits.low[i]), float(self.limits.high[i])
            interval = self._interval(share, drawn[:, i], WIDER * self.wider, low, high)
            without = self._without(i)
            least, most = interval.low or 0.0, interval.high or 0.0
            least = low if least < _NOTHING else least
            interval = replace(interval, low=least, high=1.0 if most > 1 - 2 * _NOTHING else most)
            tokens = None if self.question.tokens is None else share * self.question.tokens
            supply = self.question.supply.get(name)
            found.append(
                SourceShare(
                    source=name, share=share, interval=interval, verdict=self._verdict(i, interval, without),
                    without=without, tokens=tokens, limit=self._limit(i),
                    epochs=None if tokens is None or supply is None else tokens / supply,
                    more=sold.get((name, "more")), cheaper=sold.get((name, "cheaper")),
                )
            )  # fmt: skip
        return found

    def _without(self, i: int) -> float | None:
        if self.limits.low[i] > 0:
            return None
        if self.best[i] == 0:
            return 0.0
        high = self.limits.high.copy()
        high[i] = 0.0
        try:
            other = float(optimum(self.some, replace(self.limits, high=high)).loss[0])
        except BadInput:
            return None
        return max(other - float(self.some.value(self.of_law[None, None])[0, 0]), 0.0)

    def _verdict(self, i: int, interval: Interval, without: float | None) -> ShareVerdict:
        room = self.limits.high[i] - self.limits.low[i]
        width = (interval.high or 0.0) - (interval.low or 0.0)
        if room > 0.2 and width > 0.5 * room and width > 0.3:
            return "not determined"
        if self.best[i] == 0:
            return "none"
        if self.best[i] > 1 - _NOTHING:
            return "all"
        return "at most" if without is not None and without <= self.noise else "in"

    def _limit(self, i: int) -> Limit | None:
        name, near = self.found.sources[i], 1e-4
        if self.limits.high[i] > 0 and self.best[i] > self.limits.high[i] - near and self.limits.high[i] < 1:
            return "most" if self.limits.high[i] >= self.question.most.get(name, 1.0) - 1e-9 else "supply"
        if self.limits.low[i] > 0 and self.best[i] < self.limits.low[i] + near:
            return "least"
        tight = self.limits.rows @ self.best > self.limits.most - near
        if len(tight) and (tight & (self.limits.rows[:, i] > 0)).any():
            money = bool(self.question.prices) and bool(tight[-1]) and self.limits.rows[-1, i] > 0
            return "money" if money else "group"
        return None

    # What more text or cheaper text would save

    def _values(self) -> dict[tuple[str, str], Interval]:
        if not self.question.supply and not self._spends():
            return {}
        some = self.found.draws[:_MORE_DRAWS, self.used]
        before = optimum(self.objective(some), self.limits).loss
        mean = float(optimum(self.mean, self.limits).loss[0])
        found = {}
        for name in self.found.sources:
            changed: dict[str, MixtureQuestion] = {}
            if name in self.question.supply:
                supply = {**self.question.supply, name: int(self.question.supply[name] + _BILLION)}
                changed["more"] = self.question.model_copy(update={"supply": supply})
            if self.question.prices.get(name) and self._spends():
                prices = {**self.question.prices, name: self.question.prices[name] / 2}
                changed["cheaper"] = self.question.model_copy(update={"prices": prices})
            for what, question in changed.items():
                limits = self.limits_of(question)
                after = optimum(self.objective(some, question), limits).loss
                whole = self.objective(self.found.draws[:, self.used], question).averaged()
                mid = max(mean - float(optimum(whole, limits).loss[0]), 0.0)
                found[name, what] = self._interval(mid, before - after, WIDER * self.wider, low=0.0)
        return found

    def _spends(self) -> bool:
        if not self.question.prices or not len(self.limits.most):
            return False
        return bool(self.limits.rows[-1] @ self.best > self.limits.most[-1] - 1e-4)

    # Beside it

    def _compared(self, name: str, shares: Array) -> Compared:
        at = self.points(np.vstack([shares, self.best]))
        mid, low, high = self.found.average(at, self.question.objective or None, "mean")
        added = self.beside_law(at.shares)
        drawn = self.draws.value(np.vstack([shares, self.best])[None]) + added
        means = self.mean.value(np.vstack([shares, self.best])[None])[0] + added
        gain = self._interval(float(means[0] - means[1]), drawn[:, 0] - drawn[:, 1], WIDER * self.wider)
        loss = Interval(mid=float(mid[0]), low=float(low[0]), high=float(high[0]), level=self.found.level)
        epochs = {
            source: float(share * self.question.tokens / self.question.supply[source])
            for source, share in zip(self.found.sources, shares, strict=True)
            if share > 0 and source in self.question.supply and self.question.tokens is not None
        }
        allowed = bool(self._allowed(shares[None])[0])
        return Compared(name=name, shares=self._named(shares), loss=loss, gain=gain, epochs=epochs, allowed=allowed)

    def _named(self, shares: Array) -> dict[str, float]:
        return {name: float(share) for name, share in zip(self.found.sources, shares, strict=True) if share > 0}

    def _natural_shares(self) -> Array | None:
        return self._row(self.question.natural) if self.question.natural else None

    def _row(self, given: Mapping[str, float]) -> Array:
        return np.array([given.get(name, 0.0) for name in self.found.sources])

    def _single(self) -> Compared | None:
        """The best recipe of one source: natural text and one other at its best share, or one source alone."""
        natural = self._natural_shares()
        steps = np.linspace(0, 1, 101)[:, None]
        options: list[tuple[float, str, Array]] = []
        for i, name in enumerate(self.found.sources):
            alone = np.eye(self.k)[i]
            if natural is not None and natural[i] > 0:
                continue
            mixtures = alone[None] if natural is None else (1 - steps) * natural + steps * alone
            mixtures = mixtures[self._allowed(mixtures)]
            if len(mixtures):
                losses = self.mean.value(mixtures[None])[0] + self.beside_law(mixtures)
                place = int(losses.argmin())
                options.append((float(losses[place]), name, mixtures[place]))
        if not options:
            return None
        _, name, shares = min(options, key=lambda option: option[0])
        return self._compared(name, shares)

    def _allowed(self, shares: Array) -> Any:
        inside = (shares >= self.limits.low - 1e-9).all(axis=1) & (shares <= self.limits.high + 1e-9).all(axis=1)
        return inside & (shares @ self.limits.rows.T <= self.limits.most + 1e-9).all(axis=1)

    def _swaps(self) -> list[Swap]:
        """How much of each source can go to each other one within the noise of one run, the widest first."""
        some = self.objective(self.found.theta[None][:, self.used])
        base = float(some.value(self.best[None, None])[0, 0] + self.beside_law(self.best[None])[0])
        steps = np.linspace(0, 1, 41)[1:, None]
        found = []
        for out in np.flatnonzero(self.best > _NOTHING).tolist():
            for into in range(self.k):
                if into == out:
                    continue
                moved = self.best + steps * self.best[out] * (np.eye(self.k)[into] - np.eye(self.k)[out])
                there = some.value(moved[None])[0] + self.beside_law(moved)
                ok = self._allowed(moved) & (there - base <= self.noise)
                count = len(ok) if ok.all() else int(ok.argmin())
                if count:
                    most = float(steps[count - 1, 0] * self.best[out])
                    found.append(Swap(out_of=self.found.sources[out], into=self.found.sources[into], most=most))
        return sorted((swap for swap in found if swap.most >= 0.01), key=lambda swap: -swap.most)

    def _moves(self) -> list[Moved]:
        found, here = [], self.found.runs.points
        for key, values in (("params", here.N), ("tokens", here.D)):
            now = getattr(self.question, key)
            if values is None or now is None or np.ptp(values) < 1e-6 * values.max():
                continue
            for factor in _FACTORS:
                question = self.question.model_copy(update={key: round(now * factor)})
                try:
                    limits = self.limits_of(question)
                    at = optimum(self.objective(self.found.draws[:_MORE_DRAWS, self.used], question).averaged(), limits)
                except BadInput:
                    continue
                shares = np.where(at.shares[0] < _NOTHING, 0.0, at.shares[0])
                moved = Moved(
                    params=question.params, tokens=question.tokens, shares=self._named(shares), loss=float(at.loss[0])
                )
                found.append(moved)
        return found

    def _measured(self) -> tuple[Compared | None, list[MeasuredMixture]]:
        """The measured mixtures at the largest scale beside what the law says of them, and the best of them."""
        runs, points = self.found.runs, self.found.runs.points
        scale = [np.round(np.log(x), 6) for x in (points.N, points.D) if x is not None]
        keep = np.ones(len(points), dtype=bool)
        for column in scale:
            keep &= column == column[keep].max()
        known = keep & np.isfinite(runs.losses[:, self.used]).all(axis=1)
        if not known.any():
            return None, []
        measured = runs.losses[:, self.used] @ self.of_used
        predicted = self.found.predict(points)[:, self.used] @ self.of_used
        held = next((each.predicted for each in self.found.held_out if each.what == "mixture"), None)
        rows = []
        for i in np.flatnonzero(known).tolist():
            out = None if held is None else float(held[i][self.used] @ self.of_used)
            rows.append(
                MeasuredMixture(
                    shares=self._named(points.shares[i]), measured=float(measured[i]), predicted=float(predicted[i]),
                    held_out=out if out is not None and np.isfinite(out) else None,
                )
            )  # fmt: skip
        first = min(np.flatnonzero(known).tolist(), key=lambda i: float(measured[i]))
        return self._compared("best measured", points.shares[first]), rows

    def _curves(self) -> list[SourceCurve]:
        found = []
        for i, name in enumerate(self.found.sources):
            rest = self.best.copy()
            rest[i] = 0.0
            if rest.sum() < 1e-9:
                rest = np.where(np.arange(self.k) == i, 0.0, 1.0)
            rest /= rest.sum()
            steps = np.unique(np.r_[np.linspace(0, 1, 41), self.best[i]])
            mixtures = steps[:, None] * np.eye(self.k)[i] + (1 - steps[:, None]) * rest
            mixtures = mixtures[self._allowed(mixtures)]
            if len(mixtures) < 2:
                continue
            mid, low, high = self.found.average(self.points(mixtures), self.question.objective or None, "mean")
            shares = [round(float(x), 6) for x in mixtures[:, i]]
            found.append(
                SourceCurve(source=name, shares=shares, mean=mid.tolist(), low=low.tolist(), high=high.tolist())
            )
        return found

    def _repetition(self) -> Interval | None:
        found = self.found.repetition(self.weights)
        return None if found is None else self._interval(found[0], found[1], 1.0, low=0.0)

    def _surface(self) -> Surface | None:
        if self.k != 3:
            return None
        steps = 24
        rows = [(a / steps, b / steps, (steps - a - b) / steps) for a in range(steps + 1) for b in range(steps + 1 - a)]
        losses = self.mean.value(np.array(rows)[None])[0] + self.beside_law(np.array(rows))
        a, b, c = self.found.sources
        return Surface(sources=(a, b, c), shares=rows, losses=losses.tolist())

    # All of it

    def decision(self) -> MixtureDecision:
        """Everything, as one object."""
        at = self.points(self.best[None])
        objective = self.question.objective or None
        loss, new = ([float(x[0]) for x in self.found.average(at, objective, kind)] for kind in ("mean", "new-run"))
        natural = self._natural_shares()
        measured, rows = self._measured()
        held = {each.what: each.error for each in self.found.held_out}
        level = self.found.level
        compared = None if natural is None else self._compared("natural text alone", natural)
        return MixtureDecision(
            law=self.found.law.name, formula=self.found.law.formula, runs=len(self.found.runs), level=level,
            draws=len(self.found.draws), question=self.question,
            domains={name: float(w) for name, w in zip(self.found.domains, self.weights, strict=True) if w > 0},
            shares=self._shares(), loss=Interval(mid=loss[0], low=loss[1], high=loss[2], level=level),
            new_run=Interval(mid=new[0], low=new[1], high=new[2], level=level, covers="new run"), noise=self.noise,
            unit=self._unit(),
            repetition=self._repetition(),
            natural=compared, single=self._single(), best_measured=measured,
            beside=[self._compared(name, self._row(shares)) for name, shares in self.question.beside.items()],
            swaps=self._swaps(), moves=self._moves(),
            error=held.get("mixture", float("nan")), scale_error=held.get("scale"),
            caveats=self._caveats(at, compared, loss[2] - loss[1], [row.measured for row in rows]),
            warnings=list(self.found.warnings), measured=rows, curves=self._curves(),
            surface=self._surface(),
        )  # fmt: skip

    def _unit(self) -> Unit:
        scored = np.isfinite(self.found.chance[self.used])
        return "error" if scored.all() else "both" if scored.any() else "nats"

    def _caveats(
        self, at: MixturePoints, natural: Compared | None, width: float, measured: Sequence[float]
    ) -> list[str]:
        here, found = self.found.runs.points, []
        scales = {each.what for each in self.found.held_out}
        if self.found.beyond(at)[0]:
            found.append("beyond" if "scale" in scales else "scale_not_tested")
        if (here.N is None and self.question.params is not None) or (
            here.D is None and self.question.tokens is not None
        ):
            found.append("scale_unknown")
        repeats = any((each or 0) > 1 for each in self._epochs())
        if repeats and here.unique is None:
            found.append("repetition_ignored")
        elif repeats and not here.repeats:
            found.append("repetition_quoted")
        if natural is None:
            found.append("natural_unknown")
        elif any(times > self.question.epochs.get(s, self.question.most_epochs) for s, times in natural.epochs.items()):
            found.append("natural_repeats")
        if len(measured) > 1 and width > max(measured) - min(measured):
            found.append("wide")
        return [*found, *(["loss_only"] if self._unit() == "nats" else [])]

    def _epochs(self) -> list[float | None]:
        if self.question.tokens is None:
            return []
        return [
            share * self.question.tokens / self.question.supply[name] if name in self.question.supply else None
            for name, share in zip(self.found.sources, self.best.tolist(), strict=True)
        ]
