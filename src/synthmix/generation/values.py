"""The measures of single texts, each with the source that it was made from."""

from collections.abc import Mapping, Sequence

import numpy as np

from synthmix.generation.faithfulness import faithfulness
from synthmix.generation.pairs import Pair
from synthmix.generation.phrases import task_talk
from synthmix.generation.words import words_of

Sourced = Mapping[str, Sequence[tuple[str, float]]]  # measure -> (source, value)
_BATCH = 500


def values_of(pairs: Sequence[Pair]) -> dict[str, list[tuple[str, float]]]:
    """Each measure of each text that has it: lengths, failures, faithfulness."""
    values: dict[str, list[tuple[str, float]]] = {}
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        words = words_of([pair.text for pair in batch])
        refuses, mentions = task_talk(words, [pair.source for pair in batch])
        for pair, count, refusal, mention in zip(batch, words.counts, refuses, mentions, strict=True):
            own = {"words": float(count), "empty": float(count == 0), "truncated": float(pair.truncated)}
            own |= {"refusal": float(refusal), "meta_talk": float(mention)} | faithfulness(pair.text, pair.source)
            for name, value in own.items():
                values.setdefault(name, []).append((pair.source, value))
    return values


def by_source(values: Sourced, name: str) -> dict[str, dict[str, float]]:
    """Measure -> source -> mean over the texts made from it; a text without a source stands for itself, under the
    ``name`` of its set."""
    found: dict[str, dict[str, float]] = {}
    for measure, own in values.items():
        gathered: dict[str, list[float]] = {}
        for number, (source, value) in enumerate(own):
            gathered.setdefault(source if source.strip() else f"{name} {number}", []).append(value)
        found[measure] = {source: float(np.mean(one)) for source, one in gathered.items()}
    return found
