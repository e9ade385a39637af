"""Seconds to plan a study, and to find that all of it is done, for a study of one thousand runs.

    python benchmarks/planning.py [--runs 1000]

The yardstick is a bare loop that reads and parses the same record files. No model is trained: the records are made
up, which is all that planning and resuming look at.
"""

import argparse
import json
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthmix.store import DomainScore, RunRecord
    from synthmix.training.spec import RunSpec


def made_record(spec: "RunSpec", losses: "dict[str, DomainScore]") -> "RunRecord":
    """The record of a run that was never trained."""
    from synthmix.store import RunRecord

    return RunRecord(
        id=spec.id,
        spec=spec,
        params=spec.shape.params,
        params_total=spec.shape.params_total(spec.vocab),
        tokens=spec.tokens,
        flops=spec.flops,
        seconds=1.0,
        epochs=dict.fromkeys(spec.shares, 0.5),
        trace=[(step, 5.0) for step in range(50)],
        precision="bf16",
        device="none",
        versions={},
        losses=losses,
    )


def main() -> None:
    from synthmix.corpus import Document, build_corpus, train_tokenizer
    from synthmix.mixture.interleave import interleave
    from synthmix.store import DomainScore, Store
    from synthmix.training.protocol import Protocol
    from synthmix.training.spec import RunSpec

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        texts = [f"document {i} says that {i * i} is the square of {i}" for i in range(500)]
        tokenizer = train_tokenizer(texts, 300)
        documents = [Document(text=text, domain="made", key=str(i)) for i, text in enumerate(texts)]
        corpus = build_corpus(documents, Path(scratch) / "made", name="made", tokenizer=tokenizer)
        specs = [
            RunSpec(
                params=100_000,
                recipe="made",
                shares={"made": Fraction(1)},
                corpora={"made": corpus.id},
                tokenizer=tokenizer.hash,
                vocab=tokenizer.vocab_size,
                steps=100 + i,
                seed=0,
                protocol=Protocol(),
            )
            for i in range(arguments.runs)
        ]
        store = Store(Path(scratch) / "runs")
        for spec in specs:
            losses = {"made": DomainScore(corpus="x", nats=5.0, bits_per_byte=2.0, tokens=1000)}
            store.write(made_record(spec, losses))
        fresh = [spec.model_dump() for spec in specs]
        rows = {
            "ids of all runs (from scratch)": lambda: [RunSpec(**each).id for each in fresh],
            "find all records (resume)": lambda: [store.record(spec.id) for spec in specs],
            "yardstick: read and parse the same files": lambda: [
                json.loads(path.read_text()) for path in store.folder.glob("*/record.json")
            ],
            "order of 1M sequences, shares 1/3 + 2/3": lambda: interleave([Fraction(1, 3), Fraction(2, 3)], 10**6),
            "order of 1M sequences, shares that never repeat": lambda: interleave(
                [Fraction(333_333_331, 10**9), Fraction(666_666_669, 10**9)], 10**6
            ),
        }
        print(f"{arguments.runs} runs; medians of {arguments.rounds}")
        print("| what | seconds |")
        print("|---|---|")
        for name, work in rows.items():
            taken = []
            for _ in range(arguments.rounds):
                begun = time.perf_counter()
                work()
                taken.append(time.perf_counter() - begun)
            print(f"| {name} | {statistics.median(taken):.3f} |", flush=True)


if __name__ == "__main__":
    main()
