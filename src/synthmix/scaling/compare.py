"""No law is the law: all applicable ones, ranked by how well they predict runs larger than the fitted ones."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.rounding import ROUNDING
from synthmix.scaling.fit import MOST_RUNS, check_enough, fit, some_runs
from synthmix.scaling.held_out import FEWEST, Column, Cut, corner, cut, relative_errors
from synthmix.scaling.law import Law
from synthmix.scaling.laws import LAWS, find
from synthmix.scaling.noise import seed_noise
from synthmix.scaling.ranking import Comparison, Score
from synthmix.scaling.runs import Array, Runs

_RESAMPLES = 200  # of the margin: its interval decides yes or no, its ends need few digits


def compare(
    runs: Runs,
    laws: Sequence[str | Law] | None = None,
    *,
    delta: float | None = 1e-3,
    level: float = 0.9,
    seed: int = 0,
) -> Comparison:
    """Rank laws by extrapolation: fit without the largest N or D (several cuts), predict those.

    Where the lead is not decided, the law to take (``winner``) is the one named first of the two that lead.

    Args:
        runs: all runs.
        laws: the candidates; None: every law whose columns the runs have, and that ignores no column that varies.
        delta: Huber's.
        level: of the margin's interval.
        seed: of the margin's resampling, and of the sub-sample where there are more than ``MOST_RUNS`` runs.

    Raises:
        BadInput: fewer than one law can be fitted after a cut.
    """
    skipped: dict[str, str] = {}
    runs, warnings = some_runs(runs, MOST_RUNS, seed)
    able = _applicable(runs, laws, skipped)
    cuts = _cuts(runs, able)
    if not cuts:
        raise BadInput("N and D have too few values to hold any out", where="compare", remedy="add sizes or budgets")
    errors: dict[str, list[Array]] = {}
    for law in able:
        try:
            errors[law.name] = [np.abs(relative_errors(law, runs, one, delta)) for one in cuts]
        except BadInput as error:
            skipped[law.name] = error.problem
    if not errors:
        raise BadInput("no law can be fitted once the largest runs are held out", where="compare", remedy="add runs")
    scores = [
        _score(next(law for law in able if law.name == name), runs, cuts, parts, delta)
        for name, parts in errors.items()
    ]
    scores.sort(key=lambda score: round(score.extrapolation / ROUNDING))  # stable: equals stay as they were given
    leaders = [next(law for law in able if law.name == score.law) for score in scores[:2]]
    margin = _margin(scores, leaders, runs, cuts, delta, level, seed)
    noise = seed_noise(runs).sd_log
    decided = margin.sign() > 0
    winner = leaders[0].name if decided else next(law.name for law in able if law in leaders)
    if len(scores) > 1 and not decided:
        message = f"{scores[0].law} leads {scores[1].law} by less than the held-out runs can tell"
        warnings.append(Warn(code="not_decided", message=message))
    if noise is None:
        warnings.append(
            Warn(code="no_replicates", message="no cell is repeated, so the margin has no noise to be held to")
        )
    return Comparison(scores, winner, margin, noise, decided, skipped, warnings)


def _applicable(runs: Runs, laws: Sequence[str | Law] | None, skipped: dict[str, str]) -> list[Law]:
    if laws is not None:
        return [find(law) for law in laws]
    able = []
    vary = [name for name in ("N", "D", "share", "quality") if runs.distinct(name) > 1]
    for law in LAWS.values():
        missing = [name for name in law.columns if runs.distinct(name) < 2]
        ignored = [name for name in vary if name not in law.columns]
        if missing:
            skipped[law.name] = f"{', '.join(missing)} does not vary in the runs"
        elif ignored:
            skipped[law.name] = f"it ignores {', '.join(ignored)}"
        else:
            able.append(law)
    return able


def _cuts(runs: Runs, laws: list[Law]) -> list[Cut]:
    """The largest value of D and of N, the largest two, and both largest together, wherever three values are left; else
    the runs that are largest in both. None that leaves too little for any of the laws."""
    found: list[Cut] = []
    columns: tuple[Column, ...] = ("D", "N")
    for column in columns:
        for largest in (1, 2):
            if runs.distinct(column) >= largest + FEWEST:
                found.append(cut(runs, column, largest))
    if all(runs.distinct(column) > FEWEST for column in columns):
        N, D = runs.N.max(), runs.D.max()
        test = (runs.N == N) | (runs.D == D)
        found.append(Cut("largest D and largest N", ~test, test))
    elif runs.distinct("N") > 1 and runs.distinct("D") > 1:
        with suppress(BadInput):
            found.append(corner(runs))
    return [one for one in found if any(_enough(law, runs.select(one.train)) for law in laws)]


def _enough(law: Law, runs: Runs) -> bool:
    try:
        check_enough(law, runs, len(law.names))
    except BadInput:
        return False
    return True


def _score(law: Law, runs: Runs, cuts: list[Cut], errors: list[Array], delta: float | None) -> Score:
    whole = fit(law, runs, bootstrap=0, delta=delta)
    means = [float(part.mean()) for part in errors]
    n, k = len(runs), len(law.names)
    spread = max(float(np.mean(whole.residuals**2)), 1e-24)
    free = k + 1  # the noise's size is estimated too
    deviance = n * np.log(spread)
    return Score(
        law=law.name,
        extrapolation=float(np.mean(means)),
        cuts={one.what: mean for one, mean in zip(cuts, means, strict=True)},
        in_sample=float(np.mean(np.abs(np.expm1(-whole.residuals)))),
        parameters=k,
        bic=float(deviance + free * np.log(n)),
        aicc=float(deviance + 2 * free + 2 * free * (free + 1) / (n - free - 1)) if n > free + 1 else None,
        warnings=[warn.code for warn in whole.warnings],
    )


def _margin(
    scores: list[Score], laws: list[Law], runs: Runs, cuts: list[Cut], delta: float | None, level: float, seed: int
) -> Interval:
    """The second's error minus the first's, over resamples of the cells: both laws refitted after each cut."""
    if len(laws) < 2:
        return Interval(mid=None, level=level, why="only one law could be compared")
    counts = np.random.default_rng(seed).multinomial(runs.cells, np.full(runs.cells, 1 / runs.cells), size=_RESAMPLES)
    weight = counts[:, runs.group].astype(float)
    drawn = np.zeros(_RESAMPLES)
    for one in cuts:
        train, test = runs.select(one.train), runs.select(one.test)
        there = weight[:, one.test]
        for law, sign in zip(laws, (-1, 1), strict=True):
            fitted = fit(law, train, bootstrap=weight[:, one.train], delta=delta)
            errors = np.abs(law.predict(fitted.draws, test) / test.loss - 1)
            drawn += sign * (there * errors).sum(axis=1) / np.maximum(there.sum(axis=1), 1) / len(cuts)
    low, high = (float(end) for end in np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return Interval(mid=scores[1].extrapolation - scores[0].extrapolation, low=low, high=high, level=level)
