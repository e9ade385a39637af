"""What a task is: a target, a held-out test of it, datasets, and how the models of the truth are trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.valuation.contributors import Contributor
from synthmix.valuation.pool import Pool


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        references: what methods are fitted on. One; where there are several, each is a draw and results are means.
        contributors: the datasets to put in order.
        test: the target's held-out items for the truth: in no reference and in no contributor. None: published truth.
        learner: makes the learner, not yet fitted, that models of the truth are trained with, or None.
        published: the truth by contributor where it was measured elsewhere.
        group: the meta key whose values are not independent of each other (for a bootstrap over groups), or "".
        metrics: what the truth is measured in, the first one being what tables show; higher is better (minus losses).
        seeds: of the truth, at least three.
        costed: a model is trained on all datasets together, too, which costs are compared with.
    """

    name: str
    references: tuple[Pool, ...]
    contributors: tuple[Contributor, ...]
    test: Pool | None = None
    learner: Callable[[], Any] | None = None
    published: Mapping[str, float] | None = None
    group: str = ""
    metrics: tuple[str, ...] = ("accuracy", "loss")
    seeds: int = 3
    costed: bool = True

    @property
    def reference(self) -> Pool:
        return self.references[0]
