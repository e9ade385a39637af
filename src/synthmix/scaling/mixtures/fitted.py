"""A fitted law of mixtures: its parameters with their posterior draws, and what it predicts, with intervals.

Shape letters: n points, k sources, t domains, p parameters, s draws.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.scaling.mixtures import link
from synthmix.scaling.mixtures.law import BoundLaw, MixtureLaw
from synthmix.scaling.mixtures.points import MixturePoints, MixtureRuns
from synthmix.scaling.mixtures.process import ResidualProcess
from synthmix.scaling.mixtures.solver import evaluate_responses
from synthmix.scaling.mixtures.terms import Units
from synthmix.scaling.runs import Array, Mask

_AT_THE_EDGE = 0.01  # of log N, log D: what a rounded size or budget is off by
Kind = Literal["mean", "new-run"]


class Noise(NamedTuple):
    """Of one run's response in each domain: exp(a + b (predicted - centre)), each (t,), and degrees of freedom."""

    a: Array
    b: Array
    centre: Array
    dof: Array

    def sd(self, logs: Array) -> Array:
        """Standard deviations (t, n) at predicted responses (t, n)."""
        found: Array = np.exp(self.a[:, None] + self.b[:, None] * (logs - self.centre[:, None]))
        return found


class Calibration(NamedTuple):
    """How held-out runs of the same table were predicted.

    Attributes:
        what: ``mixture``, mixtures held out; ``scale``, the largest N or D held out.
        error: mean absolute relative error there. covered: share inside of the interval before it was widened.
        factor: what half-widths are multiplied by so that they hold their level there, (t,). points: how many losses.
        errors: (n, t) predicted minus measured, over what was measured; of scores over the mean error. NaN for what
            was not held out or measured.
        predicted: (n, t) losses and errors, as :attr:`MixtureRuns.losses`; NaN likewise.
    """

    what: Literal["mixture", "scale"]
    error: float
    covered: float
    factor: Array
    points: int
    errors: Array
    predicted: Array


@dataclass(frozen=True, eq=False, repr=False)
class MixtureFit:
    """A law of mixtures fitted to runs.

    Attributes:
        law: with the terms that the runs bear. runs: what it was fitted to. units: of N and D.
        theta: (t, p) maximum a posteriori. draws: (s, t, p) of the posterior; s may be 0.
        noise: of one run. correlation: (t, t) of the domains' residuals. rho: of one run's checkpoints.
        covariance: (t, p, p) of the normal approximation at ``theta``.
        freedom: (t,) effective number of parameters.
        held_out: how held-out runs were predicted, and how that widens intervals.
        level: of intervals. warnings: coded.
        process: of the residuals; None: they do not hang together, or nothing shows that they do.
    """

    law: BoundLaw
    runs: MixtureRuns
    units: Units
    theta: Array
    draws: Array
    noise: Noise
    correlation: Array
    rho: float
    covariance: Array
    freedom: Array
    held_out: tuple[Calibration, ...] = ()
    level: float = 0.9
    warnings: list[Warn] = field(default_factory=list)
    process: ResidualProcess | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        """t names."""
        return self.runs.domains

    @property
    def sources(self) -> tuple[str, ...]:
        """k names."""
        return self.runs.points.sources

    @cached_property
    def names(self) -> list[str]:
        """p parameter names."""
        return self.law.names(self.runs.points)

    def __repr__(self) -> str:
        sd = np.exp(self.noise.a)
        return (
            f"<MixtureFit {self.law.name}: {len(self.runs)} runs of {len(self.sources)} sources, {len(self.domains)} "
            f"domains, residual {sd.min():.2%} to {sd.max():.2%}>"
        )

    def at(self, points: MixturePoints) -> MixturePoints:
        """The points with what the fit needs: N and D that all of its runs share, no limit where none is known.

        Raises:
            BadInput: other sources, or an N or D that is missing or that no run has.
        """
        here = self.runs.points
        if points.sources != here.sources:
            raise BadInput(
                f"are of {listed(points.sources)}, and the runs of {listed(here.sources)}",
                where="points",
                key="sources",
            )
        known: dict[str, Any] = {}
        for name in ("N", "D"):
            mine, theirs = getattr(here, name), getattr(points, name)
            if mine is None and theirs is not None:
                remedy = "leave it out, or give the runs' own"
                raise BadInput("is not known of the runs, so no law holds it", where="points", key=name, remedy=remedy)
            if mine is not None and theirs is None:
                if np.ptp(mine) > 1e-6 * mine.max():
                    raise BadInput("is missing", where="points", key=name, remedy=f"say at which {name}")
                known[name] = np.full(len(points), mine[0])
        found = replace(points, **known) if known else points
        if here.unique is not None and found.unique is None:
            found = replace(found, unique=np.full(found.shares.shape, np.inf))
        return found

    @property
    def chance(self) -> Array:
        """(t,) what guessing scores on each task; NaN where a loss is measured."""
        found: Array = self.runs.chance
        return found

    def _responses(self, points: MixturePoints) -> Array:
        """(t, n), at points that :meth:`at` completed."""
        found = link.response(self.law.predict(self.theta, points, self.units), self.chance)
        if self.process is not None:
            found = found + self.noise.sd(found) * self.process.mean(points)
        return found

    def predict(self, points: MixturePoints) -> Array:
        """Expected losses (n, t), and errors 1 - score of tasks."""
        return link.measured(self._responses(self.at(points)), self.chance).T

    def beside_law(self, points: MixturePoints) -> Array:
        """(n, t) what the process of the residuals adds to the losses and errors of the law."""
        points = self.at(points)
        law = link.response(self.law.predict(self.theta, points, self.units), self.chance)
        added = 0.0 if self.process is None else self.noise.sd(law) * self.process.mean(points)
        found: Array = (link.measured(law + added, self.chance) - link.measured(law, self.chance)).T
        return found

    def drawn(self, points: MixturePoints) -> Array:
        """Losses and errors (s, n, t) under each draw of the law."""
        s, t, p = self.draws.shape
        points, chance = self.at(points), np.tile(self.chance, s)
        value = self.law.predict(self.draws.reshape(s * t, p), points, self.units)
        found = link.measured(link.response(value, chance), chance)
        return np.swapaxes(found.reshape(s, t, len(points)), 1, 2)

    def spread(self, points: MixturePoints) -> tuple[Array, Array]:
        """Standard deviations (n, t) of the response: of the expected one, and of a new run's noise."""
        points = self.at(points)
        logs, slope = evaluate_responses(self.law, self.theta, points, self.units, self.chance)
        _, mean, noise = with_process(logs, slope, self.covariance, self.noise, self.process, points)
        return np.sqrt(mean).T, np.sqrt(noise).T

    def beyond(self, points: MixturePoints) -> Mask:
        """(n,) whether a point lies beyond the runs in N, D or N D, by more than one part in a hundred: models that are
        called 10M have 9.998M parameters."""
        outside, runs, points = np.zeros(len(points), dtype=bool), self.runs.points, self.at(points)
        for of in (log_n, log_d, _log_compute):
            there, here = of(points), of(runs)
            if there is not None and here is not None:
                outside |= (there > here.max() + _AT_THE_EDGE) | (there < here.min() - _AT_THE_EDGE)
        return outside

    def interval(
        self, points: MixturePoints, kind: Kind = "new-run", level: float | None = None
    ) -> tuple[Array, Array]:
        """Lower and upper ends (n, t) at each point.

        ``mean`` holds the expected loss of the mixture, ``new-run`` one further run with its noise. Both are widened by
        what held-out mixtures showed and, beyond the N or D of the runs, by what held-out scales showed.
        """
        from scipy.special import stdtrit

        level = self.level if level is None else level
        mean, noise = self.spread(points)
        half = np.sqrt(mean**2 + (noise**2 if kind == "new-run" else 0)) * stdtrit(self.noise.dof, (1 + level) / 2)
        half *= self.widening(points)
        mid = self._responses(self.at(points)).T
        return link.measured((mid - half).T, self.chance).T, link.measured((mid + half).T, self.chance).T

    def average(
        self, points: MixturePoints, weights: Mapping[str, float] | None = None, kind: Kind = "new-run",
        level: float | None = None,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        """The weighted mean of the domains' losses and the tasks' errors, and the ends of its interval, each (n,).

        Residuals and errors of the domains hang together as those of the runs do.
        """
        from scipy.special import stdtrit

        level, share = self.level if level is None else level, self.weighted(weights)
        mid = self.predict(points)
        mean, noise = self.spread(points)
        both = np.sqrt(mean**2 + (noise**2 if kind == "new-run" else 0)) * self.per_response(points)
        size = both * share * self.widening(points)
        sd = np.sqrt(np.einsum("nt,tu,nu->n", size, self.correlation, size))
        half = sd * stdtrit(float(self.noise.dof.min()), (1 + level) / 2)
        total = mid @ share
        return total, np.maximum(total - half, 0.0), total + half

    def per_response(self, points: MixturePoints) -> Array:
        """(n, t) what a deviation of the response is multiplied by for one of the loss or error."""
        return link.per_response(self._responses(self.at(points)), self.chance).T

    def widening(self, points: MixturePoints) -> Array:
        """(n, t) factor of the half-widths at each point."""
        factor = {each.what: each.factor for each in self.held_out}
        inside = factor.get("mixture", np.ones(len(self.domains)))
        outside = np.maximum(factor.get("scale", inside), inside)
        return np.where(self.beyond(points)[:, None], outside, inside)

    def repetition(self, weights: Array) -> tuple[float, Array] | None:
        """R* and its draws (s,), a mean over domains in logarithms; None where no run repeats a source."""
        if not self.runs.points.repeats or "log R*" not in self.names:
            return None
        place = self.names.index("log R*")
        return float(np.exp(self.theta[:, place] @ weights)), np.exp(self.draws[:, :, place] @ weights)

    def weighted(self, weights: Mapping[str, float] | None) -> Array:
        """Weights of the domains (t,), adding up to one; None: all alike.

        Raises:
            BadInput: a domain that is not there, a negative weight, or all are 0.
        """
        if weights is None:
            return np.full(len(self.domains), 1 / len(self.domains))
        for name, weight in weights.items():
            if name not in self.domains:
                raise BadInput(f"no domain {name!r}", key="objective", remedy=f"there are {listed(self.domains)}")
            if not (np.isfinite(weight) and weight >= 0):
                raise BadInput(f"the weight of {name!r} is {weight:g}", key="objective", remedy="give one of 0 or more")
        found = np.array([float(weights.get(name, 0.0)) for name in self.domains])
        if found.sum() <= 0:
            raise BadInput("every domain's weight is 0", key="objective")
        total: Array = found / found.sum()
        return total

    def as_json(self) -> dict[str, Any]:
        """What ``synthmix fit --json`` prints: parameters by domain in the coordinates of :attr:`names`."""
        parameters = {
            domain: {name: float(x) for name, x in zip(self.names, row, strict=True)}
            for domain, row in zip(self.domains, self.theta, strict=True)
        }
        held = [
            {
                "what": e.what,
                "error": e.error,
                "covered": e.covered,
                "widened": dict(zip(self.domains, e.factor.tolist(), strict=True)),
            }
            for e in self.held_out
        ]
        return {
            "law": self.law.name, "formula": self.law.formula, "sources": list(self.sources),
            "units": {"N": self.units.N, "D": self.units.D}, "parameters": parameters, "level": self.level,
            "chance": {d: float(c) for d, c in zip(self.domains, self.chance, strict=True) if np.isfinite(c)},
            "residual": dict(zip(self.domains, np.exp(self.noise.a).tolist(), strict=True)),
            "run_correlation": self.rho, "held_out": held,
            "warnings": [{"code": warn.code, "message": warn.message} for warn in self.warnings],
        }  # fmt: skip

    def save(self, path: str | Path) -> None:
        """Write everything to one JSON file, from which :meth:`load` predicts and decides the same.

        Raises:
            BadInput, Failure: it cannot be written to.
        """
        from synthmix.scaling.mixtures.saved import save_mixtures

        save_mixtures(self, path)

    @classmethod
    def load(cls, path: str | Path, law: MixtureLaw | None = None) -> "MixtureFit":
        """Read what :meth:`save` wrote; give ``law`` for a law of your own.

        Raises:
            BadInput: not such a file, damaged, or its law is another one.
        """
        from synthmix.scaling.mixtures.saved import load_mixtures

        return load_mixtures(path, law)

    def report(self) -> str:
        """The fit in a few lines."""
        lines = [f"{self.law.name}: {self.law.formula}", repr(self)[1:-1]]
        if np.isfinite(self.chance).any():
            tasks = [name for name, chance in zip(self.domains, self.chance, strict=True) if np.isfinite(chance)]
            lines.append(f"1 - score = (1 - chance) L / (1 + L): {listed(tasks)}")
        for each in self.held_out:
            held = "mixtures" if each.what == "mixture" else "the largest scale"
            inside = f"{each.covered:.0%} in the {self.level:.0%} interval"
            lines.append(
                f"held-out {held}: mean relative error {each.error:.2%} over {each.points} losses, {inside}, which is "
                f"widened by {float(np.median(each.factor)):.2f}"
            )
        return "\n".join(lines)


def with_process(
    logs: Array, slope: Array, covariance: Array, noise: Noise, process: ResidualProcess | None, points: MixturePoints
) -> tuple[Array, Array, Array]:
    """Expected responses, their variance, and that of one run about them, each (t, n)."""
    sd = noise.sd(logs)
    variance = np.maximum(np.einsum("tnp,tpq,tnq->tn", slope, covariance, slope), 0.0)
    if process is None:
        return logs, variance, sd**2
    mean, more, rest = process.at(points)
    return logs + sd * mean, variance + sd**2 * more, sd**2 * rest[:, None]


def log_n(points: MixturePoints) -> Array | None:
    return None if points.N is None else np.log(points.N)


def log_d(points: MixturePoints) -> Array | None:
    return None if points.D is None else np.log(points.D)


def _log_compute(points: MixturePoints) -> Array | None:
    return None if points.N is None or points.D is None else np.log(points.N) + np.log(points.D)
