"""What is wrong with a generated text, told for many texts at once.

Each filter has a name, which is the reason in tables and records. They need the text, its source and the template;
duplicates are looked for behind them (:mod:`synthmix.generation.filtering`).
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synthmix.corpus.markup import has_markup
from synthmix.corpus.near_duplicates import SHINGLE, mixed
from synthmix.generation.finishes import CUT, WHOLE
from synthmix.generation.language import accepted, checked_language, detector, languages
from synthmix.generation.ngrams import NgramIndex, Words, batches_of, words_of
from synthmix.generation.phrases import task_talk
from synthmix.generation.template import Template

_OWNER = np.uint64(0x9E3779B97F4A7C15)
LEAK_WORDS = 8
_SHORTEST_HELDOUT = 8
_MOST_OF_SOURCE = 0.1  # of a source's n-grams may be held-out ones: common phrases and quotations (CHOSEN)
REASONS = (
    "empty",
    "unfinished",
    "markup",
    "contaminated",
    "contaminated_source",
    "refusal",
    "meta_talk",
    "prompt_leakage",
    "repetition",
    "too_short",
    "too_long",
    "wrong_language",
    "copied",
    "truncated",
)


class Filters(BaseModel):
    """Limits of the filters; None or false turns one off. Contamination cannot be turned off.

    Attributes:
        min_words, max_words: of a text; the template's ``words`` when absent.
        ratio: lowest and highest words per word of the source; the template's when absent.
        repetition: least share of different word 5-grams among all (0.95 and more in prose).
        copied: highest share of a text's 5-grams that its source has.
        language: a code such as ``en``, or ``source``: the source's, and for a seeded type the template's. A text goes
            when both languages are known and differ.
        truncated: drop texts that ran into the token limit instead of marking them.
        finish: finish reasons that are as good as ``stop``: ``[missing]`` for a server that never says one. Texts with
            others than these, ``stop`` and ``length`` are dropped as unfinished.
        markup: drop texts in which marks of a model are left (:mod:`synthmix.corpus.markup`).
        near_duplicates: Jaccard similarity of word 5-grams from which a text is a near-duplicate of an earlier one
            or of a source.
        contamination_words: a text that shares so many successive words with a held-out text is dropped, and so is a
            text whose source shares a tenth of its runs of so many words with held-out ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int | None = Field(default=None, ge=0)
    max_words: int | None = Field(default=None, ge=1)
    ratio: tuple[float, float] | None = None
    repetition: float | None = Field(default=0.6, ge=0, le=1)
    copied: float | None = Field(default=0.8, ge=0, le=1)
    refusals: bool = True
    meta_talk: bool = True
    prompt_leakage: bool = True
    language: Annotated[str | None, AfterValidator(checked_language)] = "source"
    truncated: bool = False
    finish: list[Literal["missing", "unknown", "content_filter", "tool_calls"]] = []
    markup: bool = True
    near_duplicates: float | None = Field(default=0.8, ge=0.6, lt=1)
    contamination_words: int = Field(default=13, ge=8, le=50)


class Screen:
    """The filters of one job.

    Args:
        heldout: index of the held-out texts (:func:`heldout_index`).
        template: gives the lengths that were asked for, and the words that must not come back.
    """

    def __init__(self, filters: Filters, heldout: NgramIndex, template: Template | None = None) -> None:
        if filters.language is not None:
            detector()
        front = template.front if template is not None else None
        least, most = (front.words if front is not None else None) or (SHINGLE, None)
        self.filters, self.heldout = filters, heldout
        self.words = (least if filters.min_words is None else filters.min_words, filters.max_words or most)
        self.ratio = filters.ratio or (front.ratio if front is not None else None)
        self.seeded = template is not None and template.kind == "seeded"
        self._asked_in: str | None = None
        if template is not None and self.seeded:  # keywords tell no language, the instructions do
            [self._asked_in] = languages([template.instructions])
        self._leaks = NgramIndex([[template.instructions]] if template is not None else [], LEAK_WORDS)

    def examine(
        self, texts: Sequence[str], sources: Sequence[str], finishes: Sequence[str]
    ) -> tuple[np.ndarray, Words]:
        """Which of :data:`REASONS` hold for each text: bool, shape (texts, reasons); and the texts' words.

        Args:
            finishes: why each text ended (:func:`synthmix.generation.finishes.finish_of`).
        """
        words, given, limits = words_of(texts), words_of(sources), self.filters
        none = np.zeros(len(texts), dtype=bool)
        short, long = self._lengths(words.counts, given.counts)
        refuses, mentions = task_talk(words, sources) if limits.refusals or limits.meta_talk else (none, none)
        found = {
            "empty": words.counts == 0,
            "unfinished": np.array([each not in (WHOLE, CUT, *limits.finish) for each in finishes], dtype=bool),
            "markup": np.array([limits.markup and has_markup(text) for text in texts], dtype=bool),
            "contaminated": self.heldout.counts(words) > 0,
            "contaminated_source": self._made_of_heldout(given),
            "refusal": refuses & limits.refusals,
            "meta_talk": mentions & limits.meta_talk,
            "prompt_leakage": self._leaked(words, given) if limits.prompt_leakage else none,
            "repetition": none if limits.repetition is None else repeats(words, limits.repetition),
            "too_short": short,
            "too_long": long,
            "wrong_language": none if limits.language is None else self._foreign(texts, sources, limits.language),
            "copied": none if limits.copied is None or self.seeded else copies(words, given, limits.copied),
            "truncated": np.array([each == CUT for each in finishes], dtype=bool) & limits.truncated,
        }
        return np.stack([found[reason] for reason in REASONS], axis=1), words

    def _lengths(self, words: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        least, most = self.words
        short, long = words < least, words > (most if most is not None else np.inf)
        if self.ratio is not None and not self.seeded:
            known = given > 0
            short, long = (
                short | (known & (words < self.ratio[0] * given)),
                long | (known & (words > self.ratio[1] * given)),
            )
        return short, long

    def _made_of_heldout(self, given: Words) -> np.ndarray:
        """A paraphrase of a held-out text shares few runs of words with it; its source gives it away."""
        shared = self.heldout.counts(given)
        return shared > _MOST_OF_SOURCE * np.maximum(given.counts - self.heldout.n + 1, 1)

    def _leaked(self, words: Words, given: Words) -> np.ndarray:
        leaked = self._leaks.counts(words)
        return leaked > self._leaks.counts(given) if leaked.any() else leaked > 0

    def _foreign(self, texts: Sequence[str], sources: Sequence[str], language: str) -> np.ndarray:
        known = languages(texts)
        if language != "source":
            wanted = accepted(language)
            return np.array([own is not None and own not in wanted for own in known], dtype=bool)
        asked = [self._asked_in] * len(known) if self.seeded else languages(sources)
        return np.array(
            [None not in pair and pair[0] != pair[1] for pair in zip(known, asked, strict=True)], dtype=bool
        )


def heldout_index(texts: Iterable[str], words: int = 13) -> NgramIndex:
    """The n-grams of ``words`` words of the held-out texts; a text of 8 words or more that is shorter than that counts
    as a whole."""
    return NgramIndex(batches_of(texts), words, short=_SHORTEST_HELDOUT)


def repeats(words: Words, least: float) -> np.ndarray:
    """Whether fewer than ``least`` of each text's 5-grams are different, or more than half of its bytes repeat the byte
    before: bool, shape (texts,)."""
    keys, bounds = _owned_ngrams(words)
    slots = _slots(keys, 16 * len(keys))
    last = np.empty(len(slots) and int(slots.max()) + 1, dtype=np.int32)
    number = np.arange(len(slots), dtype=np.int32)
    last[slots] = number
    found = _counts(last[slots] == number, bounds) < least * np.diff(bounds)  # two may share a slot: too low, if wrong
    for text in np.flatnonzero(found):
        own = keys[bounds[text] : bounds[text + 1]]
        found[text] = len(np.unique(own)) < least * len(own)
    runs = np.diff(np.searchsorted(np.flatnonzero(words.raw[1:] == words.raw[:-1]), words.zeros))
    return found | (runs > words.sizes / 2)


def copies(words: Words, sources: Words, most: float) -> np.ndarray:
    """Whether more than ``most`` of each text's 5-grams are in its source too: bool, shape (texts,)."""
    (own, bounds), (theirs, given) = _owned_ngrams(words), _owned_ngrams(sources)
    size = 32 * max(len(theirs), 128)
    table = np.zeros(1 << size.bit_length(), dtype=bool)
    table[_slots(theirs, size)] = True
    found = _counts(table[_slots(own, size)], bounds) > most * np.diff(bounds)  # too high, if wrong
    for text in np.flatnonzero(found):
        mine = own[bounds[text] : bounds[text + 1]]
        known = np.isin(mine, theirs[given[text] : given[text + 1]])
        found[text] = known.sum() > most * len(mine)
    return found


def _owned_ngrams(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of text and 5-gram together, and the texts' bounds."""
    hashes, bounds = words.ngrams(SHINGLE)
    owner = mixed(np.arange(1, len(bounds), dtype=np.uint64) * _OWNER)
    return hashes ^ np.repeat(owner, np.diff(bounds)), bounds


def _slots(keys: np.ndarray, size: int) -> np.ndarray:
    return (keys & np.uint64((1 << max(size, 1).bit_length()) - 1)).view(np.int64)


def _counts(flags: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """How many flags are set between the bounds of each text."""
    return np.diff(np.searchsorted(np.flatnonzero(flags), bounds))
