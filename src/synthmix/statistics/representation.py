"""What synthetic text over- and under-represents against its source: words, word lists, topics."""

from collections.abc import Sequence
from dataclasses import dataclass

from synthmix.errors import BadInput
from synthmix.statistics.log_odds import WordContrast, log_odds
from synthmix.statistics.manner import Manner, manners
from synthmix.statistics.topics import Topic, topics
from synthmix.statistics.words import count_words

WORDS = 20


@dataclass(frozen=True)
class Representation:
    """``over`` and ``under``: words by z-score; ``topics`` is empty where there are too few documents."""

    name: str
    over: list[WordContrast]
    under: list[WordContrast]
    manners: list[Manner]
    topics: list[Topic]


def represented(
    name: str, synthetic: Sequence[str], source: Sequence[str], *, paired: bool = False, level: float = 0.9
) -> Representation:
    """Compare ``synthetic`` with ``source``; ``paired``: they correspond by position.

    Raises:
        BadInput: a side without words.
    """
    mine, theirs = count_words(synthetic), count_words(source)
    if not mine or not theirs:
        raise BadInput("holds no words", where=name)
    contrasts = log_odds(mine, theirs)
    try:
        found = topics(source, synthetic, level=level)
    except BadInput:  # too few documents to find topics in: the words stand alone
        found = []
    return Representation(
        name=name,
        over=[one for one in contrasts[:WORDS] if one.z > 0],
        under=[one for one in contrasts[: -WORDS - 1 : -1] if one.z < 0],
        manners=manners(source, synthetic, paired=paired, level=level),
        topics=found,
    )


def summary(found: Representation, most: int = 8) -> list[str]:
    """Plain lines: what is over and what is under, lists first, as far as the intervals say so."""
    lines = []
    for verdict, title in (("over", "More of"), ("under", "Less of")):
        lists = [
            f"{m.name} ({m.ratio.mid:.2f}x)" if m.ratio.mid is not None else m.name
            for m in found.manners
            if m.verdict == verdict
        ]
        if lists:
            lines.append(f"{title}: {', '.join(lists)}.")
        words = [c.word for c in (found.over if verdict == "over" else found.under)[:most]]
        lines.append(f"{title} the words {', '.join(words)}.")
        named = [" ".join(t.words[:4]) for t in found.topics if t.verdict == verdict][:4]
        if named:
            lines.append(f"{title} the topics {'; '.join(named)}.")
    return lines
