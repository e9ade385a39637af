"""What a law with parameters and draws says about points: losses, intervals, distance from the runs."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.scaling.inputs import Array, Inputs
from synthmix.scaling.law import Law
from synthmix.scaling.noise import Noise
from synthmix.scaling.runs import Runs

Kind = Literal["mean", "new_run"]


@dataclass(frozen=True)
class Predictor:
    """A law with its parameters.

    Attributes:
        law: the law.
        values: fitted parameters (p,), in the order of ``law.names``.
        draws: parameters of each resample (resamples, p); a single row (the fit) when there is no interval.
        runs: what it was fitted to.
        objective: sum of Huber(delta) of the log residuals.
        noise: seed noise and lack of fit.
        method: how it was resampled (see scaling/bootstrap.py); "none": not at all.
        level: default level of intervals.
        delta: Huber's delta; inf is least squares.
        seed: seed of the resampling.
        warnings: coded warnings.
        fixed: names of parameters that were given and not fitted.
    """

    law: Law
    values: Array
    draws: Array
    runs: Runs
    objective: float
    noise: Noise
    method: str
    level: float
    delta: float
    seed: int
    warnings: list[Warn] = field(default_factory=list)
    fixed: tuple[str, ...] = ()

    @property
    def predicted(self) -> Array:
        """Fitted losses of the runs (n,)."""
        return self.law.predict(self.values, self.runs)

    @property
    def residuals(self) -> Array:
        """Log-loss minus its prediction (n,): near zero, the relative error."""
        found: Array = np.log(self.runs.loss) - np.log(self.predicted)
        return found

    @property
    def why(self) -> str | None:
        """Why there are no intervals; None when there are."""
        return None if len(self.draws) > 1 else "no resamples: nothing tells how large the noise is"

    def points(self, **columns: Any) -> Inputs:
        """Inputs for a prediction; a column that the law needs and the runs hold constant may be left out."""
        for name in self.law.columns:
            if columns.get(name) is None and self.runs.distinct(name) == 1:
                columns[name] = float(getattr(self.runs, name)[0])
        given = {name: columns[name] for name in self.law.columns if columns.get(name) is not None}
        x = Inputs(**given)
        self.law.check(x)
        return x

    def predict(self, **columns: Any) -> Array:
        """Expected losses (n,) at N=, D=, share=, unique=, quality= (numbers or arrays)."""
        return self.law.predict(self.values, self.points(**columns))

    def draw(self, **columns: Any) -> Array:
        """Losses (resamples, n): one row for each resample's parameters."""
        return self.law.predict(self.draws, self.points(**columns))

    def interval(self, *, kind: Kind = "mean", level: float | None = None, **columns: Any) -> tuple[Array, Array]:
        """Ends (n,), (n,) of the interval of the curve (``mean``) or of one new run with its noise (``new_run``).

        NaN where there is no interval (see :attr:`why`). Model error is not in it: see :meth:`distance`.
        """
        x = self.points(**columns)
        if self.why is not None:
            return np.full(len(x), np.nan), np.full(len(x), np.nan)
        losses = self.law.predict(self.draws, x)
        if kind == "new_run":
            losses = losses * np.exp(self._noise(losses.shape))
        tail = (1 - (level or self.level)) / 2
        low, high = np.quantile(losses, [tail, 1 - tail], axis=0)
        return low, high

    def loss(self, *, kind: Kind = "mean", level: float | None = None, **columns: Any) -> Interval:
        """One expected loss with its interval, at one point."""
        value = float(self.predict(**columns)[0])
        low, high = self.interval(kind=kind, level=level, **columns)
        ends = {} if np.isnan(low[0]) else {"low": float(low[0]), "high": float(high[0])}
        return Interval(
            mid=value,
            level=level or self.level,
            covers="new run" if kind == "new_run" else "mean",
            why=self.why,
            **ends,
        )

    def run_noise(self, count: int) -> Array:
        """``count`` draws of one run's noise in log-loss, the same at every call."""
        return self._noise((count, 1))[:, 0]

    def _noise(self, shape: tuple[int, ...]) -> Array:
        rng = np.random.default_rng([self.seed, 1])
        dof, total = self.noise.dof, self.noise.total or 0.0
        if len(self.runs) - len(self.values) >= 30:  # enough residuals to show the noise's own shape
            pool = self.residuals * np.sqrt(len(self.runs) / (len(self.runs) - len(self.values)))
            return rng.choice(pool, size=shape)
        return total * rng.standard_t(max(dof, 1), size=shape)

    def distance(self, *, N: float | None = None, D: float | None = None, **_: Any) -> dict[str, float]:
        """Decades (log10) by which N and D lie beyond the runs' nearest end, 0 inside; other columns have none."""
        out = {}
        for name, value in (("N", N), ("D", D)):
            if value is not None and self.runs.has(name) and name in self.law.columns:
                column = getattr(self.runs, name)
                out[name] = float(max(0.0, np.log10(value / column.max()), np.log10(column.min() / value)))
        return out

    def warnings_at(self, *, N: float | None = None, D: float | None = None, **_: Any) -> list[Warn]:
        """A warning when a prediction is more than one decade (CHOSEN) outside the runs."""
        far = {name: value for name, value in self.distance(N=N, D=D).items() if value > 1}
        if not far:
            return []
        where = " and ".join(f"{value:.1f} decades in {name}" for name, value in far.items())
        message = f"the prediction lies {where} outside the runs; the intervals do not hold the law's own error"
        return [Warn(code="far_extrapolation", message=message, about=self.law.name)]
