"""What scoring held-out text along a training costs: ``python benchmarks/along.py [--params 25k 100k]``.

One run a size with eight held-out domains and the points of ``synthmix.evaluation.along``, timed by processor seconds:
of all, and of the scoring.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any


def cost(params: int, tokens: int) -> str:
    """A row of the table."""
    from gpu import Plan, spec_of, text_of
    from synthmix.evaluation.along import Along, probe
    from synthmix.evaluation.losses import HeldOut
    from synthmix.quantities import format_count
    from synthmix.training.trainer import train_run

    plan = Plan(params=params, steps=tokens // 512, context=64, batch=512, vocab=512)
    spec, text, spent = spec_of(plan), text_of(plan.vocab), 0.0
    along = Along.of(spec, 8)
    score = probe(lambda: {f"d{i}": HeldOut(text, 1.0) for i in range(8)}, along, context=64, precision="bf16")

    def timed(model: Any) -> dict[str, float]:
        nonlocal spent
        begun = time.process_time()
        found = score(model)
        spent += time.process_time() - begun
        return found

    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        train_run(spec, {"text": text}, Path(folder), precision="bf16", probe=timed, probe_at=along.steps)
        total = time.process_time() - begun
    row = (format_count(params), format_count(tokens), len(along.steps), 8 * along.max_tokens)
    return "| " + " | ".join(map(str, row)) + f" | {total:.1f} | {spent:.2f} | {spent / total:.1%} |"


def main() -> None:
    from synthmix.quantities import parse_count

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", nargs="+", default=["25k", "100k"])
    parser.add_argument("--tokens", default="600k")
    arguments = parser.parse_args()
    print("| N | tokens | points | tokens a point | processor seconds | of them scoring | share |")
    print("|---|---|---|---|---|---|---|")
    for params in map(parse_count, arguments.params):
        print(cost(params, parse_count(arguments.tokens)), flush=True)


if __name__ == "__main__":
    main()
