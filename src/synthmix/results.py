"""What a study found, as one validated object: written by study/, read by report/ and by people's own code.

Losses are in nats per token, parameters non-embedding, intervals at ``level`` (0.9 unless it says otherwise).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of the parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Part):
    """A value with its interval; ``value`` None means undefined, and ``why`` says so in one clause."""

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.9
    why: str | None = None


class Warn(Part):
    """A coded warning with a sentence a person can act on; ``about`` names the recipe, law or corpus."""

    code: str
    message: str
    about: str | None = None


class RunRow(Part):
    """One trained model. ``share`` is the synthetic share; ``losses``/``bits`` are per held-out domain; ``tasks`` are
    scores between 0 and 1."""

    id: str
    recipe: str
    synthetic: str | None
    share: float
    params: int
    params_total: int
    tokens: int
    seed: int
    loss: float
    losses: dict[str, float]
    bits: dict[str, float]  # bits per byte
    flops: float
    seconds: float
    tokens_per_second: float
    epochs: dict[str, float]
    tasks: dict[str, float] = {}


class Recipe(Part):
    """A mixture: ``synthetic`` is None for the natural text alone or a mixture of several synthetic sources."""

    name: str
    shares: dict[str, float]
    synthetic: str | None
    share: float


class HeldOut(Part):
    """A law fitted without ``what`` (for example the largest budget) and asked to predict it."""

    what: str
    fitted: int
    predicted: int
    mean_abs_relative_error: float
    worst_abs_relative_error: float


class FitSummary(Part):
    """One fitted law. ``recipe`` None: fitted to all recipes together; ``params``/``tokens``: held fixed there."""

    law: str
    formula: str
    recipe: str | None
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


class SharePoint(Part):
    """One trained model on the share curve."""

    share: float
    loss: float
    seed: int


class ShareCurve(Part):
    """Loss against the share of one synthetic source at one (params, tokens); measured, or the question's."""

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
    is_question: bool


class RecipeAnswer(Part):
    """What one recipe is expected to give at the question's size and budget."""

    recipe: str
    share: float
    synthetic: str | None
    law: str
    loss: Interval  # of the mean curve
    new_run: Interval  # of one new run, seed noise included
    difference: Interval  # loss minus the natural text's: below zero, the mixture is better
    speedup: Interval  # tokens of natural text for the same loss, over the mixture's
    charged: Interval | None = None  # the same in FLOPs, the generation of the synthetic tokens charged; None: unknown
    collapse: str | None = None  # does its curve flatten against the natural one: verdict and reason


class Answer(Part):
    """The answer for the study's question. ``decades_*``: log10 of the question over the largest trained."""

    params: int
    tokens: int
    decades_params: float
    decades_tokens: float
    recipes: list[RecipeAnswer]


class ScorePoint(Part):
    """One trained model's score on a task."""

    share: float
    score: float
    seed: int


class TaskShare(Part):
    """The best share of one source by a task's score, beside that by loss, at one (params, tokens)."""

    synthetic: str
    params: int
    tokens: int
    is_question: bool
    by_loss: Interval
    by_score: Interval
    flat_loss: tuple[float, float] | None
    flat_score: tuple[float, float] | None
    common: tuple[float, float] | None  # shares within the noise of the best by both
    verdict: Literal["agree", "disagree", "cannot tell"]
    reason: str
    measured: list[ScorePoint]
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


class TaskAnswer(Part):
    """What a recipe is expected to score at the question's size and budget: loss law, then the task's own."""

    recipe: str
    share: float
    synthetic: str | None
    score: Interval
    difference: Interval  # score minus the natural text's: above zero, the mixture is better


class TaskFound(Part):
    """One task over the runs of a study: the law from loss to score, the question, the best shares.

    ``parameters`` is empty where no law could be fitted; ``loss``, ``mean``, ``low`` and ``high`` are its curve for
    the natural text, ``offset <source>`` the effect of a source's share at equal loss, in logits.
    """

    task: str
    metric: str
    items: int
    chance: float
    runs: int
    formula: str
    parameters: dict[str, Interval]
    r2: float | None
    loss: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    answers: list[TaskAnswer]
    shares: list[TaskShare]
    warnings: list[Warn]


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


class Domain(Part):
    """A held-out domain; ``whole``: nothing of it was trained on, not even other documents."""

    name: str
    whole: bool
    documents: int
    tokens: int
    bytes: int


class CorpusRow(Part):
    """One corpus as built."""

    name: str
    kind: Literal["real", "synthetic"]
    documents: int
    train_tokens: int
    bytes: int
    origin: str
    license: str
    removed: dict[str, int]  # reason -> documents


class Noise(Part):
    """Seed noise from replicated cells: pooled standard deviation of the averaged loss."""

    sd: float | None
    cells: int
    runs: int


class Spent(Part):
    """What the study cost, in all sessions together. ``tokens`` were really trained; ``tokens_separate`` is what the
    same runs would have taken without sharing trunks."""

    runs: int
    trunks: int = 0
    tokens: int
    tokens_separate: int | None = None
    flops: float
    run_seconds: float
    stage_seconds: dict[str, float]
    device: str


class Results(Part):
    """All of it."""

    study: str
    version: str
    averaging: str
    context: int
    domains: list[Domain]
    corpora: list[CorpusRow]
    recipes: list[Recipe]
    runs: list[RunRow]
    noise: Noise
    fits: list[FitSummary]
    curves: list[Curve]
    share_curves: list[ShareCurve]
    answer: Answer | None
    statistics: list[Statistic]
    residuals: list[Residual] = []
    profiles: list[ProfileCurve] = []
    isoflops: list[IsoFlop] = []
    tasks: list[TaskFound] = []
    spent: Spent
    versions: dict[str, str]
    protocol: dict[str, str]  # how the models were trained, in words
    warnings: list[Warn]
