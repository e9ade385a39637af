"""What is measured of the written text beside its value, and the limits that a user sets on it.

Every measure is a function of sums over documents (:class:`Tally`), so that it is known of any part of the text: of an
arm, of all arms together, of what a further round would make of them. Measures are proxies, as those of
:mod:`synthmix.generation.measures` and :mod:`synthmix.statistics.representation` are, which they are made of.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from synthmix.errors import BadInput
from synthmix.generation.measures import Pair, faithfulness
from synthmix.quantities import parse_share, percent
from synthmix.statistics.count import words_of
from synthmix.statistics.representation import LISTS, TopicModel, list_counts

NEAR = 0.5  # part of a text's word 5-grams that stand in its source, from which it is a near-copy (CHOSEN)
PHRASE = 4  # words of a phrase
RARE = 0.01  # phrases in fewer of a round's documents are not counted
_FEMININE, _MASCULINE = (list(LISTS).index(name) for name in ("feminine terms", "masculine terms"))


def _share(value: object) -> object:
    return value if value is None else float(parse_share(value))


Part = Annotated[float | None, BeforeValidator(_share), Field(ge=0, le=1)]


@dataclass(frozen=True)
class About:
    """What a measure is; ``end``: whether its limit is the highest or the lowest value that is allowed."""

    end: Literal["most", "least"]
    says: str


ABOUT = {
    "near_copies": About("most", "documents of which half of the 5-grams stand in their source"),
    "one_generator": About("most", "tokens of the generator that wrote most"),
    "one_phrase": About("most", "documents with the commonest run of four words, less those of the text there is"),
    "groups": About("most", "feminine terms among gendered ones, apart from the text there is"),
    "topics": About("most", "documents that would have to change their topic to be as the text there is"),
    "numbers_kept": About("least", "of a source's numbers, those that the text has"),
    "names_kept": About("least", "of a source's names, those that the text has"),
}


class Limits(BaseModel):
    """Limits of :data:`ABOUT`, shares between 0 and 1; None: measured and not limited."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    near_copies: Part = None
    one_generator: Part = None
    one_phrase: Part = None
    groups: Part = None
    topics: Part = None
    numbers_kept: Part = None
    names_kept: Part = None

    @property
    def given(self) -> dict[str, float]:
        """Those that there are."""
        return {name: value for name in ABOUT if (value := getattr(self, name)) is not None}

    def check(self, voices: set[str], where: str | Path) -> None:
        """
        Raises:
            BadInput: a limit that no choice of the arms can meet.
        """
        if self.one_generator is not None and self.one_generator * len(voices) < 1 - 1e-9:
            raise BadInput(
                f"no choice of arms meets {percent(self.one_generator)}: they have {len(voices)} generator"
                f"{'s' if len(voices) > 1 else ''}",
                where=where,
                key="limits.one_generator",
                remedy=f"allow {percent(1 / len(voices))} or more, or add a generator",
            )

    def broken(self, measures: Mapping[str, float | None]) -> list[str]:
        """The limits that a text with these ``measures`` does not meet; a measure that is not defined meets its own."""
        return [name for name, limit in self.given.items() if excess(name, measures.get(name), limit) > 0]

    def allows(self, now: Mapping[str, float | None], then: Mapping[str, float | None]) -> bool:
        """Whether a step is allowed: every limit is met after it, or at least nearer than before."""
        for name, limit in self.given.items():
            after = excess(name, then.get(name), limit)
            if after > 0 and not after < excess(name, now.get(name), limit):
                return False
        return True


def excess(name: str, value: float | None, limit: float) -> float:
    """How far a measure is beyond its limit; rounding is not."""
    if value is None:
        return 0.0
    beyond = value - limit if ABOUT[name].end == "most" else limit - value
    return beyond if beyond > 1e-9 else 0.0


@dataclass
class Tally:
    """Sums over documents.

    Attributes:
        documents, tokens: how many. voices: tokens by generator.
        sourced: documents whose source is known; copies: near-copies among them.
        numbers, names: (documents whose source has some, sum over them of the share that is kept).
        feminine, masculine: terms. topics: documents by topic (k,). phrases: documents by run of four words, in lower
            case; those that are rare in a round are left out.
    """

    documents: float = 0.0
    voices: Counter[str] = field(default_factory=Counter)
    sourced: float = 0.0
    copies: float = 0.0
    numbers: tuple[float, float] = (0.0, 0.0)
    names: tuple[float, float] = (0.0, 0.0)
    feminine: float = 0.0
    masculine: float = 0.0
    topics: np.ndarray = field(default_factory=lambda: np.zeros(0))
    phrases: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.documents + other.documents,
            self.voices + other.voices,
            self.sourced + other.sourced,
            self.copies + other.copies,
            (self.numbers[0] + other.numbers[0], self.numbers[1] + other.numbers[1]),
            (self.names[0] + other.names[0], self.names[1] + other.names[1]),
            self.feminine + other.feminine,
            self.masculine + other.masculine,
            self.topics + other.topics if len(self.topics) and len(other.topics) else max(
                self.topics, other.topics, key=len
            ),
            self.phrases + other.phrases,
        )  # fmt: skip

    def scaled(self, factor: float) -> "Tally":
        """As if every document counted ``factor`` times."""

        def all_of(counts: Counter[str]) -> Counter[str]:
            return Counter({key: value * factor for key, value in counts.items()})

        return Tally(
            self.documents * factor,
            all_of(self.voices),
            self.sourced * factor,
            self.copies * factor,
            (self.numbers[0] * factor, self.numbers[1] * factor),
            (self.names[0] * factor, self.names[1] * factor),
            self.feminine * factor,
            self.masculine * factor,
            self.topics * factor,
            all_of(self.phrases),
        )


def measures_of(written: Tally, natural: Tally) -> dict[str, float | None]:
    """The measures of :data:`ABOUT`; None where one is not defined (no source has a number)."""

    def part(of: float, all_: float) -> float | None:
        return of / all_ if all_ else None

    tokens = sum(written.voices.values())
    phrase = max(
        (count / written.documents - natural.phrases[key] / max(natural.documents, 1)
         for key, count in written.phrases.items()),
        default=0.0,
    ) if written.documents else None  # fmt: skip
    mine, theirs = (part(each.feminine, each.feminine + each.masculine) for each in (written, natural))
    apart = None
    if len(written.topics) and len(natural.topics) and written.topics.sum() and natural.topics.sum():
        shares = written.topics / written.topics.sum() - natural.topics / natural.topics.sum()
        apart = float(np.abs(shares).sum() / 2)
    return {
        "near_copies": part(written.copies, written.sourced),
        "one_generator": part(max(written.voices.values(), default=0.0), tokens),
        "one_phrase": None if phrase is None else max(phrase, 0.0),
        "groups": None if mine is None or theirs is None else abs(mine - theirs),
        "topics": apart,
        "numbers_kept": part(written.numbers[1], written.numbers[0]),
        "names_kept": part(written.names[1], written.names[0]),
    }


def tallied(pairs: Sequence[Pair], voice: str, tokens: float, topics: TopicModel | None) -> Tally:
    """The sums over ``pairs`` (text and source), written by ``voice``."""
    found = Tally(documents=len(pairs), voices=Counter({voice: tokens}))
    phrases: Counter[str] = Counter()
    numbers, names = [0.0, 0.0], [0.0, 0.0]
    for pair in pairs:
        words = words_of(pair.text)
        phrases.update({" ".join(words[i : i + PHRASE]) for i in range(len(words) - PHRASE + 1)})
        counts = list_counts(pair.text)
        found.feminine += int(counts[_FEMININE])
        found.masculine += int(counts[_MASCULINE])
        measured = faithfulness(pair.text, pair.source)
        if measured:
            found.sourced += 1
            found.copies += measured.get("copied", 0.0) >= NEAR
        for name, sums in (("numbers_kept", numbers), ("names_kept", names)):
            if name in measured:
                sums[0] += 1
                sums[1] += measured[name]
    found.numbers, found.names = (numbers[0], numbers[1]), (names[0], names[1])
    least = max(2.0, RARE * len(pairs))
    found.phrases = Counter({key: count for key, count in phrases.items() if count >= least})
    if topics is not None and pairs:
        found.topics = topics.counts([pair.text for pair in pairs])
    return found
