"""Measures of generated texts: lengths, failures and faithfulness of single texts, diversity of sets of them.

Faithfulness is what of a source comes back in the text made from it: words, numbers and names, by regular expressions.
These are proxies. A number that is kept may be attached to the wrong thing, and a synonym counts as a lost word; they
tell generators apart, and do not tell that a text is true. Names are capitalised words inside a sentence: English and
languages that write alike (in German every noun is one).

Diversity is measured on blocks of equal size, since all of its measures depend on how much text there is: distinct-n
is the share of different word n-grams among all (Li et al., arXiv 1510.03055). Gibberish has the most of all, so word
order stands beside it: by how much the share of different word pairs lies below that of the same words in random order,
4 % and more of text, nothing of a word salad and of strings of random letters. The compression ratio is bytes over
compressed bytes, of equal bytes, higher for repetitive text, and self-repetition the share of a text's 4-grams that
another text has (both as in Shaib et al., arXiv 2403.00553). Self-similarity is the share of its bigrams that a text
has in common with one other of its block, on average.

Blocks are measured in words; of scripts without spaces (:data:`synthmix.statistics.count.UNSPACED`) every character is
one.
"""

import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.generation.assemble import Generated
from synthmix.generation.ngrams import Words, words_of
from synthmix.generation.phrases import task_talk
from synthmix.statistics.count import UNSPACED

DISTINCT = (1, 2, 3, 4)
_UNIT = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W\d_{UNSPACED}]{{3,}}")
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<=[a-z,;)] )[A-Z][\w\u2019'-]+")
_COMMON = frozenset([  # the commonest English words, which say nothing of a text's content
    "the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with", "as", "his", "they", "be",
    "at", "this", "have", "from", "or", "had", "by", "but", "not", "what", "all", "were", "when", "your", "can", "said",
    "there", "which", "their", "if", "will", "about", "would", "these", "has", "been", "who", "more", "than", "its",
    "he", "she", "you", "we",
])  # fmt: skip
Sourced = Mapping[str, Sequence[tuple[str, float]]]  # measure -> (source, value)
_BATCH_TEXTS = 500
# The last mark of a sentence (also of Chinese, Japanese, Hindi, Arabic), what may close after it, and white space.
_ENDED = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u0964\u06d4\u061f][\"'\u2019\u201d\u00bb\u300d\u300f)\]*_`]*\s*$")


class About(BaseModel):
    """``share``: between 0 and 1, shown in per cent."""

    model_config = ConfigDict(frozen=True)

    group: Literal["lengths", "failures", "faithfulness", "diversity"]
    label: str
    says: str
    share: bool


def _about(
    group: Literal["lengths", "failures", "faithfulness", "diversity"], label: str, says: str, share: bool = True
) -> About:
    return About(group=group, label=label, says=says, share=share)


MEASURES = {
    "words": _about("lengths", "Words", "words of a document, on average", share=False),
    "length_ratio": _about("lengths", "Length ratio", "words of a text per word of its source", share=False),
    "empty": _about("failures", "Empty", "texts without a word"),
    "refusal": _about("failures", "Refusals", "texts that refuse, or speak of being a model"),
    "meta_talk": _about("failures", "Meta-talk", "texts that speak of the passage that they were made from"),
    "truncated": _about("failures", "Truncated", "texts that ran into the token limit, where that is known"),
    "unfinished": _about("failures", "Unfinished", "texts that end without a mark that ends a sentence"),
    "words_kept": _about("faithfulness", "Words kept", "of the source's content words, those that the text has"),
    "words_added": _about("faithfulness", "Words added", "of the text's content words, those that the source lacks"),
    "numbers_kept": _about("faithfulness", "Numbers kept", "of the source's numbers, those that the text has"),
    "numbers_added": _about("faithfulness", "Numbers added", "of the text's numbers, those that the source lacks"),
    "names_kept": _about("faithfulness", "Names kept", "of the source's names, those that the text has"),
    "names_added": _about("faithfulness", "Names added", "of the text's names, those that the source lacks"),
    "copied": _about("faithfulness", "Copied", "of the text's word 5-grams, those that the source has"),
    "distinct_1": _about("diversity", "Distinct-1", "different words among all words of a block"),
    "distinct_2": _about("diversity", "Distinct-2", "different word pairs among all of a block"),
    "distinct_3": _about("diversity", "Distinct-3", "different runs of three words among all of a block"),
    "distinct_4": _about("diversity", "Distinct-4", "different runs of four words among all of a block"),
    "word_order": _about("diversity", "Word order", "fewer word pairs than its words in random order; 0: gibberish"),
    "compression": _about("diversity", "Compression ratio", "bytes over compressed bytes: repetition raises it", False),
    "self_repetition": _about("diversity", "Self-repetition", "4-grams of a text that another text of its block has"),
    "self_similarity": _about("diversity", "Self-similarity", "bigrams that two texts of a block share, on average"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """``text`` was made from ``source`` (empty: from seeds, or it is not known); ``truncated``: at its token limit;
    None: not known, as of text that came without a record of its generation."""

    text: str
    source: str = ""
    truncated: bool | None = None


@dataclass
class Sample:
    """At most ``limit`` of the pairs that pass by, each with the same probability (Vitter's algorithm R, 1985).

    Memory: the texts that it holds. The same pairs in the same order give the same sample.
    """

    limit: int = 2_000
    seed: int = 0
    pairs: list[Pair] = field(default_factory=list)
    seen: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def add(self, pair: Pair) -> None:
        """Look at one pair."""
        self.seen += 1
        if len(self.pairs) < self.limit:
            self.pairs.append(pair)
        elif (at := self._random.randrange(self.seen)) < self.limit:
            self.pairs[at] = pair

    def pass_on(self, documents: Iterable[Generated], *, seeded: bool = False) -> Iterator[Generated]:
        """Pass ``documents`` on and look at each; those of a seeded type have no source to be measured against."""
        for document in documents:
            self.add(Pair(document.text, "" if seeded else document.source_text, document.truncated))
            yield document


def sampled(pairs: Iterable[Pair], limit: int, seed: int = 0) -> Sample:
    """A sample of ``pairs``."""
    found = Sample(limit, seed)
    for pair in pairs:
        found.add(pair)
    return found


def blocks(texts: Sequence[str], words: int, most: int, seed: int) -> list[list[str]]:
    """``texts`` in random order in at most ``most`` blocks of exactly ``words`` words (:func:`length`).

    The last text of each is cut. What does not fill a block is left out.
    """
    order = list(texts)
    random.Random(seed).shuffle(order)
    found: list[list[str]] = []
    held: list[str] = []
    left = words
    for text in order:
        ends = [unit.end() for unit in islice(_UNIT.finditer(text), left + 1)]
        held.append(text if len(ends) <= left else " ".join(text[: ends[left - 1]].split()))
        left -= min(len(ends), left)
        if not left:
            found.append(held)
            held, left = [], words
            if len(found) == most:
                break
    return found


def length(text: str) -> int:
    """Words, as blocks are measured in: runs without a space, and single characters of scripts without spaces."""
    return sum(1 for _ in _UNIT.finditer(text))


def unspaced_share(block: Sequence[str]) -> float:
    """Of a block's words, those that are single characters of scripts without spaces."""
    return sum(len(_UNSPACED.findall(text)) for text in block) / max(sum(map(length, block)), 1)


def raw_bytes(block: Sequence[str]) -> bytes:
    """What of a block is compressed."""
    return "\n".join(block).encode("utf-8", "replace")


def diversity(block: Sequence[str], most: int | None = None) -> dict[str, float]:
    """The measures of one block; its first ``most`` bytes are compressed (a longer text compresses better)."""
    words = words_of(block)
    found = {}
    for n in DISTINCT:
        hashes, _ = words.ngrams(n)
        found[f"distinct_{n}"] = len(np.unique(hashes)) / max(len(hashes), 1)
    found["word_order"] = _order(words)
    raw = raw_bytes(block)[:most]
    found["compression"] = len(raw) / len(zlib.compress(raw, 6))
    found["self_repetition"] = _repeated(*words.ngrams(4))
    found["self_similarity"] = _similar(*words.ngrams(2))
    return found


def _order(words: Words) -> float:
    """1 - (different word pairs) / (the same with the words of each text in random order), at least 0."""
    firsts = np.arange(max(len(words.hashes) - 1, 0))
    inside = firsts[~np.isin(firsts + 1, words.bounds)]  # pairs stay within a text
    if not len(inside):
        return 0.0
    draws = np.random.default_rng(0).random(len(words.hashes))
    mixed = words.hashes[np.lexsort((draws, np.repeat(np.arange(len(words.counts)), words.counts)))]
    own, random = (
        len(np.unique(each[inside] * np.uint64(0x9E3779B97F4A7C15) + each[inside + 1]))
        for each in (words.hashes, mixed)
    )
    return max(0.0, 1 - own / random)


def _different(hashes: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each n-gram once for each text that has it, and in how many texts each different one is."""
    own = [np.unique(hashes[start:end]) for start, end in pairwise(bounds)]
    each = np.concatenate(own) if own else np.empty(0, dtype=np.uint64)
    return each, np.unique(each, return_counts=True)[1]


def _repeated(hashes: np.ndarray, bounds: np.ndarray) -> float:
    each, texts = _different(hashes, bounds)
    return float(texts[texts > 1].sum() / max(len(each), 1))


def _similar(hashes: np.ndarray, bounds: np.ndarray) -> float:
    """A bigram in c of n texts is shared by c (c - 1) / 2 of the n (n - 1) / 2 pairs: no pair need be looked at."""
    each, texts = _different(hashes, bounds)
    count = len(bounds) - 1
    if count < 2 or not len(each):
        return 0.0
    shared = float((texts * (texts - 1.0)).sum()) / (count * (count - 1.0))
    return shared / (len(each) / count)


def faithfulness(text: str, source: str) -> dict[str, float]:
    """Measures of one pair; those that are not defined (a source without numbers) are left out.

    ``words_kept``: share of the source's content words that the text has. ``words_added``: share of the text's content
    words that the source does not have. ``numbers_kept``, ``numbers_added``, ``names_kept``, ``names_added``: the
    same of numbers and names. ``copied``: share of the text's word 5-grams that the source has. ``length_ratio``: words
    of the text per word of the source. Empty for an empty source.
    """
    if not source.strip():
        return {}
    found: dict[str, float] = {}
    for kind, of in (("words", content_words), ("numbers", numbers), ("names", names)):
        _compare(found, kind, of, text, source)
    words = words_of([text, source])
    hashes, bounds = words.ngrams(5)
    own, theirs = set(hashes[: bounds[1]].tolist()), set(hashes[bounds[1] :].tolist())
    if own:
        found["copied"] = len(own & theirs) / len(own)
    if words.counts[1]:
        found["length_ratio"] = float(words.counts[0] / words.counts[1])
    return found


def content_words(text: str) -> set[str]:
    """Words of three letters and more, in lower case, but for the commonest English ones; characters of scripts without
    spaces."""
    return {word.lower() for word in _WORD.findall(text)} - _COMMON


def numbers(text: str) -> set[str]:
    """Numbers as digits: ``1,200`` and ``1200`` are one, and so are ``3.50`` and ``3.5``."""
    found = set()
    for number in _NUMBER.findall(text):
        plain = re.sub(r",(?=\d{3}\b)", "", number)
        found.add(plain.rstrip("0").rstrip(".") if "." in plain else plain)
    return found


def names(text: str) -> set[str]:
    """Capitalised words that do not begin a sentence, without a possessive ending."""
    return {re.sub(r"['\u2019]s$", "", name) for name in _NAME.findall(text)}


def _compare(found: dict[str, float], kind: str, of: Callable[[str], set[str]], text: str, source: str) -> None:
    theirs, own = of(source), of(text)
    if kind == "names":  # at the beginning of a sentence a name is kept as well
        kept, known = theirs & set(re.findall(r"[\w\u2019'-]+", re.sub(r"['\u2019]s\b", "", text))), source
        new = {name for name in own if name not in known}
    else:
        kept, new = theirs & own, own - theirs
    if theirs:
        found[f"{kind}_kept"] = len(kept) / len(theirs)
    if own:
        found[f"{kind}_added"] = len(new) / len(own)


def values_of(pairs: Sequence[Pair]) -> dict[str, list[tuple[str, float]]]:
    """Each measure of each text that has it: lengths, failures, faithfulness."""
    values: dict[str, list[tuple[str, float]]] = {}
    for start in range(0, len(pairs), _BATCH_TEXTS):
        batch = pairs[start : start + _BATCH_TEXTS]
        words = words_of([pair.text for pair in batch])
        refuses, mentions = task_talk(words, [pair.source for pair in batch])
        for pair, count, refusal, mention in zip(batch, words.counts, refuses, mentions, strict=True):
            own = {"words": float(count), "empty": float(count == 0)}
            if pair.truncated is not None:
                own["truncated"] = float(pair.truncated)
            if count:
                own["unfinished"] = float(_ENDED.search(pair.text) is None)
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
