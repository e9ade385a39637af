"""The laws, their curves, and what they leave over."""

from typing import Literal

from synthmix.interval import Interval
from synthmix.results.parts import Part, Warn


class HeldOut(Part):
    """A law fitted without ``what`` (for example the largest budget) and asked to predict it."""

    what: str
    fitted: int
    predicted: int
    mean_abs_relative_error: float
    worst_abs_relative_error: float


class FitSummary(Part):
    """One fitted law. ``recipe`` None: fitted to all recipes of ``synthetic``; ``params``/``tokens``: held fixed."""

    law: str
    formula: str
    recipe: str | None
    synthetic: str | None = None
    params: int | None
    tokens: int | None
    points: int
    parameters: dict[str, Interval]
    r2: float
    objective: float
    held_out: HeldOut | None
    warnings: list[Warn]


class Curve(Part):
    """A fitted curve with its band: loss against ``along``, the other size fixed at ``fixed``."""

    recipe: str
    law: str
    along: Literal["tokens", "params"]
    fixed: int
    x: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


class Residual(Part):
    """One run against the law that answers for its recipe: ``ln loss - ln predicted``."""

    recipe: str
    params: int
    tokens: int
    seed: int
    residual: float


class ProfileCurve(Part):
    """Profile likelihood of one parameter of a recipe's own law: excess of the objective where it is held."""

    recipe: str
    law: str
    parameter: str
    values: list[float]
    excess: list[float]
    threshold: float  # of the interval at the study's level
    interval: Interval


class IsoFlop(Part):
    """Loss of a recipe's own law along one FLOP budget (6 N D), and the size that is best for it."""

    recipe: str
    flops: float
    params: list[float]
    loss: list[float]
    best_params: Interval
    best_tokens: Interval
    best_loss: Interval
