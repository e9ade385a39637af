"""The one result of every valuation method, and the shape that all of them have."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from synthmix.interval import Interval
from synthmix.valuation.pool import Pool


@dataclass(frozen=True)
class Cost:
    """Of one score: wall ``seconds``, ``documents`` read, and the ``bytes`` of what was kept of them."""

    seconds: float = 0.0
    documents: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Score:
    """A dataset's value; higher is better.

    Attributes:
        value: the score.
        interval: around the score (its ``mid``) for other documents of the same kind and another sample of the
            reference; None where a method has none.
        terms: what the score is made of, by name, in the method's own units.
        warnings: ``code: what it means`` each.
    """

    name: str
    value: float
    interval: Interval | None = None
    terms: Mapping[str, float] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As ``synthmix value --json`` prints it."""
        return {
            "name": self.name,
            "score": self.value,
            "interval": None if self.interval is None else asdict(self.interval),
            "terms": dict(self.terms),
            "seconds": self.cost.seconds,
            "documents": self.cost.documents,
            "warnings": list(self.warnings),
        }


class Method(Protocol):
    """What ours and every baseline is: fitted once on the reference, then asked of one dataset at a time.

    The score of a dataset depends on the reference and on that dataset alone, never on the other candidates.
    """

    name: str

    def fit(self, reference: Pool) -> Self:
        """Read the reference: the target, never trained on."""
        ...

    def score(self, pool: Pool) -> Score:
        """The value of one dataset.

        Raises:
            BadInput: empty, of another kind or size of features than the reference, without labels where the
                reference has them.
        """
        ...
