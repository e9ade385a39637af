"""A quality report: generators side by side and against their sources, every number with an interval.

Measures of documents (faithfulness, lengths, refusals) are means with a percentile bootstrap over documents; measures
of sets (diversity) are means over blocks of equal size with Student's interval over the blocks.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.errors import BadInput
from synthmix.generation.contrast import Difference, differences
from synthmix.generation.diversity import blocks, diversity
from synthmix.generation.means import Measure, bootstrapped, over_blocks
from synthmix.generation.measures import MEASURES, About
from synthmix.generation.pairs import Pair, sampled
from synthmix.generation.values import by_source, values_of

SOURCE = "source"
BLOCK_WORDS, BLOCKS = 10_000, 10


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
    in every measure. ``about``: what each measure is."""

    model_config = ConfigDict(frozen=True)

    sets: list[SetQuality]
    differences: list[Difference] = []
    about: dict[str, About] = MEASURES
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
    sizes = {name: int(sum(len(text.split()) for text in own)) for name, own in texts.items()}
    words = min(block_words, max(min(sizes.values()) // BLOCKS, 1))
    found, values = [], dict[str, dict[str, dict[str, float]]]()
    rng = np.random.default_rng(seed)
    for name, own in texts.items():
        measured = values_of(samples[name].pairs if name in samples else [Pair(text, text) for text in own])
        if name not in samples:  # the sources themselves are compared by what is not about their sources
            measured = {key: measured[key] for key in ("words", "empty", "meta_talk")}
        varied = [diversity(block) for block in blocks(own, words, BLOCKS, seed)]
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
    return QualityReport(sets=found, differences=differences(values), block_words=words, seed=seed)
