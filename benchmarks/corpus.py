"""How fast text becomes tokens on disk: ``python benchmarks/corpus.py [FILES ...]``, else the embedded sample.

Prints a table of MB of UTF-8 text a second and tokens a second for each step, one process, all cores for the tokenizer.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.corpus import Source, build_corpus, read_documents, train_tokenizer
from synthmix.corpus.ingest import batches
from synthmix.corpus.near_duplicates import NearDuplicates
from synthmix.statistics import count_unigrams

VOCABULARY = 4096
TRAINED_ON = 10_000_000  # characters


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main(files: list[str]) -> None:
    source = Source(files=files) if files else Source(sample="all")
    list(read_documents(Source(sample="all"), domain="warm")) if not files else None  # harvested once per version
    documents, reading = timed(lambda: [d for d in read_documents(source, domain="all") if d.text.strip()])
    megabytes = sum(len(document.text.encode()) for document in documents) / 1e6
    some, taken = [], 0
    for document in documents:
        some.append(document.text)
        taken += len(document.text)
        if taken >= TRAINED_ON:
            break
    tokenizer, training = timed(lambda: train_tokenizer(some, VOCABULARY))
    texts = [[document.text for document in batch] for batch in batches(documents)]
    encoded, encoding = timed(lambda: [tokenizer.encode_batch(batch) for batch in texts])
    tokens = sum(len(ids) for batch in encoded for ids in batch)
    share = max(1, len(documents) // 50)
    flat = [ids for batch in encoded for ids in batch]
    index, indexing = timed(lambda: NearDuplicates([flat[::50]]))
    _, comparing = timed(lambda: [index.matches(batch) for batch in encoded])
    with tempfile.TemporaryDirectory() as folder:
        corpus, building = timed(
            lambda: build_corpus(source, Path(folder) / "c", name="all", tokenizer=tokenizer, heldout=Fraction(1, 50))
        )
        stream = corpus.train
        _, streaming = timed(lambda: sum(len(block) for block in stream.blocks(2**16)))
        _, counting = timed(lambda: count_unigrams(stream, tokenizer.vocab_size))
        _, checking = timed(corpus.verify)
        _, decoding = timed(lambda: sum(len(text) for text in corpus.texts(limit=2000)))
    rows = [
        ("read the source", reading),
        ("encode (all cores)", encoding),
        ("near-duplicates: look up all", comparing),
        ("build: all of the above, pack", building),
        ("read the stream in blocks", streaming),
        ("count unigrams", counting),
        ("verify checksums", checking),
    ]
    print(f"{len(documents)} documents, {megabytes:.1f} MB, {tokens} tokens of a vocabulary of {tokenizer.vocab_size}")
    print(f"{'step':32} {'s':>8} {'MB/s':>8} {'Mtokens/s':>10}")
    for name, seconds in rows:
        print(f"{name:32} {seconds:8.2f} {megabytes / seconds:8.1f} {tokens / seconds / 1e6:10.2f}")
    print(f"train the tokenizer on {taken / 1e6:.1f} MB: {training:.2f} s")
    print(f"near-duplicates: index {share} documents: {indexing:.2f} s")
    print(f"decode 2000 documents: {decoding:.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
