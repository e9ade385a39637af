"""A quality report: generators side by side and against their sources, every number with an interval.

Measures of documents (faithfulness, lengths, refusals) are means with a percentile bootstrap over documents; measures
of sets (diversity) are means over blocks of equal size with Student's interval over the blocks.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.corpus.load import Documents
from synthmix.corpus.meta import is_corpus
from synthmix.errors import BadInput
from synthmix.generation.measures import (
    MEASURES,
    About,
    Pair,
    blocks,
    by_source,
    diversity,
    length,
    raw_bytes,
    sampled,
    unspaced_share,
    values_of,
)
from synthmix.interval import Interval
from synthmix.reading import parse_json, read_lines

RESAMPLES, LEVEL = 1_000, 0.95
Values = Mapping[str, Mapping[str, float]]  # measure -> source (or block) -> value
MIN_PAIRED = 10
SOURCE = "source"
BLOCK_WORDS, BLOCKS = 10_000, 10
PAIRS = "quality-pairs.jsonl.gz"
UNSPACED_SHARE = 0.1  # of words that are single characters, from which it is said
GIBBERISH = 0.02  # CHOSEN: word order of text is .04 and more in blocks of 200 to 10,000 words, of shuffled words 0


class Measure(BaseModel):
    """A mean with its 95 % interval (ends unknown when one value is all there is) over ``n`` documents or blocks."""

    model_config = ConfigDict(frozen=True)

    mean: Interval
    n: int


def _measure(low: float | None, mid: float, high: float | None, n: int) -> Measure:
    return Measure(mean=Interval(low=low, mid=mid, high=high, level=LEVEL, covers="sampling"), n=n)


def bootstrapped(values: np.ndarray, rng: np.random.Generator) -> Measure:
    """Percentile bootstrap of the mean (Efron 1979); a share of 0 or 1 has the rule of three as its open end."""
    count = len(values)
    if count < 2:
        return _measure(None, float(values.mean()), None, count)
    means = values[rng.integers(0, count, (RESAMPLES, count))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    if values.min() == values.max() and values[0] in (0.0, 1.0):
        low, high = max(0.0, values[0] - 3 / count), min(1.0, values[0] + 3 / count)
    return _measure(float(low), float(values.mean()), float(high), count)


def over_blocks(values: Sequence[float], *, share: bool) -> Measure:
    """Mean with Student's interval, which for a ``share`` stays within 0 and 1."""
    from scipy.stats import t

    own = np.array(values)
    mean, count = float(own.mean()), len(own)
    if count < 2:
        return _measure(None, mean, None, count)
    half = float(t.ppf(0.975, count - 1) * own.std(ddof=1) / math.sqrt(count))
    low, high = (max(mean - half, 0.0), min(mean + half, 1.0)) if share else (mean - half, mean + half)
    return _measure(low, mean, high, count)


class Difference(BaseModel):
    """``one`` minus ``other`` with Student's 95 % interval. ``paired``: over ``n`` sources that both were made from;
    else Welch's, ``n`` the smaller count. Not corrected for how many differences are looked at."""

    model_config = ConfigDict(frozen=True)

    one: str
    other: str
    measure: str
    difference: Interval
    n: int
    paired: bool

    @property
    def beyond(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.difference.sign() != 0


def differences(sets: Mapping[str, Values]) -> list[Difference]:
    """Every measure of every two sets that both have it, with two values or more each."""
    found = []
    for one, other in combinations(sets, 2):
        for measure in sets[one]:
            if measure in sets[other]:
                a, b = sets[one][measure], sets[other][measure]
                contrast = _paired(a, b) or _unpaired(a, b)
                if contrast is not None:
                    value, half, n, paired = contrast
                    apart = Interval(low=value - half, mid=value, high=value + half, level=0.95, covers="sampling")
                    found.append(
                        Difference(one=one, other=other, measure=measure, difference=apart, n=n, paired=paired)
                    )
    return found


def _paired(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float, int, bool] | None:
    common = [key for key in a if key in b]
    if len(common) < MIN_PAIRED:
        return None
    apart = np.array([a[key] - b[key] for key in common])
    return (
        float(apart.mean()),
        _student(len(apart) - 1) * float(apart.std(ddof=1)) / math.sqrt(len(apart)),
        len(apart),
        True,
    )


def _unpaired(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float, int, bool] | None:
    first, second = np.array([*a.values()]), np.array([*b.values()])
    if min(len(first), len(second)) < 2:
        return None
    errors = np.array([own.var(ddof=1) / len(own) for own in (first, second)])
    freedom = np.array([len(first) - 1, len(second) - 1])
    total = float(errors.sum())  # Welch (1947) and Satterthwaite (1946)
    degrees = total**2 / float((errors**2 / freedom).sum()) if total else float(freedom.min())
    half = _student(degrees) * math.sqrt(total)
    return float(first.mean() - second.mean()), half, int(freedom.min()) + 1, False


def _student(degrees: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


class SetQuality(BaseModel):
    """One generator's text, or the source. ``seen``: documents that there were; ``documents``: that were measured."""

    model_config = ConfigDict(frozen=True)

    name: str
    seen: int
    documents: int
    words: int
    measures: dict[str, Measure]


class QualityReport(BaseModel):
    """Several sets side by side; the first one is the source, when there is one. ``differences``: of every two sets,
    in every measure. ``about``: what each measure is. ``warnings``: ``code: what it means`` each."""

    model_config = ConfigDict(frozen=True)

    sets: list[SetQuality]
    differences: list[Difference] = []
    about: dict[str, About] = MEASURES
    warnings: list[str] = []
    block_words: int
    seed: int


def quality_report(
    sets: Mapping[str, Iterable[Pair]],
    *,
    sample: int = 2_000,
    block_words: int = BLOCK_WORDS,
    seed: int = 0,
) -> QualityReport:
    """Measure each set of pairs, and the sources of all of them together as a set of its own.

    Args:
        sets: name -> its pairs, streamed; at most ``sample`` of each are kept, chosen uniformly.
        block_words: size of the blocks that diversity is measured on; less when the smallest set has less than ten.

    Raises:
        BadInput: no sets, an empty one, or one that is called ``source``.
    """
    if not sets or SOURCE in sets:
        raise BadInput("name the sets, and none of them 'source'" if sets else "there are no sets", key="sets")
    samples = {name: sampled(pairs, sample, seed) for name, pairs in sets.items()}
    for name, one in samples.items():
        if not one.pairs:
            raise BadInput("is empty", key=name, remedy="generate some text first")
    texts = {name: [pair.text for pair in one.pairs] for name, one in samples.items()}
    sources = list(dict.fromkeys(pair.source for one in samples.values() for pair in one.pairs if pair.source.strip()))
    if sources:
        texts = {SOURCE: sources, **texts}
    sizes = {name: sum(map(length, own)) for name, own in texts.items()}
    words = min(block_words, max(min(sizes.values()) // BLOCKS, 1))
    cut = {name: blocks(own, words, BLOCKS, seed) for name, own in texts.items()}
    least = min((len(raw_bytes(block)) for every in cut.values() for block in every), default=None)
    found, values = [], dict[str, dict[str, dict[str, float]]]()
    rng = np.random.default_rng(seed)
    for name, own in texts.items():
        measured = values_of(samples[name].pairs if name in samples else [Pair(text, text) for text in own])
        if name not in samples:  # the sources themselves are compared by what is not about their sources
            measured = {key: measured[key] for key in ("words", "empty", "meta_talk")}
        varied = [diversity(block, least) for block in cut[name]]
        means = {key: np.array([value for _, value in measured[key]]) for key in MEASURES if key in measured}
        found.append(
            SetQuality(
                name=name,
                seen=samples[name].seen if name in samples else len(own),
                documents=len(own),
                words=sizes[name],
                measures={
                    **{key: bootstrapped(each, rng) for key, each in means.items()},
                    **{
                        key: over_blocks([one[key] for one in varied], share=MEASURES[key].share)
                        for key in (varied[0] if varied else ())
                    },
                },
            )
        )
        values[name] = by_source(measured, name) | {
            key: {f"{name} {number}": one[key] for number, one in enumerate(varied)}  # blocks are no pairs
            for key in (varied[0] if varied else ())
        }
    return QualityReport(
        sets=found,
        differences=differences(values),
        warnings=[
            *(line for one in found for line in _gibberish(one)),
            *(
                f"characters: {name}: is of a script without spaces, so that every character counts as a word"
                for name, every in cut.items()
                if every and unspaced_share(every[0]) > UNSPACED_SHARE
            ),
        ],
        block_words=words,
        seed=seed,
    )


def _gibberish(one: SetQuality) -> list[str]:
    order = one.measures.get("word_order")
    if order is None or order.mean.mid is None:
        return []
    highest = order.mean.mid if order.mean.high is None else order.mean.high
    if highest >= GIBBERISH:
        return []
    return [f"gibberish: {one.name}: its words stand in no order, so that its distinct-n says nothing of variety"]


def compare_quality(folders: Mapping[str, Path]) -> QualityReport:
    """One report of several texts, each against the sources, where these are known, and against the others.

    Args:
        folders: name -> folder of a finished job, a corpus, or a file of text.

    Raises:
        BadInput: a folder without a finished job, or a file that cannot be read.
    """
    return quality_report({name: pairs_of(folder) for name, folder in folders.items()})


def pairs_of(folder: Path) -> Iterator[Pair]:
    """The uniform sample of a finished job's texts, each with its source, that its quality was measured on; of a corpus
    or a file of text every text, without a source.

    Raises:
        BadInput: there is none.
    """
    if not (folder / PAIRS).exists() and (is_corpus(folder) or not folder.is_dir()):
        yield from (Pair(document.text) for document in Documents([str(folder)]) if document.text.strip())
        return
    if not (folder / PAIRS).exists():
        raise BadInput(f"holds no finished text (no {PAIRS})", where=folder, remedy="run synthmix generate --to there")
    for number, line in read_lines(folder / PAIRS):
        yield Pair(*parse_json(line, where=f"{folder / PAIRS}:{number}", problem="is damaged"))
