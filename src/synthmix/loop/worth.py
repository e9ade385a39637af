"""What text adds to the text that there is, for a reference: by the score of :mod:`synthmix.valuation`, in nats.

One half of the reference's documents (by the hash of their text) tells what a round was worth, the other half, which
no decision sees, what all rounds were worth together. A score is a number of its own; it is told in nats per token of
a trained model's loss by the mean factor of the tasks on which models were trained
(:func:`synthmix.valuation.verdicts.nats_per_score`), which is uncertain by about a third.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from synthmix.corpus.sources import Document, text_hash
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.valuation.load import text_pool
from synthmix.valuation.pool import Pool
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.guards import Leak
from synthmix.valuation.valuer import LEAST, Valuer
from synthmix.valuation.verdicts import gain_over, nats_per_score

CONTAINED = 0.5  # part of the reference's runs of words, from which nothing is missing that could be written
MOST = 20_000  # documents of the reference that are used, the first by the hash of their text


def halves(reference: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that choose and those that check: every second text in the order of their hashes; copies count once.

    Raises:
        BadInput: fewer than twice what a reference needs.
    """
    texts = sorted(set(reference), key=text_hash)[:MOST]
    if len(texts) < 2 * LEAST:
        raise BadInput(
            f"holds {len(texts)} documents, where {2 * LEAST} are needed: half of them choose, the others check",
            key="need",
            remedy="give more of the reference: two hundred documents or more",
        )
    return texts[::2], texts[1::2]


@dataclass(frozen=True)
class Gained:
    """``interval``: what a round added, nats per token; ``error``: its standard deviation by the sampling of the text
    and the reference."""

    interval: Interval
    error: float


class Worth:
    """The value of growing text.

    Args:
        have: what there is, that can be gone through several times.
        reference: texts of one half.
        tokenizer: of the valuer; None: one is trained on the reference.

    Raises:
        BadInput: the reference is contained in what there is.
    """

    def __init__(self, have: Iterable[Document], reference: Sequence[str], *, tokenizer: Any = None) -> None:
        self.valuer = Valuer(tokenizer=tokenizer).fit(Pool.of("need", list(reference)))
        self._have: Summary = self.valuer.summarise(text_pool("have", have))
        leak = next(term for term in self.valuer.terms if isinstance(term, Leak))
        if (share := leak.value(self._have.total(leak.reads))) >= CONTAINED:
            raise BadInput(
                f"{share:.0%} of its runs of eight words stand in the text there is already",
                key="need",
                remedy="name a reference that nothing was trained on",
            )
        self._now = self._have
        self.nats = nats_per_score()

    def would_add(self, texts: Sequence[str]) -> tuple[Gained, Summary]:
        """What ``texts`` add to all that there is now, and their summary."""
        read = self.valuer.summarise(Pool.of("round", texts, share=0.0))
        gain = gain_over(self.valuer, self._now, read)
        told = gain.interval.scaled(self.nats)
        return Gained(told, (told.half_width or 0.0) / NormalDist().inv_cdf(0.5 + told.level / 2)), read

    def add(self, read: Summary) -> None:
        """From now on it is there."""
        self._now = self._now + read

    def again(self) -> "Worth":
        """The same without what was added."""
        made = copy(self)
        made._now = self._have
        return made

    def added(self, texts: Sequence[str]) -> Interval:
        """What ``texts`` add to what there was at the beginning, nats per token."""
        read = self.valuer.summarise(Pool.of("written", texts, share=0.0))
        return gain_over(self.valuer, self._have, read).interval.scaled(self.nats)
