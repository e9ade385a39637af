"""Generated texts beside their sources, a bounded uniform sample of each set of them."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from synthmix.generation.assemble import Generated


@dataclass(frozen=True, slots=True)
class Pair:
    """``text`` was made from ``source`` (empty: from seeds, or it is not known); ``truncated``: at its token limit."""

    text: str
    source: str = ""
    truncated: bool = False


@dataclass
class Sample:
    """At most ``limit`` of the pairs that pass by, each with the same probability (Vitter's algorithm R, 1985).

    Memory: the texts that it holds. The same pairs in the same order give the same sample.
    """

    limit: int = 2_000
    seed: int = 0
    pairs: list[Pair] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(self, pair: Pair) -> None:
        """Look at one pair."""
        self.seen += 1
        if len(self.pairs) < self.limit:
            self.pairs.append(pair)
        elif (at := self._random.randrange(self.seen)) < self.limit:
            self.pairs[at] = pair

    def watch(self, documents: Iterable[Generated], *, seeded: bool = False) -> Iterator[Generated]:
        """Pass ``documents`` on and look at each; those of a seeded type have no source to be measured against."""
        for document in documents:
            self.add(Pair(document.text, "" if seeded else document.source_text, document.truncated))
            yield document


def sampled(pairs: Iterable[Pair], limit: int, seed: int = 0) -> Sample:
    """A sample of ``pairs``."""
    found = Sample(limit, seed)
    for pair in pairs:
        found.add(pair)
    return found
