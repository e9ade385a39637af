"""How fast text becomes a corpus: ``python benchmarks/corpus.py [FILES ...]``, else the embedded sample.

Every measurement is a process of its own, and rounds are interleaved: medians of wall and processor seconds, the
largest memory, and ratios within the run. ``--before REV`` builds by that revision of this repository too. ``--bytes
2G`` writes the text that often with changes first; ``--documents 1M 10M`` builds of so many short ones.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRAINED_ON = 30_000_000  # bytes
STEPS = ("tokenizers", "tiktoken", "read", "encode", "build")

CHILD = """
import json, os, resource, sys, time
from fractions import Fraction
from pathlib import Path
what, tokenizer, to, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
from synthmix.corpus import Source, build_corpus, load_tokenizer, read_documents
tok, source = load_tokenizer(tokenizer), Source(files=files)
cores = len(os.sched_getaffinity(0))
texts = []
if what in ("tokenizers", "tiktoken", "encode"):
    texts = [d.text for d in read_documents(source, domain="d") if d.text.strip()]
if what == "tiktoken":
    from concurrent.futures import ThreadPoolExecutor
    import tiktoken
    from synthmix.corpus.fast_bpe import mergeable_ranks
    from synthmix.corpus.pretokens import GPT2
    ranks = mergeable_ranks(json.loads(tok.backend.to_str())["model"])
    bare = tiktoken.Encoding("bare", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
if what == "encode":
    assert tok.fast is not None
if what == "build":
    import pyarrow.parquet, synthmix.corpus.near_duplicates
start, used = time.perf_counter(), time.process_time()
if what == "tokenizers":
    for at in range(0, len(texts), 1024):
        tok._encoder.encode_batch_fast(texts[at : at + 1024], add_special_tokens=False)
elif what == "tiktoken":
    with ThreadPoolExecutor(cores) as pool:
        for at in range(0, len(texts), 1024):
            list(pool.map(bare.encode_ordinary, texts[at : at + 1024]))
elif what == "encode":
    for at in range(0, len(texts), 1024):
        tok.fast.encode_batch(texts[at : at + 1024], tok.dtype)
elif what == "read":
    for _ in read_documents(source, domain="d"):
        pass
else:
    corpus = build_corpus(source, to, name="all", tokenizer=tok, heldout=Fraction(1, 50))
wall, cpu = time.perf_counter() - start, time.process_time() - used
found = {"wall": wall, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
if what == "build":
    found |= {"id": corpus.id, "tokens": corpus.train_counts.tokens}
print(json.dumps(found))
"""


def measured(what: str, source: Path, tokenizer: Path, files: list[str]) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, what, str(tokenizer), f"{folder}/c", *files],
            env={**os.environ, "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(ran.stdout.splitlines()[-1])


def at_revision(revision: str, to: Path) -> Path:
    """The sources of an earlier revision."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", revision, "src"], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(to)], input=packed.stdout, check=True)
    return to / "src"


def texts_of(files: list[str]) -> list[str]:
    from synthmix.corpus import Source, read_documents

    source = Source(files=files) if files else Source(sample="all")
    return [one.text for one in read_documents(source, domain="all") if one.text.strip()]


def repeated(texts: list[str], size: int, to: Path) -> int:
    """``texts`` over and over until ``size`` bytes, every tenth word of each copy another; UTF-8 bytes of text."""
    rng, written, copy = random.Random(1), 0, 0
    words = [word for text in texts[:200] for word in text.split()][:5000]
    with to.open("w") as file:
        while written < size:
            copy += 1
            for text in texts:
                parts = text.split(" ")
                for at in range(rng.randrange(10), len(parts), 10) if copy > 1 else ():
                    parts[at] = rng.choice(words)
                made = " ".join(parts)
                file.write(json.dumps({"text": made}, ensure_ascii=False) + "\n")
                written += len(made.encode())
                if written >= size:
                    break
    return written


def short(count: int, words: list[str], to: Path) -> int:
    """``count`` documents of twenty words; UTF-8 bytes of text."""
    rng, written = random.Random(2), 0
    with to.open("w") as file:
        for number in range(count):
            made = f"{number} " + " ".join(rng.choices(words, k=20))
            file.write(json.dumps({"text": made}, ensure_ascii=False) + "\n")
            written += len(made.encode())
    return written


def table(title: str, rows: dict[str, list[dict]], megabytes: float) -> None:
    print(f"\n{title}\n| step | s | MB/s | processor s | MB per processor s | peak, MiB |\n|---|---|---|---|---|---|")
    for name, runs in rows.items():
        wall, cpu = (statistics.median(run[key] for run in runs) for key in ("wall", "cpu"))
        peak = max(run["peak"] for run in runs) / 2**20
        rates = f"{wall:.2f} | {megabytes / wall:.1f} | {cpu:.2f} | {megabytes / cpu:.1f}"
        print(f"| {name} | {rates} | {peak:.0f} |", flush=True)


def ratio(rows: dict[str, list[dict]], of: str, to: str, key: str) -> float:
    """Median over rounds of ``to``'s seconds over ``of``'s: how many times as fast ``of`` is."""
    return statistics.median(b[key] / a[key] for a, b in zip(rows[of], rows[to], strict=True))


def count(text: str) -> int:
    from synthmix.quantities import parse_count

    return parse_count(text.replace("G", "B"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--before")
    parser.add_argument("--vocab", type=int, nargs="+", default=[8192])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokenizer", type=Path, help="instead of training one")
    parser.add_argument("--bytes", type=count, nargs="+", default=[])
    parser.add_argument("--documents", type=count, nargs="+", default=[])
    asked = parser.parse_args()
    from synthmix.corpus import Source, load_tokenizer, train_texts, train_tokenizer

    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        texts = texts_of(asked.files)
        megabytes = sum(len(text.encode()) for text in texts) / 1e6
        files = asked.files
        if not files:
            (at / "sample.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
            files = [str(at / "sample.jsonl")]
        before = at_revision(asked.before, at) if asked.before else None
        for vocabulary in asked.vocab if asked.tokenizer is None else []:
            tokenizer = train_tokenizer(train_texts(Source(files=files), limit_bytes=TRAINED_ON), vocabulary)
            tokenizer.save(at / f"{vocabulary}.json")
            if not asked.bytes and not asked.documents:
                compare(files, at / f"{vocabulary}.json", tokenizer.vocab_size, megabytes, before, asked.rounds)
        tokenizer_file = asked.tokenizer or at / f"{asked.vocab[0]}.json"
        if asked.tokenizer and not asked.bytes and not asked.documents:
            compare(files, asked.tokenizer, load_tokenizer(asked.tokenizer).vocab_size, megabytes, before, asked.rounds)
        for wanted in asked.bytes:
            size = repeated(texts, wanted, at / "many.jsonl")
            found = [measured("build", ROOT / "src", tokenizer_file, [str(at / "many.jsonl")])]
            table(f"{size / 1e9:.2f} GB of repeated and changed text", {"build": found}, size / 1e6)
        rows = {}
        for documents in asked.documents:
            words = sorted({word for text in texts[:300] for word in text.split()})
            size = short(documents, words, at / "short.jsonl")
            rows[documents] = size / 1e6, measured("build", ROOT / "src", tokenizer_file, [str(at / "short.jsonl")])
            table(f"{documents} short documents", {"build": [rows[documents][1]]}, size / 1e6)


def compare(
    files: list[str], tokenizer: Path, vocabulary: int, megabytes: float, before: Path | None, rounds: int
) -> None:
    rows: dict[str, list[dict]] = {step: [] for step in STEPS}
    if before:
        rows["build before"] = []
    for _ in range(rounds):
        for step in STEPS:
            rows[step].append(measured(step, ROOT / "src", tokenizer, files))
        if before:
            rows["build before"].append(measured("build", before, tokenizer, files))
            assert rows["build before"][-1]["id"] == rows["build"][-1]["id"], "another corpus"
    table(f"{megabytes:.1f} MB, vocabulary {vocabulary}", rows, megabytes)
    for key in ("wall", "cpu"):
        share = 100 * ratio(rows, "build", "tiktoken", key)
        line = f"{key}: build at {share:.0f} % of bare tiktoken"
        line += f", {ratio(rows, 'build', 'tokenizers', key):.1f} times bare tokenizers"
        if before:
            line += f", {ratio(rows, 'build', 'build before', key):.1f} times the build before"
        print(line)


if __name__ == "__main__":
    main()
