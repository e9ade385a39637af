"""What was trained on, trained, and spent. None where another trainer's runs were read and do not say it."""

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from synthmix.interval import Interval
from synthmix.results.parts import Part, formerly

# Infinite where training diverged to no finite loss; JSON, which knows no infinity, holds null.
_Loss = Annotated[
    float,
    BeforeValidator(lambda value: math.inf if value is None else value),
    PlainSerializer(lambda value: value if math.isfinite(value) else None, return_type=float | None),
]


class RunRow(Part):
    """One trained model. ``share`` is the synthetic share; ``losses``/``bits`` are per held-out domain; ``tasks`` are
    scores between 0 and 1. ``trace``: ``(tokens, training loss)`` along the run, some points of it; ``heldout``:
    ``(tokens, loss by held-out domain)`` likewise, on a part of each domain. ``diverged``: code of why it diverged;
    ``rate_factor``: of its learning rate, below 1 where it diverged and was repeated."""

    id: str
    recipe: str
    synthetic: str | None
    share: float
    params: int
    params_total: int | None
    tokens: int
    seed: int
    loss: _Loss
    losses: dict[str, float]
    bits: dict[str, float]  # bits per byte
    flops: float
    seconds: float | None
    tokens_per_second: float | None
    epochs: dict[str, float]
    tasks: dict[str, float] = Field(default={})
    trace: list[tuple[int, float]] = Field(default=[])
    heldout: list[tuple[int, dict[str, float]]] = Field(default=[])
    diverged: str | None = None
    rate_factor: float = 1.0


class Recipe(Part):
    """A mixture: ``synthetic`` is None for the natural text alone or a mixture of several synthetic sources.

    ``unique``: source whose text was cut -> its unique tokens over a run's budget (simulated epochs).
    """

    name: str
    shares: dict[str, float]
    synthetic: str | None
    share: float
    unique: dict[str, float] = Field(default={})


class Domain(Part):
    """A held-out domain; ``whole``: nothing of it was trained on, not even other documents."""

    name: str
    whole: bool
    documents: int | None
    tokens: int | None
    bytes: int | None


class CorpusRow(Part):
    """One corpus as built."""

    name: str
    kind: Annotated[Literal["natural", "synthetic"], formerly("real", "natural")]
    documents: int | None
    train_tokens: int | None
    bytes: int | None
    origin: str
    license: str
    removed: dict[str, int]  # reason -> documents


class Statistic(Part):
    """Unigram statistics of one recipe against one held-out domain."""

    recipe: str
    domain: str
    coverage_mass: float
    coverage_types: float
    kl_test_train: float  # nats
    smoothing: str
    train_tokens: int
    test_tokens: int


class Noise(Part):
    """Seed noise from replicated cells: pooled standard deviation of the averaged loss, nats; ``by``: of recipes whose
    replicates say that they differ in it."""

    sd: float | None
    cells: int
    runs: int
    by: dict[str, float] = Field(default={})

    @property
    def dof(self) -> int:
        """Its degrees of freedom."""
        return self.runs - self.cells


class Spent(Part):
    """What the study cost, in all sessions together. ``tokens`` were really trained; ``tokens_separate`` is what the
    same runs would have taken without sharing trunks."""

    runs: int
    trunks: int = 0
    tokens: int
    tokens_separate: int | None = None
    flops: float
    run_seconds: float | None
    stage_seconds: dict[str, float]
    device: str | None


class SharePoint(Part):
    """One trained model on the share curve."""

    share: float
    loss: float
    seed: int


class ShareCurve(Part):
    """Loss against the share of one synthetic source at one measured (params, tokens)."""

    synthetic: str
    params: int
    tokens: int
    measured: list[SharePoint]
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    best: Interval
    flat: tuple[float, float] | None  # shares whose loss is within the noise of the best
