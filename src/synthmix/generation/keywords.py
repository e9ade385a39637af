"""Seeds of new text: keywords that the natural corpus gives, an audience and a level, drawn by a seed.

The keywords of one text come from one document, so that they belong together: words that it uses and few others do.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"[^\W\d_]{4,}")
# (audience, level): pairs that fit together (CHOSEN).
READERS = (
    ("school pupils of about twelve", "elementary"),
    ("secondary-school students", "introductory"),
    ("secondary-school students who prepare for university", "intermediate"),
    ("first-year university students", "introductory"),
    ("university students of the subject", "intermediate"),
    ("graduate students", "advanced"),
    ("professionals from another field", "introductory"),
    ("professionals of the field", "advanced"),
    ("curious adults without previous knowledge", "elementary"),
    ("teachers who prepare a lesson", "intermediate"),
)


@dataclass(frozen=True)
class Seeds:
    """What one seeded prompt shows."""

    keywords: tuple[str, ...]
    audience: str
    level: str

    def __str__(self) -> str:
        return f"keywords: {', '.join(self.keywords)}; audience: {self.audience}; level: {self.level}"


class Vocabulary:
    """In how many of ``documents`` texts each word occurs; words of one text alone are forgotten.

    A word has four letters or more and counts in lower case.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        counted: Counter[str] = Counter()
        self.documents = 0
        for text in texts:
            counted.update({word.lower() for word in _WORD.findall(text)})
            self.documents += 1
        self.occurs = {word: count for word, count in counted.items() if count > 1}

    def salience(self, text: str, *, most: float = 0.1) -> dict[str, float]:
        """Words of ``text`` with their weight, the square of tf ln(documents / df): plain tf-idf draws too many words
        that say nothing of the topic (CHOSEN). Those in more than ``most`` of the documents are left out, and so are
        those of this text alone (rare names, misspellings).

        With few documents neither may leave anything: then the second rule is dropped, at last both.
        """
        own = Counter(word.lower() for word in _WORD.findall(text))
        ceiling = max(2.0, most * self.documents)
        found = {w: tf for w, tf in own.items() if 2 <= self.occurs.get(w, 1) <= ceiling}
        if len(found) < 3:
            found = {w: tf for w, tf in own.items() if self.occurs.get(w, 1) <= ceiling}
        if len(found) < 3:
            found = dict(own)
        everything = max(self.documents, 2) + 1
        return {w: (tf * math.log(everything / self.occurs.get(w, 1))) ** 2 for w, tf in found.items()}

    def draw(self, text: str, key: str, *, least: int = 3, most: int = 6) -> Seeds | None:
        """``least`` to ``most`` keywords of ``text``, an audience and a level: the same for the same ``key``.

        Drawn without replacement in proportion to salience (Efraimidis & Spirakis 2006). None for a text that has
        fewer than ``least`` different words.
        """
        weights = self.salience(text)
        if len(weights) < least:
            return None
        drawn = random.Random(key)  # a string seeds it by its SHA-512: the same on every machine
        ranks = {word: math.log(1 - drawn.random()) / weight for word, weight in sorted(weights.items())}
        words = sorted(ranks, key=lambda word: -ranks[word])[: drawn.randint(least, most)]
        audience, level = drawn.choice(READERS)
        return Seeds(tuple(words), audience, level)
