"""No held-out document may have a near-duplicate that is trained on, in this corpus or another of the study."""

from collections.abc import Iterator, Sequence

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.intake import Intake
from synthmix.corpus.near_duplicates import NearDuplicates
from synthmix.progress import Progress

_BATCH_TOKENS = 1_000_000


def without_leaks(intake: Intake, against: Sequence[Corpus], *, task: str, progress: Progress) -> np.ndarray:
    """Which documents stay, bool, shape (documents,); counts of the others go to ``intake.removed``.

    Three rules, in this order, so that neither the order of building nor of naming lets anything through:
    1. a held-out document goes when the training part of another corpus holds a near-duplicate of it;
    2. a training document goes when it nearly duplicates a held-out one of this corpus,
    3. or one of another corpus.
    """
    stays = np.ones(len(intake), dtype=bool)
    heldout = np.flatnonzero(intake.heldout)
    train = np.flatnonzero(~np.array(intake.heldout, dtype=bool))
    intake.removed.update({"near_duplicates_of_heldout": 0, "heldout_trained_on_elsewhere": 0})
    own = NearDuplicates(batch for _, batch in _read(intake, heldout))
    for other in against:
        if len(heldout) and len(other.train):
            for batch in _read_corpus(other, "train"):
                for near in own.matches(batch):
                    stays[heldout[near]] = False
    intake.removed["heldout_trained_on_elsewhere"] = int((~stays).sum())
    foreign = NearDuplicates(batch for other in against for batch in _read_corpus(other, "heldout"))
    done = 0
    if not len(own) and not len(foreign):
        return stays
    for numbers, batch in _read(intake, train):
        near_own, near_foreign = own.matches(batch), foreign.matches(batch)
        for number, mine, theirs in zip(numbers, near_own, near_foreign, strict=True):
            if theirs or any(stays[heldout[mine]]):
                stays[number] = False
                intake.removed["near_duplicates_of_heldout"] += 1
        done += len(batch)
        progress.update(task, len(intake), note=f"near-duplicates: {done} of {len(train)} documents compared")
    return stays


def _read(intake: Intake, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    tokens, starts = intake.tokens()
    lengths = np.array(intake.lengths, dtype=np.int64)
    cuts = np.flatnonzero(np.diff(np.cumsum(lengths[numbers]) // _BATCH_TOKENS)) + 1
    for part in np.split(numbers, cuts):
        if len(part):
            yield part, [np.asarray(tokens[starts[i] : starts[i] + lengths[i]]) for i in part]


def _read_corpus(corpus: Corpus, split: str) -> Iterator[list[np.ndarray]]:
    return batched((ids for _, ids in corpus.token_documents(split)), len, _BATCH_TOKENS)
