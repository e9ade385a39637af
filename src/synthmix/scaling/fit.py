"""Fit one law to runs: search, polish, resample, warn."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.results import Warn
from synthmix.scaling.bootstrap import choose, resample
from synthmix.scaling.diagnostics import design_warnings, fit_warnings, identification_warnings
from synthmix.scaling.fitted import OBJECTIVES, Fit, ObjectiveName
from synthmix.scaling.law import Law
from synthmix.scaling.laws import find
from synthmix.scaling.noise import Noise, split
from synthmix.scaling.runs import Array, Runs
from synthmix.scaling.solver import Problem, minimise
from synthmix.scaling.starts import search

#: Runs that one fit takes unless asked for more (CHOSEN: a thousand resamples in seconds of a core).
MOST_RUNS = 4_000


def fit(
    law: str | Law,
    runs: Runs,
    *,
    bootstrap: int | Array = 1000,
    seed: int = 0,
    level: float = 0.9,
    objective: ObjectiveName = "huber-log",
    delta: float | None = 1e-3,
    method: str = "auto",
    noise: float | None = None,
    fixed: Mapping[str, float] | None = None,
    starts: int | None = None,
    most_runs: int | None = MOST_RUNS,
) -> Fit:
    """Fit a law to runs by the least sum of an objective, of Huber(delta) of log-prediction minus log-loss by default.

    Args:
        law: a law or its name.
        runs: the runs.
        bootstrap: number of resamples, 0 for none; or resamples of one's own, an array (resamples, n) of how often each
            run is drawn.
        seed: of the resampling.
        level: of the intervals.
        objective: ``huber-log`` (Hoffmann et al., arXiv 2203.15556, equation 3), ``squares-log`` or ``squares-loss``:
            least squares of the log-losses or of the losses. See :data:`synthmix.scaling.fitted.OBJECTIVES`.
        delta: of ``huber-log`` alone, in log-loss, 1e-3 as in Hoffmann et al.: nearly least absolute deviations, which
            shrugs off outliers. None: 1.345 times the noise found (Huber's 95 % efficiency), never below 1e-3:
            better for few, noisy runs.
        method: how to resample, see scaling/bootstrap.py.
        noise: seed noise (standard deviation of log-loss) known from elsewhere, for runs without replicates.
        fixed: parameters that are given and not fitted.
        starts: number of starts of the search.
        most_runs: of more runs than this a random sub-sample is fitted, with a warning (see
            :meth:`synthmix.scaling.runs.Runs.sampled`); None: all, however long it takes. Resamples of one's own are
            of all runs.

    Raises:
        BadInput: a column or enough distinct points are missing, or a fixed parameter is unknown.
    """
    law = find(law)
    law.check(runs)
    _check_options(bootstrap, level, delta, noise, objective)
    given = dict(fixed or {})
    unknown = set(given) - set(law.names)
    if unknown:
        raise BadInput(f"no such parameter: {', '.join(sorted(unknown))}", where=f"law {law.name}", key="fixed")
    free = len(law.names) - len(given)
    runs, said = some_runs(runs, most_runs if isinstance(bootstrap, int) else None, seed, law.name)
    check_enough(law, runs, free)
    robust = objective == "huber-log"
    first = 1e-3 if delta is None else delta
    problem, scales = problem_of(law, runs, given, first if robust else np.inf, in_loss=objective == "squares-loss")
    best, value = search(problem, starts=starts)
    found = _noise(problem, runs, best, free, noise)
    if robust and delta is None and found.total is not None and 1.345 * found.total > 1e-3:
        problem = replace(problem, delta=1.345 * found.total)
        best, value = search(problem, starts=starts)
    how = _how(method, runs, free, found, bootstrap)
    draws = resample(problem, runs, best, found, how, bootstrap, seed)
    warnings = said + design_warnings(law, runs, free, found)
    warnings += identification_warnings(problem, best)
    warnings += fit_warnings(law, runs, best, draws, problem.low, problem.high)
    return Fit(
        law=law,
        values=law.rescaled(best, *scales),
        draws=law.rescaled(draws, *scales),
        runs=runs,
        objective=value,
        objective_name=objective,
        noise=found,
        method=how,
        level=level,
        delta=problem.delta,
        seed=seed,
        warnings=warnings,
        fixed=tuple(given),
    )


def some_runs(runs: Runs, most: int | None, seed: int, about: str | None = None) -> tuple[Runs, list[Warn]]:
    """The runs that are fitted, and the warning that they are not all."""
    if most is None or len(runs) <= most:
        return runs, []
    some = runs.sampled(most, seed)
    message = (
        f"fitted to a random sub-sample of {len(some):,} of {len(runs):,} runs (seed {seed}): the intervals "
        "are of these, wider than those of all would be"
    )
    return some, [Warn(code="sub_sample", message=message, about=about)]


def _check_options(
    bootstrap: int | Array, level: float, delta: float | None, noise: float | None, objective: str
) -> None:
    if objective not in OBJECTIVES:
        raise BadInput(f"no objective '{objective}'", key="objective", remedy=f"choose one of {', '.join(OBJECTIVES)}")
    wrong = {
        "bootstrap": isinstance(bootstrap, int) and (bootstrap < 0 or bootstrap == 1) and "0 or at least 2",
        "level": not 0 < level < 1 and "between 0 and 1",
        "delta": delta is not None and not delta > 0 and "above 0",
        "noise": noise is not None and not 0 < noise < np.inf and "above 0",
    }
    for key, rule in wrong.items():
        if rule:
            raise BadInput(f"must be {rule}", where="fit", key=key)


def _how(method: str, runs: Runs, free: int, noise: Noise, bootstrap: int | Array) -> str:
    if isinstance(bootstrap, int):
        return "none" if bootstrap == 0 else choose(method, runs, free, noise)
    if bootstrap.ndim != 2 or bootstrap.shape[1] != len(runs) or len(bootstrap) < 2 or (bootstrap < 0).any():
        raise BadInput("resamples are not an array (resamples, runs) of counts", key="bootstrap")
    return "given"


def check_enough(law: Law, runs: Runs, free: int) -> None:
    """Raise BadInput when the runs do not determine the law, or determine it exactly: then nothing checks it."""
    for column in law.columns:
        if runs.distinct(column) < 2:
            value = float(getattr(runs, column)[0])
            remedy = {"N": "fit the law data", "D": "fit the law model"}.get(column, "choose a law without it")
            raise BadInput(f"all runs have one {column} ({value:g})", where=f"law {law.name}", remedy=remedy)
    if runs.cells <= free:
        cannot = "cannot be told from" if runs.cells < free else "pass exactly through"
        raise BadInput(
            f"{free} parameters {cannot} {runs.cells} distinct points",
            where=f"law {law.name}",
            remedy="add runs with other N, D or share, or choose a law with fewer parameters",
        )


def _scales(law: Law, runs: Runs, given: dict[str, float]) -> tuple[float, float]:
    """Geometric means of N and D: in these units coefficients are of the loss's size and hardly hang on exponents."""
    for parameter in law.parameters:
        power = None if parameter.unit is None else parameter.unit[1]
        if parameter.name in given and isinstance(power, str) and power not in given:
            return 1.0, 1.0  # its value in other units would depend on an exponent that is not known yet
    means = [float(np.exp(np.log(getattr(runs, c)).mean())) if runs.has(c) else 1.0 for c in ("N", "D")]
    return means[0], means[1]


def problem_of(
    law: Law,
    runs: Runs,
    given: dict[str, float],
    delta: float,
    scales: tuple[float, float] | None = None,
    *,
    in_loss: bool = False,
) -> tuple[Problem, tuple[float, float]]:
    """The minimisation in units of the runs' geometric means (or of ``scales``), and those (N, D)."""
    scales = scales or _scales(law, runs, given)
    low, high = law.low.copy(), law.high.copy()
    if given:
        theta = np.array([given.get(name, 1.0) for name in law.names])
        inside = law.rescaled(theta, 1 / scales[0], 1 / scales[1])
        for k, name in enumerate(law.names):
            if name in given:
                low[k] = high[k] = inside[k]
    x, target = runs.points.scaled(*scales), np.log(runs.loss)
    return Problem(law, x, target, runs.weights, delta, low, high, in_loss), scales


def _noise(problem: Problem, runs: Runs, best: Array, free: int, given: float | None) -> Noise:
    """Noise from least-squares residuals: its estimate of the spread is unbiased, a robust fit's is not."""
    squares = minimise(replace(problem, delta=np.inf, in_loss=False), best[None])
    residuals = problem.target - np.log(problem.law.predict(squares.theta[0], problem.x))
    return split(runs, residuals, free, given)
