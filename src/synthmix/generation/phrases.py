"""Sentences in which a model talks about its task instead of doing it.

Three kinds, by where they count (CHOSEN): a refusal in a text's first forty words; talk of being a model anywhere; talk
of the passage it was given at either end, or more than twice. A phrase that the source itself has does not count.
Matched as words: case, punctuation and the kind of apostrophe do not matter. English only.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from synthmix.generation.ngrams import HashSet, Words, within, words_of

EDGE_WORDS = 40
MOST_MENTIONS = 2
_CANNOT = (
    "i can't", "i cannot", "i am not able to", "i'm not able to", "i am unable to", "i'm unable to", "i won't",
    "i will not", "i won't be able to", "i will not be able to", "i must decline to", "i'm afraid i can't",
)  # fmt: skip
_TASKS = (
    "assist", "help with", "help you with", "provide", "fulfill", "fulfil", "generate", "create", "produce", "write",
    "rewrite", "rephrase", "complete", "continue", "comply", "engage",
)  # fmt: skip
REFUSALS = (
    *(f"{cannot} {task}" for cannot in _CANNOT for task in _TASKS),
    "i'm sorry but i", "i am sorry but i", "i apologize but i", "i apologise but i", "i apologize but it seems",
    "i'm sorry but it seems", "please provide the passage", "please provide the text", "please provide me with",
    "please provide the original", "provide the paragraph", "no passage was provided", "you haven't provided",
    "you have not provided", "you didn't provide", "you forgot to provide", "there is no passage",
    "the passage is empty", "goes against my programming", "something else i can help",
)  # fmt: skip
MODEL_TALK = (
    "as an ai language model", "as a language model", "as a large language model", "as an ai assistant",
    "as an artificial intelligence", "i'm an ai language", "i am an ai language", "i am a language model",
    "my training data", "my knowledge cutoff", "my last knowledge update", "trained by openai",
    "openai's content policy", "against my guidelines", "my content policy", "as an ai i",
)  # fmt: skip
META_TALK = (
    "the rewritten passage", "the rewritten text", "rewritten version of", "rephrased version of",
    "paraphrased version of", "the original passage", "the original text", "the given passage", "the given text",
    "the provided passage", "the provided text", "the passage provided", "the text provided", "the above passage",
    "the passage above", "according to the passage", "according to the text", "based on the passage",
    "mentioned in the passage", "the passage states", "the passage says", "the passage describes",
    "the passage mentions", "the passage discusses", "does the passage", "in the passage", "your passage",
    "in an encyclopedic style", "in an encyclopaedic style", "i have rewritten", "i've rewritten", "i rewrote",
    "i have kept all", "the source passage", "this rewritten", "word count of",
)  # fmt: skip


_REFUSAL, _MODEL, _META = range(3)


def _by_length() -> dict[int, tuple[HashSet, np.ndarray]]:
    """Words of a phrase -> the phrases' hashes, and the kind of each."""
    kinds = [_REFUSAL] * len(REFUSALS) + [_MODEL] * len(MODEL_TALK) + [_META] * len(META_TALK)
    words = words_of([*REFUSALS, *MODEL_TALK, *META_TALK])
    found = {}
    for n in sorted(set(words.counts.tolist())):
        chosen = np.flatnonzero(words.counts == n)
        values, first = np.unique(words.windows(n)[words.bounds[:-1][chosen]], return_index=True)
        found[n] = (HashSet(values), np.array(kinds)[chosen[first]])
    return found


_PHRASES = _by_length()


def task_talk(words: Words, sources: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Whether each text refuses or speaks of being a model, and whether it speaks of the passage that it was made from:
    two bool arrays, shape (texts,). Where the source does the same, it does not count."""
    refuses, mentions = _spoken(words)
    doubtful = np.flatnonzero(refuses | mentions)
    if len(doubtful):
        given = words_of([sources[number] for number in doubtful.tolist()])
        counts = _counts(given)
        refuses[doubtful] &= (counts[_REFUSAL] == 0) & (counts[_MODEL] == 0)
        mentions[doubtful] &= counts[_META] == 0
    return refuses, mentions


def _spoken(words: Words) -> tuple[np.ndarray, np.ndarray]:
    refuses, mentions = np.zeros((2, len(words.bounds) - 1), dtype=bool)
    total = np.zeros(len(mentions), dtype=np.int64)
    for n, kind, text, position in _found(words):
        before, behind = position - words.bounds[text], words.bounds[text + 1] - position - n
        refuses[text[(kind == _MODEL) | ((kind == _REFUSAL) & (before < EDGE_WORDS))]] = True
        mentions[text[(kind == _META) & ((before < EDGE_WORDS) | (behind < EDGE_WORDS))]] = True
        total += np.bincount(text[kind == _META], minlength=len(total))
    return refuses, mentions | (total > MOST_MENTIONS)


def _counts(words: Words) -> np.ndarray:
    """Phrases of each kind in each text, int64, shape (3, texts)."""
    total = np.zeros((3, len(words.bounds) - 1), dtype=np.int64)
    for _, kind, text, _ in _found(words):
        np.add.at(total, (kind, text), 1)
    return total


def _found(words: Words) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Per length of phrase: the length, and the kind, text and first word of each occurrence."""
    for n, (known, kinds) in _PHRASES.items():
        positions, at = known.find(words.windows(n))
        text, inside = within(words, positions, n)
        yield n, kinds[at[inside]], text, positions[inside]
