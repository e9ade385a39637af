"""What a law with parameters and draws says about points: losses, intervals, distance from the runs.

Shape letters: n points, p parameters.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from synthmix.errors import BadInput
from synthmix.files import read_json, write_json
from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.scaling.law import Law
from synthmix.scaling.laws import find
from synthmix.scaling.model_error import FLOOR, NO_MODEL_ERROR, InnerCut, ModelError, away, decades, spread
from synthmix.scaling.noise import Noise
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import COLUMNS, Array, Inputs, Runs
from synthmix.scaling.share_error import ShareError, share_error

Kind = Literal["mean", "new_run"]
ObjectiveName = Literal["huber-log", "squares-log", "squares-loss"]
#: Objective -> what is summed over the runs.
OBJECTIVES: dict[ObjectiveName, str] = {
    "huber-log": "Huber(delta) of the log residuals",
    "squares-log": "half squares of the log residuals",
    "squares-loss": "half squares of the residuals in nats per token",
}


@dataclass(frozen=True)
class Predictor:
    """A law with its parameters.

    Attributes:
        law: the law.
        values: fitted parameters (p,), in the order of ``law.names``.
        draws: parameters of each resample (resamples, p); a single row (the fit) when there is no interval.
        runs: what it was fitted to.
        objective: the least sum that was found. objective_name: of what (:data:`OBJECTIVES`).
        noise: seed noise and lack of fit.
        method: how it was resampled (see scaling/bootstrap.py); "none": not at all.
        level: default level of intervals.
        delta: Huber's delta; inf is least squares.
        seed: seed of the resampling.
        warnings: coded warnings.
        fixed: names of parameters that were given and not fitted.
        model: the law's own error; None: not worked out yet (see :attr:`model_error`).
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
    model: ModelError | None = None
    objective_name: ObjectiveName = "huber-log"

    @property
    def model_error(self) -> ModelError:
        """The law's own error, by held-out cuts inside the runs; worked out when first asked for, and kept."""
        if self.model is None:
            from synthmix.scaling.inner import measure

            object.__setattr__(self, "model", measure(self) if self.why is None else NO_MODEL_ERROR)
        assert self.model is not None
        return self.model

    @cached_property
    def share_error(self) -> ShareError | None:
        """The law's own error in the share's effect; None where it has no share, no resamples, or its own error was
        asked to be left out (:data:`NO_MODEL_ERROR`)."""
        return None if self.model == NO_MODEL_ERROR else share_error(self)

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

    def points(self, **columns: ArrayLike | None) -> Inputs:
        """Inputs for a prediction; a column that the law needs and the runs hold constant may be left out."""
        for name in self.law.columns:
            if columns.get(name) is None and self.runs.distinct(name) == 1:
                columns[name] = float(getattr(self.runs, name)[0])
        given = {name: columns[name] for name in self.law.columns if columns.get(name) is not None}
        x = Inputs(**given)
        self.law.check(x)
        return x

    def predict(self, **columns: ArrayLike) -> Array:
        """Expected losses (n,) at N=, D=, share=, unique=, quality= (numbers or arrays)."""
        return self.law.predict(self.values, self.points(**columns))

    def draw(self, **columns: ArrayLike) -> Array:
        """Losses (resamples, n): one row for each resample's parameters, with the law's own error in their spread."""
        return self._drawn(self.points(**columns))

    def widen(self, losses: Array, **at: Any) -> Array:
        """Losses (1 + d, ...) by the parameters and by ``d`` resamples with the law's own error in their spread: scaled
        about the first row in their logarithm, and moved together by at least the floor (see scaling/model_error.py).

        ``at``: the columns of the one point (N=, D=, ...) whose distance from the runs counts.
        """
        return _with_error(losses, *self._own_error(self.points(**at)), self.seed)

    def widen_shares(self, losses: Array, natural: Array, shares: Array, **at: float) -> Array:
        """Losses (1 + d, m) of shares (m,) at one point (N=, D=), by the parameters and by ``d`` resamples, with the
        law's own error in their spread: that of natural text alone, ``natural`` (1 + d,), is common to all of them,
        that of the share's effect each has of its own (see scaling/share_error.py)."""
        return self._of_shares(losses, natural[:, None], self.points(**at, share=shares))

    def _of_shares(self, losses: Array, natural: Array, x: Inputs) -> Array:
        """The same of losses (1 + d, n) and of natural text alone, (1 + d, n) or (1 + d, 1), at points (n,)."""
        wide = _with_error(natural, *self._own_error(x), self.seed)
        found: Array = losses * np.where(natural != 0, wide / np.where(natural != 0, natural, 1.0), 1.0)
        if self.share_error is not None:
            found[1:] *= np.exp(self.share_error.at(x)[: len(losses) - 1])
        return found

    def _own_error(self, x: Inputs) -> tuple[Array, Array]:
        """What the law's own error multiplies half-widths by (n,), and its least standard deviation in log-loss (n,): 1
        and 0 inside the runs and without intervals."""
        direction, far = away(self.runs, x)
        if self.why is not None or not far.any() or self.model_error.source == "none":
            return np.ones(len(x)), np.zeros(len(x))
        return self.model_error.at(direction, far), FLOOR * far

    def factor_at(self, **at: Any) -> float:
        """What the law's own error multiplies half-widths by at one point; 1 inside the runs and without intervals."""
        return float(self._own_error(self.points(**at))[0][0])

    def _drawn(self, x: Inputs) -> Array:
        """Losses (resamples, n) with the law's own error."""
        theta = np.vstack([self.values, self.draws])
        losses = self.law.predict(theta, x)
        if "share" in self.law.columns:
            natural = self.law.predict(theta, replace(x, share=np.zeros(len(x))))
            return self._of_shares(losses, natural, x)[1:]
        return _with_error(losses, *self._own_error(x), self.seed)[1:]

    def interval(self, *, kind: Kind = "mean", level: float | None = None, **columns: ArrayLike) -> tuple[Array, Array]:
        """Ends (n,), (n,) of the interval of the curve (``mean``) or of one new run with its noise (``new_run``).

        They hold sampling, seed noise and, beyond the runs, the law's own error (:attr:`model_error`). NaN where there
        is no interval (see :attr:`why`).
        """
        x = self.points(**columns)
        if self.why is not None:
            return np.full(len(x), np.nan), np.full(len(x), np.nan)
        losses = self._drawn(x)
        if kind == "new_run":
            losses = losses * np.exp(self._noise(losses.shape, x) * np.maximum(self._own_error(x)[0], 1.0))
        tail = (1 - (level or self.level)) / 2
        low, high = np.quantile(losses, [tail, 1 - tail], axis=0)
        return low, high

    def loss(self, *, kind: Kind = "mean", level: float | None = None, **columns: ArrayLike) -> Interval:
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

    def run_noise(self, count: int, **at: Any) -> Array:
        """``count`` draws of one run's noise in log-loss at a point, the same at every call. Beyond the runs it is as
        much larger as the interval of the mean: the residuals that it is taken from miss the law's error there."""
        return self._noise((count, 1), self.points(**at))[:, 0] * max(self.factor_at(**at), 1.0)

    def _noise(self, shape: tuple[int, ...], x: Inputs) -> Array:
        """One run's noise in log-loss, shape (draws, n), at points (n,)."""
        rng = np.random.default_rng([self.seed, 1])
        dof, total = self.noise.dof, self.noise.total or 0.0
        here = self.noise.factor(x)
        if len(self.runs) - len(self.values) >= 30:  # enough residuals to show the noise's own shape
            pool = self.residuals * np.sqrt(len(self.runs) / (len(self.runs) - len(self.values)))
            return here * rng.choice(pool / self.noise.factor(self.runs), size=shape)
        return here * total * rng.standard_t(max(dof, 1), size=shape)

    def distance(self, *, N: float | None = None, D: float | None = None, **_: Any) -> dict[str, float]:
        """Decades (log10) by which N, D and compute (6 N D) lie beyond the runs (see
        :func:`synthmix.scaling.model_error.decades`). Other columns have none."""
        if N is None and D is None:
            return {}
        found = decades(self.runs, Inputs(N=N, D=D))
        return {name: float(far[0]) for name, far in found.items() if name == "compute" or name in self.law.columns}

    def warnings_at(self, *, N: float | None = None, D: float | None = None, **_: Any) -> list[Warn]:
        """A warning when a prediction is more than one decade (CHOSEN) outside the runs."""
        far = {name: value for name, value in self.distance(N=N, D=D).items() if value > 1}
        if not far:
            return []
        where = " and ".join(f"{value:.1f} decades in {name}" for name, value in far.items())
        message = f"the prediction lies {where} outside the runs; {self._tested()}"
        return [Warn(code="far_extrapolation", message=message, about=self.law.name)]

    def _tested(self) -> str:
        if self.model_error.source == "inner cuts":
            return f"the law's own error was measured over {self.model_error.decades:.1f} decades at most"
        return "the law's own error could not be measured inside the runs"


def _with_error(losses: Array, factor: Array, least: Array, seed: int) -> Array:
    """Losses (1 + d, ...) scaled about the first row by ``factor`` and moved by draws of the ``least`` deviation."""
    if not least.any():
        return losses
    wide = spread(losses, factor)
    # One number a resample, the same for every law of one seed: it cancels in the difference of two recipes.
    moved = np.random.default_rng([seed, 3]).standard_normal(len(losses) - 1)
    wide[1:] = wide[1:] * np.exp(least * moved.reshape(-1, *[1] * (losses.ndim - 1)))
    return wide


@dataclass(frozen=True, repr=False)
class Fit(Predictor):
    """A :class:`Predictor` as it leaves the fitter. ``fit(...).report()`` says it in text."""

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {value:.4g}" for name, value in self.parameters.items())
        codes = ", ".join(dict.fromkeys(warning.code for warning in self.warnings))
        return f"<Fit {self.law.name} of {len(self.runs)} runs: {values}{'; ' + codes if codes else ''}>"

    @property
    def parameters(self) -> dict[str, float]:
        """Parameter -> value; N in non-embedding parameters, D in tokens, losses in nats per token."""
        return {name: float(value) for name, value in zip(self.law.names, self.values, strict=True)}

    @property
    def theta(self) -> dict[str, float]:
        """The same as :attr:`parameters`."""
        return self.parameters

    @property
    def r2(self) -> float:
        """Share of the losses' variance that the law explains; 0 when all losses are equal."""
        loss = self.runs.loss
        spread = float(((loss - loss.mean()) ** 2).sum())
        return 1 - float(((loss - self.predicted) ** 2).sum()) / spread if spread > 0 else 0.0

    def intervals(self, level: float | None = None) -> dict[str, Interval]:
        """Parameter -> value with percentile interval."""
        return {
            name: interval_of(self.values[k], self.draws[:, k], level or self.level, self.why)
            for k, name in enumerate(self.law.names)
        }

    def report(self) -> str:
        """The fit as a few lines of text."""
        lines = [f"{self.law.name}: {self.law.formula}", f"  {len(self.runs)} runs in {self.runs.cells} cells"]
        for name, part in self.intervals().items():
            ends = "" if part.low is None or part.high is None else f"  [{part.low:.5g}, {part.high:.5g}]"
            lines.append(f"  {name:>8} = {part.mid:.5g}{ends}{'  (given)' if name in self.fixed else ''}")
        lines.append(
            f"  {self.level:.0%} intervals, {len(self.draws)} resamples ({self.method})"
            if not self.why
            else f"  {self.why}"
        )
        if not self.why:
            lines.append(f"  {model_error_line(self.model_error)}")
        lines.append(
            f"  objective {self._named} {self.objective:.6g}, R2 {self.r2:.5f}, "
            f"residuals {np.std(self.residuals):.2%} of the loss"
        )
        lines += [f"  warning {warn.code}: {warn.message}" for warn in self.warnings]
        return "\n".join(lines)

    @property
    def _named(self) -> str:
        """The objective and its delta."""
        return self.objective_name + (f" (delta {self.delta:.3g})" if self.objective_name == "huber-log" else "")

    def as_json(self) -> dict[str, Any]:
        """What ``synthmix fit --json`` prints; an end that is not defined is null."""
        return {
            "law": self.law.name,
            "formula": self.law.formula,
            "parameters": self.parameters,
            "intervals": {name: [part.low, part.high] for name, part in self.intervals().items()},
            "level": self.level,
            "objective": self.objective,
            "objective_name": self.objective_name,
            "delta": None if math.isinf(self.delta) else self.delta,
            "r2": self.r2,
            "model_error": _plain(self.model_error),
            "warnings": [{"code": warn.code, "message": warn.message} for warn in self.warnings],
        }

    def plot(self, along: str = "D", **held: Any) -> Any:
        """A plotly figure of the curve along N or D with its band and the runs; other columns are held as given.

        A column that is neither given nor constant in the runs is held at its largest value.
        """
        from synthmix.scaling.plots import curve

        column = getattr(self.runs, along)
        x = np.geomspace(column.min(), column.max() * 10, 120)
        for name in self.law.columns:
            if name != along and held.get(name) is None:
                held[name] = float(getattr(self.runs, name).max())
        at = {**held, along: x}
        near = np.ones(len(self.runs), dtype=bool)
        for name, value in held.items():
            if name in self.law.columns:
                near &= np.isclose(getattr(self.runs, name), value, rtol=0.02)
        low, high = self.interval(**at)
        return curve(x, self.predict(**at), low, high, column[near], self.runs.loss[near], along, self.law.formula)

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """All of it as JSON-like data and arrays; :meth:`of_state` makes it again."""
        runs = {name: getattr(self.runs, name) for name in (*COLUMNS, "loss", "weight", "group", "run")}
        plain = {
            "law": self.law.name, "formula": self.law.formula, "names": list(self.law.names),
            "objective": self.objective, "noise": vars(self.noise), "method": self.method, "level": self.level,
            "seed": self.seed, "delta": None if math.isinf(self.delta) else self.delta, "fixed": list(self.fixed),
            "objective_name": self.objective_name,
            "warnings": [warn.model_dump() for warn in self.warnings],
            "model_error": _plain(self.model_error),
        }  # fmt: skip
        arrays = {"values": self.values, "draws": self.draws}
        return plain, arrays | {f"runs.{name}": array for name, array in runs.items() if array is not None}

    @classmethod
    def of_state(cls, plain: dict[str, Any], arrays: Mapping[str, Any], law: Law | None = None) -> "Fit":
        """The fit of a :meth:`state`; give ``law`` for a law of your own.

        Raises:
            BadInput: its law is another one. KeyError: something is missing.
        """
        found = law or find(plain["law"])
        if list(found.names) != plain["names"]:
            raise BadInput(f"holds the parameters {plain['names']}, the law {found.name} has {list(found.names)}")
        runs = {name.removeprefix("runs."): array for name, array in arrays.items() if name.startswith("runs.")}
        return cls(
            law=found, values=np.array(arrays["values"]), draws=np.array(arrays["draws"]), runs=Runs(**runs),
            objective=plain["objective"], noise=Noise(**plain["noise"]), method=plain["method"], level=plain["level"],
            delta=math.inf if plain["delta"] is None else plain["delta"], seed=plain["seed"],
            warnings=[Warn(**warn) for warn in plain["warnings"]], fixed=tuple(plain["fixed"]),
            model=_model_error(plain.get("model_error")), objective_name=plain.get("objective_name", "huber-log"),
        )  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write everything to one JSON file."""
        plain, arrays = self.state()
        runs = {name.removeprefix("runs."): a.tolist() for name, a in arrays.items() if name.startswith("runs.")}
        held = {"values": self.values.tolist(), "draws": self.draws.tolist(), "runs": runs}
        units = "N non-embedding parameters, D tokens, loss nats per token"
        write_json(Path(path), {"format": "synthmix-fit-1", **plain, **held, "units": units}, digest=True)

    @classmethod
    def load(cls, path: str | Path, law: Law | None = None) -> "Fit":
        """Read what :meth:`save` wrote; give ``law`` for a law of your own.

        Raises:
            BadInput: not such a file, or its law is another one.
        """
        data = read_json(Path(path))
        if not isinstance(data, dict) or data.get("format") != "synthmix-fit-1":
            raise BadInput("is not a saved fit", where=path, remedy="write it with Fit.save")
        arrays = {"values": data["values"], "draws": data["draws"]}
        try:
            return cls.of_state(data, arrays | {f"runs.{name}": cells for name, cells in data["runs"].items()}, law)
        except BadInput as error:
            raise BadInput(error.problem, where=path) from None


def model_error_line(error: ModelError) -> str:
    """What the intervals of predictions hold beside sampling and seed noise."""
    if error.source == "public":
        return f"predictions: intervals x {error.factor:.2f}, from published runs: these allow no held-out cut"
    if error.source == "none":
        return "predictions: intervals hold sampling and seed noise, not the law's own error"
    return (
        f"predictions: intervals x {error.factor:.2f} for the law's own error, by {len(error.cuts)} held-out cuts of "
        f"these runs (median error {error.error or 0:.2%}, {error.decades:.1f} decades at most)"
    )


def _plain(error: ModelError) -> dict[str, Any]:
    return {
        "source": error.source,
        "factor": error.factor,
        "cuts": [{**vars(one), "direction": list(one.direction)} for one in error.cuts],
    }


def _model_error(plain: dict[str, Any] | None) -> ModelError | None:
    if plain is None:
        return None
    cuts = [InnerCut(**{**one, "direction": tuple(one["direction"])}) for one in plain["cuts"]]
    return ModelError(plain["source"], tuple(cuts))
