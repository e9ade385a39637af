"""The inner cuts of a fit: each fitted and predicted as the fit itself was."""

from dataclasses import replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.bootstrap import METHODS
from synthmix.scaling.diagnostics import determines
from synthmix.scaling.fit import fit
from synthmix.scaling.fitted import Predictor
from synthmix.scaling.model_error import (
    FEWEST_ROWS,
    MOST_ROWS,
    NO_MODEL_ERROR,
    RESAMPLES,
    WORST,
    InnerCut,
    ModelError,
    away,
    inner_cuts,
)
from synthmix.scaling.runs import Mask, Runs


def measure(fitted: Predictor) -> ModelError:
    """The error of a fitted law, by cuts of its own runs."""
    runs = fitted.runs.sampled(MOST_ROWS, fitted.seed)
    cuts = []
    for column, what, kept in inner_cuts(runs):
        found = None if kept.sum() < FEWEST_ROWS or kept.all() else _cut(fitted, runs, kept)
        if found is not None:
            train, test, error, ratio = found
            direction, far = away(train, test)
            if column == "share":  # one between the others, too, is another mixture
                direction[:, 2] = 1.0
            n, d, share = (float(part) for part in direction.mean(axis=0))
            cuts.append(InnerCut(column, what, len(train), len(test), float(far.mean()), (n, d, share), error, ratio))
    return ModelError("inner cuts" if cuts else "public", tuple(cuts))


def _cut(fitted: Predictor, runs: Runs, kept: Mask) -> tuple[Runs, Runs, float, float] | None:
    """Median absolute error of the log-loss and rms of error over half-width; None where the rest does not determine
    the law."""
    train, test = runs.select(kept), runs.select(~kept)
    given = {name: float(fitted.values[fitted.law.names.index(name)]) for name in fitted.fixed}
    method = fitted.method if fitted.method in METHODS else "auto"
    try:
        inner = fit(
            fitted.law, train, bootstrap=RESAMPLES, seed=fitted.seed, delta=fitted.delta,
            objective=fitted.objective_name, method=method, noise=fitted.noise.seed or None, fixed=given,
        )  # fmt: skip
    except BadInput:
        return None
    if inner.why is not None or not determines(fitted.law, inner.values, train.points, test.points):
        return None
    inner = replace(inner, model=NO_MODEL_ERROR)
    columns = {name: getattr(test, name) for name in fitted.law.columns}
    low, high = inner.interval(kind="new_run", level=0.9, **columns)
    with np.errstate(invalid="ignore"):  # a law that predicts losses below zero there tells nothing, as is seen below
        error = np.abs(np.log(test.loss) - np.log(inner.predict(**columns)))
        half = np.maximum((np.log(high) - np.log(np.maximum(low, 1e-9))) / 2, 1e-9)
        ratio = np.minimum(error / half, WORST)
    if not np.isfinite(ratio).all():
        return None
    return train, test, float(np.median(error)), float(np.sqrt(np.mean(ratio**2)))
