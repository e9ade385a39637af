"""How fast generated text is filtered, and which duplicates are found: ``python benchmarks/filters.py [FILES ...]``.

Passages of about 300 words out of the files (else the embedded sample) play the answers, the passage before each its
source. Prints two tables in Markdown: MB of answers a second for each part, by the clock and by the processor's time
(which others who use the machine disturb less), and the share of edited copies that is found, by their true Jaccard
similarity. Half a minute when nothing else runs.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from synthmix.corpus import Source, read_documents
from synthmix.corpus.near_duplicates import NearIndex
from synthmix.generation.assemble import Generated
from synthmix.generation.filtering import filter_generated
from synthmix.generation.filters import Filters, Screen, copies, heldout_index, repeats
from synthmix.generation.ngrams import Words, word_signatures, words_of
from synthmix.generation.phrases import task_talk
from synthmix.generation.template import load_template

MEGABYTES, HELDOUT_WORDS, REPEATS = 20, 500_000, 3
WORDS = 300
STEPS = (0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def passages(files: list[str]) -> Iterator[str]:
    source = Source(files=files) if files else Source(sample="all")
    for document in read_documents(source, domain="all"):
        words = document.text.split(" ")
        for start in range(0, len(words) - WORDS, WORDS):
            text = " ".join(words[start : start + WORDS])
            if len(text.split()) > WORDS / 2:
                yield text


def best(work: Callable[[], Any], times: int = REPEATS) -> tuple[float, float]:
    """Seconds by the clock and of the processor (all threads): the least of each."""
    clock, processor = [], []
    for _ in range(times):
        start, used = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return min(clock), min(processor)


def row(name: str, megabytes: float, seconds: tuple[float, float]) -> None:
    print(f"| {name} | {megabytes / seconds[0]:.3g} | {megabytes / seconds[1]:.3g} |")


def speeds(answers: list[str], given: list[str], heldout: list[str]) -> None:
    megabytes = sum(len(text.encode()) for text in answers) / 1e6
    template = load_template("hq")
    index = heldout_index(heldout)
    screen = Screen(Filters(), index, template)
    pairs = [(answers[i : i + 100], given[i : i + 100]) for i in range(0, len(answers), 100)]
    words = [(words_of(own), words_of(theirs)) for own, theirs in pairs]
    signed = [word_signatures(own) for own, _ in words]

    def fresh(work: Callable[[Words, Words, list[str]], Any]) -> None:
        """On words whose n-grams are not hashed yet."""
        for (own, theirs), (_, texts) in zip(words, pairs, strict=True):
            own._windows.clear()
            theirs._windows.clear()
            work(own, theirs, texts)

    def near() -> NearIndex:
        found = NearIndex()
        for batch in signed:
            found.candidates(batch)
            found.add(batch)
        return found

    parts: dict[str, Callable[[], Any]] = {
        "words of answers and sources": lambda: [(words_of(own), words_of(theirs)) for own, theirs in pairs],
        f"contamination ({len(index):,} held-out 13-grams)": lambda: fresh(lambda own, _, __: index.counts(own)),
        "refusals and meta-talk": lambda: fresh(lambda own, _, texts: task_talk(own, texts)),
        "prompt leakage": lambda: fresh(lambda own, theirs, _: screen._leaked(own, theirs)),
        "language of both": lambda: [screen._foreign(own, theirs, "source") for own, theirs in pairs],
        "copying and repetition": lambda: fresh(lambda own, theirs, _: (repeats(own, 0.6), copies(own, theirs, 0.8))),
        "all filters": lambda: [screen.examine(own, theirs, [False] * len(own)) for own, theirs in pairs],
        "MinHash signatures (256)": lambda: fresh(lambda own, _, __: word_signatures(own)),
        "near-duplicates: look up and add": near,
    }
    print(f"{len(answers):,} answers of {WORDS} words, {megabytes:.1f} MB, and as much source\n")
    print("| part | MB/s | MB per processor second |\n|---|---|---|")
    for name, work in parts.items():
        row(name, megabytes, best(work))
    some = [texts for texts, _ in pairs[:: max(1, len(pairs) // 5)]]
    share = sum(len(text.encode()) for texts in some for text in texts) / 1e6
    row("the same with `datasketch` alone (MinHash.bulk of 128, MinHashLSH)", share, best(partial(theirs, some), 1))
    documents = [
        Generated(own, str(i), "", 0, source) for i, (own, source) in enumerate(zip(answers, given, strict=True))
    ]
    for workers in (1, 2):
        work = partial(filter_generated, documents, heldout=index, template=template, workers=workers)
        name = f"**all together, {workers} thread{'s' if workers > 1 else ''}**"
        row(name, megabytes, best(lambda work=work: list(work())))  # type: ignore[misc]
    made = near()
    last = made._segments[-1]
    print(f"\nIndex of near-duplicates: {last.bytes / last.texts:.0f} bytes a text in a full segment.\n")


def theirs(batches: list[list[str]]) -> None:
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=0.8, num_perm=128)
    number = 0
    for texts in batches:
        sets = [
            [" ".join(w[i : i + 5]).encode() for i in range(len(w) - 4)]
            for w in (text.lower().split() for text in texts)
        ]
        for one in MinHash.bulk(sets, num_perm=128):
            lsh.query(one)
            lsh.insert(number, one)
            number += 1


def edited(text: str, rate: float, rng: random.Random) -> str:
    """Words replaced by others at ``rate``."""
    return " ".join(f"edit{rng.randrange(10**6)}" if rng.random() < rate else word for word in text.split())


def grams(words: Words) -> list[np.ndarray]:
    hashes, bounds = words.ngrams(5)
    return [np.unique(own) for own in np.split(hashes, bounds[1:-1])]


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def found(texts: list[str]) -> None:
    rng = random.Random(3)
    index = NearIndex(0.8)
    originals = words_of(texts)
    index.add(word_signatures(originals))
    true: list[float] = []
    hit: list[bool] = []
    strangers = 0
    for wanted in STEPS:
        survive = 2 * wanted / (1 + wanted)  # of the 5-grams
        copies = words_of([edited(text, 1 - survive**0.2, rng) for text in texts])
        near = index.candidates(word_signatures(copies))
        true += [jaccard(one, other) for one, other in zip(grams(copies), grams(originals), strict=True)]
        hit += [i in numbers for i, numbers in enumerate(near)]
        strangers += sum(other != i for i, numbers in enumerate(near) for other in numbers)
    measured, hits = np.array(true), np.array(hit)
    print("| true Jaccard similarity | edited copies | found |\n|---|---|---|")
    for wanted in STEPS:
        at = np.abs(measured - wanted) <= 0.02
        print(f"| {wanted - 0.02:.2f} to {wanted + 0.02:.2f} | {at.sum():,} | {100 * hits[at].mean():.1f} % |")
    asked = len(texts) * len(STEPS)
    print(f"\nFalse positives: {strangers:,} pairs with another of {len(texts):,} passages in {asked:,} look-ups.")


def main(files: list[str]) -> None:
    answers: list[str] = []
    given: list[str] = []
    heldout: list[str] = []
    size, before = 0, ""
    for number, text in enumerate(passages(files)):
        if number % 50 == 0 and len(heldout) * WORDS < HELDOUT_WORDS:
            heldout.append(text)
        elif before and size < MEGABYTES * 1e6:
            answers.append(text)
            given.append(before)
            size += len(text.encode())
        before = text
    speeds(answers, given, heldout)
    found(answers[:: max(1, len(answers) // 2000)])


if __name__ == "__main__":
    main(sys.argv[1:])
