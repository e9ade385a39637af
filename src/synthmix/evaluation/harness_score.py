"""What one task says of one model: a score, its noise, and what guessing would give."""

from pydantic import BaseModel, ConfigDict


class TaskScore(BaseModel):
    """A task's score, as it is kept in a run's record beside the losses.

    Attributes:
        id: hash of the task (its configuration, its questions, how many of them): a score counts while it is the same.
        metric: what ``value`` is; between 0 and 1, more is better.
        stderr: of ``value`` by the choice of questions; None where the harness gives none.
        chance: score of guessing: the mean of 1/choices; 0 where the answer is written freely.
        items: questions asked.
        answer_nats: mean nats per byte of the right answer, given the question (the "task loss" of Bhagia et al.,
            arXiv 2412.04403, in nats); it tells small models apart long before they leave chance. None where no
            answer is scored by its likelihood.
        others: the task's other metrics, by name.
        harness: version of lm-evaluation-harness.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    metric: str
    value: float
    stderr: float | None = None
    chance: float = 0.0
    items: int
    answer_nats: float | None = None
    fewshot: int | None = None
    others: dict[str, float] = {}
    harness: str
