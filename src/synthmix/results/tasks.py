"""The same by scores on tasks."""

from typing import Annotated, Literal

from synthmix.interval import Interval
from synthmix.results.parts import Part, Warn, formerly


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
    verdict: Annotated[Literal["agree", "disagree", "not determined"], formerly("cannot tell", "not determined")]
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
    the natural text, ``offset <source>`` the effect of a source's share at equal loss, in logits. ``id``: hash of the
    questions; None in files of earlier versions.
    """

    task: str
    metric: str
    id: str | None = None
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

    @property
    def at_chance(self) -> bool:
        """No run scored above guessing: the task says nothing of these models, nor of the best share."""
        return any(warning.code == "task_at_chance" for warning in self.warnings)
