"""A quality report: generators side by side and against their sources, every number with an interval.

Measures of documents (faithfulness, lengths, refusals) are means with a percentile bootstrap over documents; measures
of sets (diversity) are means over blocks of equal size with Student's interval over the blocks.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.errors import BadInput
from synthmix.generation.diversity import blocks, diversity
from synthmix.generation.faithfulness import faithfulness
from synthmix.generation.measures import MEASURES, About
from synthmix.generation.pairs import Pair, sampled
from synthmix.generation.phrases import task_talk
from synthmix.generation.words import words_of

SOURCE = "source"
BLOCK_WORDS, BLOCKS = 10_000, 10
RESAMPLES = 1_000


class Measure(BaseModel):
    """A mean with its 95 % interval (absent when one value is all there is) over ``n`` documents or blocks."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float | None
    high: float | None
    n: int


class SetQuality(BaseModel):
    """One generator's text, or the source. ``seen``: documents that there were; ``documents``: that were measured."""

    model_config = ConfigDict(frozen=True)

    name: str
    seen: int
    documents: int
    words: int
    measures: dict[str, Measure]


class QualityReport(BaseModel):
    """Several sets side by side; the first one is the source, when there is one. ``about``: what each measure is."""

    model_config = ConfigDict(frozen=True)

    sets: list[SetQuality]
    about: dict[str, About] = MEASURES
    block_words: int
    seed: int

    def table(self) -> list[dict[str, str | float | int | None]]:
        """A row for each set and measure, for Parquet or CSV; ``against_source`` is the value over the source's."""
        base = next((one.measures for one in self.sets if one.name == SOURCE), {})
        return [
            {
                "set": one.name,
                "group": MEASURES[name].group,
                "measure": name,
                "value": measure.value,
                "low": measure.low,
                "high": measure.high,
                "n": measure.n,
                "against_source": measure.value / base[name].value if name in base and base[name].value else None,
            }
            for one in self.sets
            for name, measure in one.measures.items()
        ]


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
    sizes = {name: int(sum(len(text.split()) for text in own)) for name, own in texts.items()}
    words = min(block_words, max(min(sizes.values()) // BLOCKS, 1))
    found = []
    for name, own in texts.items():
        pairs = samples[name].pairs if name in samples else [Pair(text) for text in own]
        found.append(
            SetQuality(
                name=name,
                seen=samples[name].seen if name in samples else len(own),
                documents=len(own),
                words=sizes[name],
                measures={
                    **_documents(pairs, seed),
                    **_blocks([diversity(b) for b in blocks(own, words, BLOCKS, seed)]),
                },
            )
        )
    return QualityReport(sets=found, block_words=words, seed=seed)


def _documents(pairs: Sequence[Pair], seed: int) -> dict[str, Measure]:
    values: dict[str, list[float]] = {}
    for start in range(0, len(pairs), 500):
        batch = pairs[start : start + 500]
        words = words_of([pair.text for pair in batch])
        refuses, mentions = task_talk(words, [pair.source for pair in batch])
        for pair, count, refusal, mention in zip(batch, words.counts, refuses, mentions, strict=True):
            own = {"words": float(count), "empty": float(count == 0), "truncated": float(pair.truncated)}
            own |= {"refusal": float(refusal), "meta_talk": float(mention)} | faithfulness(pair.text, pair.source)
            for name, value in own.items():
                values.setdefault(name, []).append(value)
    rng = np.random.default_rng(seed)
    return {name: _bootstrapped(np.array(values[name]), rng) for name in MEASURES if name in values}


def _bootstrapped(values: np.ndarray, rng: np.random.Generator) -> Measure:
    """Percentile bootstrap of the mean (Efron 1979); a share of 0 or 1 has the rule of three as its open end."""
    count = len(values)
    if count < 2:
        return Measure(value=float(values.mean()), low=None, high=None, n=count)
    means = values[rng.integers(0, count, (RESAMPLES, count))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    if values.min() == values.max() and values[0] in (0.0, 1.0):
        low, high = max(0.0, values[0] - 3 / count), min(1.0, values[0] + 3 / count)
    return Measure(value=float(values.mean()), low=float(low), high=float(high), n=count)


def _blocks(measured: list[dict[str, float]]) -> dict[str, Measure]:
    from scipy.stats import t

    found = {}
    for name in measured[0] if measured else ():
        values = np.array([one[name] for one in measured])
        mean, count = float(values.mean()), len(values)
        half = float(t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count)) if count > 1 else None
        low, high = (None, None) if half is None else (mean - half, mean + half)
        if low is not None and high is not None and MEASURES[name].share:
            low, high = max(low, 0.0), min(high, 1.0)
        found[name] = Measure(value=mean, low=low, high=high, n=count)
    return found
