"""How far the compute-optimal model size moves with what the fit minimises.

The parametric fit, Hoffmann et al.'s third approach, answers differently for each objective where the law is not the
runs' law: the Huber loss with a small delta weighs every run alike, squares of the losses the small and poor ones.
"""

from dataclasses import dataclass, replace

from synthmix.scaling.fit import fit
from synthmix.scaling.fitted import OBJECTIVES, Fit, ObjectiveName
from synthmix.scaling.model_error import NO_MODEL_ERROR
from synthmix.scaling.optimal import Optimum, compute_optimal


@dataclass(frozen=True)
class ObjectiveOptima:
    """What each objective answers at one compute, and how far the answers lie apart.

    Attributes:
        optima: objective -> N, D, the loss there and the exponent; the fit's own first, with its intervals, the
            others fitted without resamples.
        size_ratio: the largest N over the smallest; None where an objective has no inner optimum.
        exponent_range: the largest exponent minus the smallest; None as well.
    """

    flops: float
    optima: dict[ObjectiveName, Optimum]

    @property
    def size_ratio(self) -> float | None:
        sizes = [one.N.mid for one in self.optima.values() if one.N.mid is not None]
        return max(sizes) / min(sizes) if len(sizes) == len(self.optima) else None

    @property
    def exponent_range(self) -> float | None:
        found = [one.exponent.mid for one in self.optima.values() if one.exponent.mid is not None]
        return max(found) - min(found) if len(found) == len(self.optima) else None


def across_objectives(found: Fit, flops: float, **columns: float) -> ObjectiveOptima:
    """The compute-optimal N and D by each of :data:`OBJECTIVES`, ``found`` refitted by the others.

    Args:
        columns: other columns of the law (share, ...) that are held, as for :func:`compute_optimal`.

    Raises:
        BadInput: the law lacks N or D, or ``flops`` is not positive.
    """
    optima = {found.objective_name: compute_optimal(found, flops, **columns)}
    given = {name: float(found.values[found.law.names.index(name)]) for name in found.fixed}
    for name in OBJECTIVES:
        if name not in optima:
            other = fit(found.law, found.runs, bootstrap=0, objective=name, fixed=given, most_runs=None)
            optima[name] = compute_optimal(replace(other, model=NO_MODEL_ERROR), flops, **columns)
    return ObjectiveOptima(flops, optima)
