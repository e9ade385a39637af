"""Generators compared by their text: coverage of and divergence from each held-out domain, style distance, repetition.

All by words, so no tokenizer favours anyone, and at equal size: as many words of each as the smallest has, since a
longer text covers more. Where enough sources went through every generator, only texts of these are compared; the order
is that of a hash of the source, so samples are of the same sources as far as they go. Intervals: the delete-a-group
jackknife over ten groups of documents (Shao & Tu 1995) with Student's t. (Diversity within a text and faithfulness to
the source are :mod:`synthmix.generation.quality`'s.)
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthmix.corpus.sources import text_hash
from synthmix.errors import BadInput, SynthmixError
from synthmix.interval import Interval
from synthmix.progress import Progress, Silent
from synthmix.statistics.compare import compare_unigrams
from synthmix.statistics.count import as_arrays, words_of
from synthmix.statistics.redundancy import near_duplicates
from synthmix.statistics.style import SMALLEST, StyleDistance, passages, style_distance

GROUPS, ENOUGH = 10, 30


@dataclass(frozen=True)
class Written:
    """One text of a generator (or a natural one); ``pair`` names the source document that it was made from."""

    text: str
    pair: str | None = None


@dataclass(frozen=True)
class DomainFit:
    """A generator's text against one held-out domain, by words, at equal size; ``style`` None: too little text."""

    domain: str
    coverage_mass: Interval
    coverage_types: Interval
    kl_test_train: Interval
    kl_train_test: Interval
    jensen_shannon: Interval
    style: StyleDistance | None


@dataclass(frozen=True)
class GeneratorRow:
    """One generator (or ``sources``): how much of it was compared, its near-duplicates, and each domain."""

    name: str
    documents: int
    words: int
    near_duplicates: Interval | None
    domains: list[DomainFit] = field(default_factory=list)


def compare_generators(
    generators: Mapping[str, Sequence[Written]],
    sources: Sequence[Written],
    heldout: Mapping[str, Sequence[str]],
    *,
    level: float = 0.9,
    each: Callable[..., Iterator[tuple[Any, Any]]] | None = None,
    progress: Progress | None = None,
) -> list[GeneratorRow]:
    """One row a generator, in the order given, and first one for the sources themselves, where there are any.

    Args:
        each: of an engine (:func:`synthmix.engine.open_engine`); None: in this process. The rows are the same.

    Raises:
        BadInput: a generator without ten texts, or an empty held-out domain.
    """
    progress = progress or Silent()
    given = {"sources": list(sources)} if sources else {}
    every = same_sources({**given, **{name: list(texts) for name, texts in generators.items()}})
    for name, written in every.items():
        if len(written) < GROUPS:
            raise BadInput(f"{len(written)} texts are too few to compare", where=name, remedy=f"give at least {GROUPS}")
    for name, texts in heldout.items():
        if not any(words_of(text) for text in texts):
            raise BadInput("the held-out domain is empty", where=name, remedy="hold out more text")
    size = min(sum(len(words_of(one.text)) for one in written) for written in every.values())
    sampled = {name: _first(written, size) for name, written in every.items()}
    works = [
        Work(name, tuple(written), domain, tuple(texts), level)
        for name, written in sampled.items()
        for domain, texts in [(None, ()), *heldout.items()]
    ]
    progress.start("generators", len(works), "comparisons")
    found: dict[tuple[str, str | None], Any] = {}
    done = ((work, work_done(work)) for work in works) if each is None else each(work_done, works)
    for count, (work, result) in enumerate(done, start=1):
        if isinstance(result, SynthmixError):
            raise result
        found[work.name, work.domain] = result
        progress.update("generators", count, note=work.label)
    progress.finish("generators")
    return [
        GeneratorRow(name, len(written), size, found[name, None], [found[name, domain] for domain in heldout])
        for name, written in sampled.items()
    ]


@dataclass(frozen=True)
class Work:
    """One generator against one held-out domain; without one, its near-duplicates."""

    name: str
    written: tuple[Written, ...]
    domain: str | None
    texts: tuple[str, ...]
    level: float

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.name if self.domain is None else f"{self.name} against {self.domain}"


def work_done(work: Work) -> DomainFit | Interval | None:
    """What :class:`Work` asks for."""
    if work.domain is None:
        return _duplicates(work.written, work.level)
    return _fit(work.written, work.domain, work.texts, work.level)


def same_sources(every: Mapping[str, Sequence[Written]]) -> dict[str, list[Written]]:
    """Only the texts of sources that all have, where those are 30 or more; in an order that the source decides."""
    common = set.intersection(*({one.pair for one in written if one.pair is not None} for written in every.values()))
    kept = {
        name: [one for one in written if len(common) < ENOUGH or one.pair in common] for name, written in every.items()
    }
    return {name: sorted(written, key=lambda one: text_hash(one.pair or one.text)) for name, written in kept.items()}


def _first(written: Sequence[Written], words: int) -> list[Written]:
    """The first texts that hold ``words`` words, the last one cut."""
    found: list[Written] = []
    for one in written:
        own = words_of(one.text)
        found.append(one if len(own) <= words else Written(" ".join(own[:words]), one.pair))
        words -= len(own)
        if words <= 0:
            break
    return found


def _duplicates(written: Sequence[Written], level: float) -> Interval | None:
    numbers: dict[str, int] = {}
    documents = [
        np.array([numbers.setdefault(word, len(numbers)) for word in words_of(one.text)], dtype=np.int64)
        for one in written
    ]
    found = near_duplicates(documents, level=level)
    return None if found is None else found.rate


def _fit(written: Sequence[Written], domain: str, texts: Sequence[str], level: float) -> DomainFit:
    texts = list(texts)
    test = Counter[str](word for text in texts for word in words_of(text))

    def compared(mine: Sequence[Sequence[str]]) -> np.ndarray:
        train = Counter[str](word for words in mine for word in words)
        _, arrays = as_arrays({"train": train, "test": test})
        found = compare_unigrams(arrays["train"], arrays["test"], at_least=(1,))
        one = found.divergences[0]
        covered = found.coverage_mass[1], found.coverage_types[1]
        return np.array([*covered, one.kl_test_train, one.kl_train_test, one.jensen_shannon])

    mass, types, forward, backward, middle = _jackknife(compared, written, level)
    style = _style([one.text for one in written], texts, level)
    return DomainFit(domain, _share(mass), _share(types), forward, backward, middle, style)


def _share(found: Interval) -> Interval:
    return found.mapped(lambda share: min(max(share, 0.0), 1.0))


def _style(mine: Sequence[str], texts: Sequence[str], level: float) -> StyleDistance | None:
    if min(len(passages(mine)), len(passages(texts))) < SMALLEST:
        return None
    return style_distance(mine, texts, level=level)


def _jackknife(
    of: Callable[[Sequence[Sequence[str]]], np.ndarray], written: Sequence[Written], level: float
) -> list[Interval]:
    """Statistics of the texts' words, with delete-a-group jackknife intervals."""
    from scipy.stats import t

    texts = [words_of(one.text) for one in written]
    whole, groups = of(texts), min(GROUPS, len(texts))
    left = np.array([of([text for i, text in enumerate(texts) if i % groups != out]) for out in range(groups)])
    spread = np.sqrt((groups - 1) / groups * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    reach = spread * float(t.ppf(0.5 + level / 2, max(groups - 1, 1)))
    ends = np.stack([whole - reach, whole, whole + reach], axis=1).tolist()  # (statistics, 3)
    return [Interval(low=low, mid=mid, high=high, level=level, covers="sampling") for low, mid, high in ends]
