"""Seeds drawn towards what a mixture lacks: passages of the training side that carry lacking words.

A word is drawn in proportion to its part of the gap, then one of the passages that carry it: a passage's chance is
the sum over its words of their part divided by the number of passages with that word, so that what few passages carry
is not crowded out by what many do. Budgets are of tokens, so what counts is the chance per token. What the seeds show
a word of lowers its part, in twenty rounds, to nothing where they show it as often as fills the gap. Passages are
taken without replacement (Efraimidis & Spirakis 2006); the random number of a passage is the hash of its text, so the
draw does not depend on the order of the files. Nothing of the reference is shown to a generator: seeds are text of
the training side, keywords are words of a seed, and a passage that shares a long run of words with the reference is
no seed.

Sampling for the cutoff that is wanted (CHOSEN, after :mod:`synthmix.theory.cutoffs`): a nucleus of mass p ends at the
rank up to which natural text has the mass p, and a temperature below 1 narrows all of it; so the temperature is 1 and
the nucleus as large as the mass up to the rarest lacking word of the passage. Where that is nearly everything, min-p
takes the place of the nucleus: it cuts by the most probable token and not by mass, and a word that the passage shows is
probable where it is due. What is lost in quality is the filters' to find.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthmix.corpus.sources import Document, text_hash
from synthmix.errors import BadInput
from synthmix.files import content_hash
from synthmix.generation.ngrams import NgramIndex, words_of
from synthmix.generation.prompts import TOKENS_PER_WORD, estimated_tokens, split_text
from synthmix.statistics.count import words_of as terms_of

NUCLEUS = 0.9  # the smallest that is asked for
WHOLE, MIN_P = 0.98, 0.02  # from this mass on, min-p instead of a nucleus
SHARPNESS = 1.0
SHORTEST = 50.0  # tokens that a passage counts as at least
ROUNDS = 20


@dataclass(frozen=True)
class Aim:
    """What is lacking.

    Attributes:
        weights: word -> its part of the gap. mass: word -> natural mass of the ranks up to it; absent: not ranked.
        most: word -> showings per word of the seeds after which it lacks no longer; absent: no limit.
        towards: names of the reference.
    """

    weights: Mapping[str, float]
    towards: tuple[str, ...] = ()
    mass: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of what decides seeds and sampling."""
        return content_hash([sorted(each.items()) for each in (self.weights, self.mass, self.most)])

    def as_json(self) -> dict[str, Any]:
        """What :attr:`digest` is of, the largest part of the gap first."""
        words = sorted(self.weights, key=lambda word: -self.weights[word])
        rows = [[w, self.weights[w], self.mass.get(w), self.most.get(w)] for w in words]
        return {"towards": list(self.towards), "columns": ["word", "weight", "mass", "most"], "words": rows}

    def carried(self, text: str) -> set[str]:
        """The lacking words of a text."""
        return {word for word in set(terms_of(text)) if word in self.weights}

    def sampling(self, text: str) -> dict[str, float]:
        """Of a seed: ``temperature``, ``top_p`` and ``min_p``."""
        reach = max((self.mass.get(word, 1.0) for word in self.carried(text)), default=NUCLEUS)
        if reach >= WHOLE:
            return {"temperature": 1.0, "top_p": 1.0, "min_p": MIN_P}
        return {"temperature": 1.0, "top_p": round(max(reach, NUCLEUS), 3), "min_p": 0.0}


@dataclass(frozen=True)
class Drawn:
    """Seeds in the order in which they were drawn.

    Attributes:
        documents: passages. read: passages there were. carrying: with a lacking word. avoided: left out since they
            share a run of words with the reference. words: lacking words that a seed carries, of all lacking words.
        gap: part of the gap that lies on these.
    """

    documents: list[Document]
    read: int
    carrying: int
    avoided: int
    words: int
    gap: float

    def told(self, aim: Aim) -> dict[str, Any]:
        """For a card."""
        return {
            "chosen": f"by the gap to {', '.join(aim.towards)}: passages by the lacking words "
            "that they carry, each by its part of the gap and the number of passages that carry it",
            "passages": f"{len(self.documents):,} of {self.carrying:,} that carry a lacking word, of {self.read:,}",
            "left out": f"{self.avoided:,} passages that share a run of words with the reference",
            "lacking words": f"{self.words:,} of {len(aim.weights):,}, {self.gap:.0%} of the gap",
            "sampling": "temperature 1 and a nucleus (or min-p) for the rarest lacking word of each passage",
        }


def draw_seeds(
    documents: Iterable[Document],
    aim: Aim,
    *,
    tokens: float = math.inf,
    passage: float = 300,
    seed: int = 0,
    avoid: NgramIndex | None = None,
    sharpness: float = SHARPNESS,
) -> Drawn:
    """Passages of ``documents``, the most wanted ones likelier and earlier. Reads them twice.

    Args:
        tokens: of passages that are drawn, about; all of them are held. passage: longest passage, in tokens.
        avoid: runs of words that no seed may hold.
        sharpness: the power of a passage's chance per token; 0: uniform among those that carry a lacking word. A power
            of 2 or more gives all to the domain that lacks most (docs/results/targeted.md).

    Raises:
        BadInput: nothing carries a lacking word, or ``documents`` can be read only once.
    """
    if iter(documents) is documents:
        raise BadInput("can be read only once", key="documents", remedy="give a list, or Documents([files])")
    from scipy.sparse import csr_matrix

    words = sorted(aim.weights)
    known = {word: number for number, word in enumerate(words)}
    values, most = (np.array([of.get(word, math.inf) for word in words]) for of in (aim.weights, aim.most))
    rows: list[tuple[int, list[int], list[int], float, float]] = []  # place, words, counts, tokens, ln(-ln of a unit)
    read = carrying = avoided = 0
    for place, one in enumerate(_passages(documents, passage)):
        read += 1
        mine = Counter(word for word in terms_of(one.text) if word in known)
        if not mine:
            continue
        carrying += 1
        if avoid is not None and avoid.counts(words_of([one.text]))[0]:
            avoided += 1
            continue
        unit = (text_hash(f"{seed}/{one.text}") + 0.5) / 2**64
        numbers = [known[word] for word in mine]
        size = max(estimated_tokens(one.text), SHORTEST)
        rows.append((place, numbers, list(mine.values()), size, math.log(-math.log(unit))))
    if not rows:
        raise BadInput(
            f"none of its {read} passages carries a lacking word ({', '.join(words[:3])}, ...)",
            key="--from", remedy="name more natural text",
        )  # fmt: skip
    ends = np.cumsum([0, *(len(numbers) for _, numbers, *_ in rows)])
    columns = np.array([number for _, numbers, *_ in rows for number in numbers])
    counts = csr_matrix(
        (np.array([count for _, _, found, *_ in rows for count in found], float), columns, ends),
        shape=(len(rows), len(words)),
    )
    has = csr_matrix((np.ones(len(columns)), columns, ends), shape=counts.shape)
    frequency = np.asarray(has.sum(axis=0)).ravel()
    each = np.divide(values, frequency, out=np.zeros(len(words)), where=frequency > 0)
    sizes, units = (np.array([row[i] for row in rows]) for i in (3, 4))
    wanted = min(tokens, float(sizes.sum()))
    limit = most * wanted / TOKENS_PER_WORD  # showings after which a word lacks no longer
    order: list[int] = []
    left, taken = np.ones(len(rows), bool), 0.0
    for turn in range(1, ROUNDS + 1):
        shown = np.asarray(counts[order].sum(axis=0)).ravel() if order else np.zeros(len(words))
        chance = has @ (each * np.clip(1 - shown / limit, 0.0, 1.0)) / sizes
        keys = sharpness * np.log(np.maximum(chance, 1e-30)) - units
        for i in np.argsort(np.where(left, -keys, np.inf), kind="stable")[: int(left.sum())].tolist():
            if taken >= wanted * turn / ROUNDS:
                break
            order.append(i)
            left[i] = False
            taken += sizes[i]
    place_of = {rows[i][0]: position for position, i in enumerate(order)}
    chosen: list[Document | None] = [None] * len(order)
    for place, one in enumerate(_passages(documents, passage)):
        if place in place_of:
            chosen[place_of[place]] = one
    covered = np.asarray(has[order].sum(axis=0)).ravel() > 0
    return Drawn(
        [one for one in chosen if one is not None], read, carrying, avoided, int(covered.sum()),
        float(values[covered].sum() / values.sum()),
    )  # fmt: skip


def _passages(documents: Iterable[Document], tokens: float) -> Iterable[Document]:
    for document in documents:
        parts = split_text(document.text, tokens)
        name = document.key or f"{text_hash(document.text):016x}"
        for number, part in enumerate(parts):
            yield Document(part, document.domain, name if len(parts) == 1 else f"{name}#{number + 1}")
