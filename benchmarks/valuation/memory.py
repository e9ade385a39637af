"""Peak memory of `synthmix value` on a folder of JSONL shards, at one and at ten times the documents."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.valuation.tables import markdown_table

SIZES, SHARDS, WORDS = (10_000, 100_000), 10, 150
FORMS: dict[str, list[str]] = {"texts": [], "labelled texts": ["--label", "label"]}
PEAK = """
import resource, sys, time
from synthmix.cli import main
began = time.process_time()
try:
    main()
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak} {time.process_time() - began}", file=sys.stderr)
"""


def tables(names: Sequence[str]) -> Iterator[str]:
    """One row a form; the tasks are not asked."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        write(at / "reference", 300, 1, seed=0)
        sizes = [write(at / f"pool{size}", size, SHARDS, seed=size) for size in SIZES]
        for form, options in FORMS.items():
            made = [measured(at, f"pool{size}", options) for size in SIZES]
            rows.append([form, *(f"{peak:.0f} MB, {seconds:.0f} s" for peak, seconds in made)])
    yield "## Memory of one command, and its processor seconds\n"
    head = [f"{size:,} documents, {held / 2**20:.0f} MB" for size, held in zip(SIZES, sizes, strict=True)]
    yield markdown_table(["a folder of", *head], rows) + "\n"


def write(folder: Path, size: int, shards: int, seed: int) -> int:
    """Texts of random words, a shard at a time, each with a label; the bytes of all."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    words = np.array([f"w{i:x}" for i in range(5000)])
    for shard in range(shards):
        with (folder / f"{shard}.jsonl").open("w", encoding="utf-8") as out:
            for i in range(size // shards):
                text = " ".join(words[rng.zipf(1.3, WORDS) % len(words)])
                out.write(json.dumps({"text": text, "label": i % 2}) + "\n")
    return sum(path.stat().st_size for path in folder.iterdir())


def measured(folder: Path, pool: str, options: list[str]) -> tuple[float, float]:
    """(peak of resident memory in MB, processor seconds) of the command in a process of its own."""
    asked = ["value", "--reference", "reference/*.jsonl", f"{pool}={pool}/*.jsonl", "--json", "--quiet", *options]
    command = [sys.executable, "-c", PEAK, *asked]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    peak, seconds = done.stderr.strip().splitlines()[-1].split()
    return float(peak), float(seconds)
