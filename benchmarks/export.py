"""Export of mixed tokens to Megatron's ``.bin``: MB/s, against writing an array that lies in memory.

    python benchmarks/export.py [--mb 1000] [--context 2048] [--rounds 3]

The corpora are random ids in memory-mapped shards, in the page cache, as large as the export. Rounds alternate:
the yardstick is ``np.tofile`` of the same ids, with and without waiting for the disk (fsync), which the export does.
Also said: seconds of processor time, which other work on the machine does not stretch; equality with what the trainer
reads, on sequences spread over the whole file; and the most memory of its own (not mapped files) while it wrote.
"""

import argparse
import os
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

SHARES = {"web": Fraction(67, 100), "hq": Fraction(33, 100)}
VOCABULARY = 50_000


def anonymous() -> float:
    """Resident memory that is not a mapped file's, in MiB."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["RssAnon"].split()[0]) / 1024


class Memory:
    """The most memory seen, told as a stage's progress is."""

    most = 0.0

    def start(self, task: str, total: float | None, unit: str) -> None: ...

    def update(self, task: str, done: float, note: str = "") -> None:
        self.most = max(self.most, anonymous())

    def finish(self, task: str, note: str = "") -> None: ...

    def say(self, line: str) -> None: ...


def main() -> None:
    from synthmix.corpus import Corpus, train_tokenizer
    from synthmix.corpus.meta import FORMAT, Counts, Meta, content_id
    from synthmix.corpus.shards import ShardWriter
    from synthmix.exporting.export import export
    from synthmix.files import write_json
    from synthmix.mixture.manifest import make_manifest
    from synthmix.mixture.recipe import make_recipe
    from synthmix.training.trainer import read_batch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000, help="of ids, two bytes each")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, default=None, help="on the disk to be measured; unset: the temporary one"
    )
    arguments = parser.parse_args()
    tokens = arguments.mb * 10**6 // 2
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        folder = Path(scratch)
        tokenizer = train_tokenizer(["a tokenizer for ids that are random anyway"] * 9, 300)
        rng = np.random.default_rng(0)
        corpora = {}
        for name, share in SHARES.items():
            size = int(tokens * share * Fraction(102, 100))
            writer = ShardWriter(folder / name, "train", np.dtype("<u2"))
            for at in range(0, size, 2**24):
                writer.write(rng.integers(0, VOCABULARY, min(2**24, size - at), dtype=np.uint16))
            shards = {"train": writer.close()}
            counts = Counts(documents=1, tokens=size, bytes=4 * size)
            meta = Meta(
                format=FORMAT, name=name, kind="real", id=content_id(tokenizer.hash, shards),
                tokenizer_hash=tokenizer.hash, vocab_size=tokenizer.vocab_size, end=tokenizer.end,
                eos_id=tokenizer.eos_id, dtype="uint16", heldout="0", train={name: counts}, heldout_counts={},
                heldout_streams={}, streams=shards, removed={}, origin="", license="", generator=None, sources=[],
                against=[], versions={},
            )  # fmt: skip
            tokenizer.save(folder / name / "tokenizer.json")
            write_json(folder / name / "corpus.json", meta.model_dump(mode="json"))
            corpora[name] = Corpus.open(folder / name)
        mixture = {name: (corpora[name], share) for name, share in SHARES.items()}
        made = rng.integers(0, VOCABULARY, tokens, dtype=np.uint16)
        seconds: dict[str, list[float]] = {"export": [], "tofile and fsync": [], "tofile": []}
        before, memory, processor = anonymous(), Memory(), []
        for number in range(arguments.rounds):
            out = folder / f"out-{number}"
            begun = time.perf_counter()
            used = time.process_time()
            done = export(mixture, "megatron", out, tokens=tokens, context=arguments.context, progress=memory)
            seconds["export"].append(time.perf_counter() - begun)
            processor.append(time.process_time() - used)
            for name in ("tofile and fsync", "tofile"):
                begun = time.perf_counter()
                with (folder / "plain.bin").open("wb") as file:
                    made.tofile(file)
                    if "fsync" in name:
                        os.fsync(file.fileno())
                seconds[name].append(time.perf_counter() - begun)
                (folder / "plain.bin").unlink()
            if number:
                (out / "mixture.bin").unlink()
        size = done.files[0].bytes / 1e6
        print(
            f"{size:.0f} MB of ids, {done.plan.rows:,} sequences of {arguments.context}; median of {arguments.rounds}"
        )
        print(f"{'':18s}{'s':>8s}{'MB/s':>8s}{'ratio':>8s}")
        median = {name: statistics.median(each) for name, each in seconds.items()}
        for name, value in median.items():
            print(f"{name:18s}{value:8.2f}{size / value:8.0f}{median['export'] / value:8.2f}")
        own = statistics.median(processor)
        print(f"processor time of the export: {own:.2f} s, {size / own:.0f} MB/s")
        print(f"memory of its own: {memory.most - before:.0f} MiB at most")
        context = arguments.context
        available = {name: len(corpus.train) for name, corpus in corpora.items()}
        manifest = make_manifest(make_recipe("mixture", SHARES), tokens // context, context, available, seed=0)
        streams = {name: corpus.train for name, corpus in corpora.items()}
        written = np.memmap(folder / "out-0" / "mixture.bin", dtype="<u2", mode="r").reshape(-1, context + 1)
        rows = len(manifest) // 100
        equal = all(
            np.array_equal(written[at : at + 50], read_batch(manifest, streams, at, 50)[: len(written) - at])
            for at in range(0, len(manifest) - 50, max(1, rows))
        )
        print(f"equal to the trainer's batches at {len(range(0, len(manifest) - 50, max(1, rows)))} places: {equal}")


if __name__ == "__main__":
    main()
