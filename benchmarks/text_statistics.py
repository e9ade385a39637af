"""How fast exact n-gram counts are: ``python benchmarks/text_statistics.py``; a Markdown table in a few minutes.

Text: the embedded sample, its documents repeated in random order; and, as the hard case, tokens drawn one by one from
Zipf's law, of which far more bigrams differ. MB are of token shards (two bytes a token); natural text has about twice
as many bytes. Every row is the median of three runs by worker processes that are up already, reading memory-mapped
shards. The last rows count a million documents in one pass, and do it again through a local Ray.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.corpus import Source, TokenStream, read_documents, train_tokenizer
from synthmix.corpus.shards import ShardWriter
from synthmix.engine import open_engine
from synthmix.statistics.count import TextCounts, count_text

WORKERS = 2
SIZE = 32_000_000  # tokens of the timed streams
DOCUMENTS, LENGTH = 1_000_000, 100  # of the one-pass corpus: 100M tokens
SHARD = 2**23


def written(folder: Path, name: str, blocks: Sequence[np.ndarray]) -> TokenStream:
    """Blocks of tokens as shards on disk."""
    writer = ShardWriter(folder, name, np.dtype("<u2"), SHARD)
    for block in blocks:
        writer.write(block)
    return TokenStream(folder, writer.close(), np.dtype("<u2"))


def sample_tokens(vocab: int, size: int) -> tuple[list[np.ndarray], int, float]:
    """The sample's documents in random order, again and again; the end-of-document id, and bytes of text a token."""
    texts = [document.text for document in read_documents(Source(sample="all"), domain="all") if document.text.strip()]
    tokenizer = train_tokenizer(texts[:: max(1, len(texts) // 4000)], vocab)
    encoded = [np.append(ids, tokenizer.eos_id).astype("<u2") for ids in tokenizer.encode_batch(texts)]
    per_token = sum(len(text.encode()) for text in texts) / sum(map(len, encoded))
    rng, found, have = np.random.default_rng(0), list[np.ndarray](), 0
    while have < size:
        for at in rng.permutation(len(encoded)):
            found.append(encoded[at])
            have += len(encoded[at])
    return found, tokenizer.eos_id, per_token


def zipf_tokens(vocab: int, documents: int, length: int, seed: int) -> list[np.ndarray]:
    """Documents of tokens drawn one by one; id 0 ends each."""
    rng = np.random.default_rng(seed)
    p = 1 / np.arange(1, vocab)
    edges = np.cumsum(p / p.sum())
    ids = 1 + rng.permutation(vocab - 1)
    blocks = []
    for _ in range(documents // 10_000):
        block = ids[np.searchsorted(edges, rng.random((10_000, length))).clip(max=vocab - 2)].astype("<u2")
        block[:, -1] = 0
        blocks.append(block.ravel())
    return blocks


def median(work: Callable[[], Any], times: int = 3) -> tuple[Any, float]:
    """The last result and the median seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - start)
    return result, float(np.median(taken))


def same(a: TextCounts, b: TextCounts) -> bool:
    """Whether two counts are equal in every number."""
    return np.array_equal(a.unigrams, b.unigrams) and all(
        np.array_equal(a.ngrams[n].keys, b.ngrams[n].keys) and np.array_equal(a.ngrams[n].counts, b.ngrams[n].counts)
        for n in a.ngrams
    )


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, open_engine("local", workers=WORKERS) as engine:
        folder = Path(name)
        row("text", "vocabulary", "counted", "MB of shards/s", "Mtokens/s", "MB of text/s", "distinct")
        row(*["---"] * 7)
        for kind in ("sample", "Zipf, token by token"):
            for vocab in (4096, 32_768):
                if kind == "sample":
                    blocks, eos, per_token = sample_tokens(vocab, SIZE)
                    text = f"{per_token:.2f} bytes a token"
                else:
                    blocks, eos, per_token = zipf_tokens(vocab, SIZE // LENGTH, LENGTH, 1), 0, float("nan")
                    text = ""
                stream = written(folder, f"{kind.split()[0]}{vocab}", blocks)
                del blocks
                for orders, what in (((), "unigrams"), ((2,), "unigrams, bigrams"), ((2, 3), "and trigrams")):
                    asked = {"eos": eos, "orders": orders, "parts": WORKERS, "each": engine.each}
                    if not orders and kind == "sample" and vocab == 4096:
                        count_text(stream, vocab, **asked, stop=1000)  # so that the workers are up

                    def work(stream: TokenStream = stream, vocab: int = vocab, asked: Any = asked) -> dict[int, int]:
                        with tempfile.TemporaryDirectory(dir=folder) as scratch:
                            found = count_text(stream, vocab, **asked, scratch=Path(scratch))
                            return {n: len(table) for n, table in found.ngrams.items()}

                    found, seconds = median(work, 3 if len(orders) < 2 else 1)
                    rate = len(stream) / 1e6 / seconds
                    distinct = ", ".join(f"{n}: {count:,}" for n, count in found.items()) or "-"
                    of_text = f"{rate * per_token:.0f} ({text})" if text else "-"
                    row(kind, f"{vocab:,}", what, f"{2 * rate:.0f}", f"{rate:.1f}", of_text, distinct)
        million(folder, engine)


def million(folder: Path, engine: Any) -> None:
    """A million documents in one pass, locally and through Ray."""
    vocab = 32_768
    stream = written(folder, "million", zipf_tokens(vocab, DOCUMENTS, LENGTH, 2))
    asked: dict[str, Any] = {"eos": 0, "orders": (2,), "parts": 8}
    start = time.perf_counter()
    plain = count_text(stream, vocab, **asked, each=engine.each, scratch=folder / "one")
    seconds = time.perf_counter() - start
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    engine.close()
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(
        f"\nOne pass over {DOCUMENTS:,} documents, {len(stream):,} tokens ({2 * len(stream) / 1e6:.0f} MB): "
        f"{seconds:.1f} s, {2 * len(stream) / 1e6 / seconds:.0f} MB of shards/s, {len(plain.ngrams[2]):,} distinct "
        f"bigrams; peak memory {own:.2f} GiB here (making the text included), {worker:.2f} GiB in a worker.",
        flush=True,
    )
    with open_engine("ray", workers=WORKERS) as ray:
        start = time.perf_counter()
        found = count_text(stream, vocab, **asked, each=ray.each, scratch=folder / "two")
        seconds = time.perf_counter() - start
    equal = same(plain, found)
    verdict = "equal" if equal else "NOT EQUAL"
    print(f"The same through a local Ray: {seconds:.1f} s with its start, {verdict} in every count.")
    if not equal:
        sys.exit(1)


if __name__ == "__main__":
    main()
