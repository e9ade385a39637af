"""What every method beside the score shares: one constructor, the count of what was read, the clock, one result."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.interval import Interval
from synthmix.valuation.encoding import Encoder, encoder_for
from synthmix.valuation.learners import Learner, learner_for
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Cost, Score
from synthmix.valuation.uncertainty import LEVEL, around, half_width
from synthmix.valuation.words import texts_in

HOLD = 20_000  # items of the reference that a model is trained on


@dataclass(frozen=True)
class Result:
    """A value and what it is made of. ``kept``: bytes that were held of the pool. ``each``: (n,) where the value is the
    mean over documents, so that it has an interval (of their sampling; the reference is taken as it is)."""

    value: float
    terms: Mapping[str, Any] = field(default_factory=dict)
    kept: int = 0
    warnings: tuple[str, ...] = ()
    each: np.ndarray | None = None

    def interval(self, level: float = LEVEL) -> Interval | None:
        """By the normal distribution of a mean; None where the value is none, or of one document."""
        if self.each is None or len(self.each) < 2:
            return None
        n = len(self.each)
        parts = (self.each - np.mean(self.each)) / (n * (n - 1)) ** 0.5
        return around(float(self.value), float(half_width(parts, level)), level)


class CountedPool(Pool):
    """A pool that knows how many items its latest full pass had."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool.name, pool.batches, share=pool.share)
        self.count = 0

    def batches(self) -> Iterator[Batch]:
        """See :class:`.Pool`."""
        count = 0
        for batch in super().batches():
            count += len(batch)
            yield batch
        self.count = count


class Baseline:
    """A :class:`synthmix.valuation.score.Method`; each names its source and says what was CHOSEN.

    All take the same keywords, so that a benchmark can hand the same to each; a method leaves alone what it has no use
    for. No baseline's score of a pool looks at another candidate; those that are defined on all candidates have a
    ``score_all`` beside ``score``.
    """

    name = ""

    def __init__(
        self, *, encoder: Encoder | None = None, learner: Learner | None = None, most: int = 1000, seed: int = 0
    ) -> None:
        """``encoder``, ``learner``: fitted ones; by default those for what the reference holds. ``most``: items of a
        pool, and of the reference, that are looked at, a uniform sample of larger ones."""
        self.encoder, self.most, self.seed = encoder, most, seed
        self.learner: Any = learner
        self.fitted = False

    def fit(self, reference: Pool) -> Self:
        """Read the reference."""
        self._fit(reference)
        self.fitted = True
        return self

    def score(self, pool: Pool) -> Score:
        """The value of one pool; higher is better.

        Raises:
            BadInput: not fitted yet, or a pool that the method cannot value (it says what it needs).
        """
        if not self.fitted:
            raise BadInput("is not fitted", where=self.name, remedy="call fit(reference) first")
        begun, counted = time.perf_counter(), CountedPool(pool)
        try:
            found = self._value(counted)
        except BadInput as error:
            if error.where is not None:
                raise
            raise BadInput(error.problem, where=pool.name, key=error.key, remedy=error.remedy) from None
        if not np.isfinite(found.value):
            raise Failure(f"the score is {found.value}", where=pool.name, remedy=f"{self.name} cannot value this pool")
        cost = Cost(time.perf_counter() - begun, counted.count, found.kept)
        terms = {name: float(term) for name, term in found.terms.items()}
        return Score(pool.name, float(found.value), found.interval(), terms=terms, cost=cost, warnings=found.warnings)

    def _fit(self, reference: Pool) -> None:
        """Nothing to keep, unless a method says otherwise."""

    def _value(self, pool: CountedPool) -> Result:
        raise NotImplementedError

    def _sample(self, pool: Pool) -> Batch:
        return pool.take(self.most, seed=self.seed)

    def _learner(self, reference: Pool) -> Any:
        """The learner that was given, else the default one, fitted."""
        self.learner = self.learner or learner_for(reference)
        return self.learner

    def _encoder(self, reference: Pool) -> Encoder:
        """The encoder that was given, else the default one, fitted."""
        self.encoder = self.encoder or encoder_for(reference)
        return self.encoder


class DocumentMethod(Baseline):
    """A method that judges each text by itself, so that it also chooses documents; a pool's value is their mean.

    Attributes:
        least: documents of a reference that it can be fitted to.
    """

    least = 2

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n,) values; higher is better."""
        raise NotImplementedError

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,) values of all documents of a pool, in its order, in one pass.

        Raises:
            BadInput: it holds no text.
        """
        return pool.values(self._of_batch)

    def _of_batch(self, batch: Batch) -> np.ndarray:
        return self.of_texts(texts_in(batch))

    def _value(self, pool: CountedPool) -> Result:
        each = self.documents(pool)
        return Result(float(each.mean()), {}, each.nbytes, each=each)


def pool_of(name: str, batch: Batch) -> Pool:
    """A batch as a pool."""
    return Pool.of(name, batch.items, batch.labels)


def one_class(labels: np.ndarray | None) -> tuple[str, ...]:
    """The warning where all labels are equal."""
    if labels is None or len(np.unique(labels)) > 1:
        return ()
    return ("one-class: all labels are equal",)
