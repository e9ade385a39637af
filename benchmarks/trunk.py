"""Five budgets from one trunk against five separate cosine runs: losses by seed, and the tokens that each way takes.

    python benchmarks/trunk.py [--params 100k] [--seeds 3] [--rate-factor 1.0] [--folder studies/trunk-benchmark]

Both are studies of the embedded sample (natural text alone), so the script resumes, and run again it only prints.
"""

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

BUDGETS = ["200k", "400k", "600k", "1M", "1.6M"]


def study(name: str, arguments: argparse.Namespace, training: dict[str, Any]) -> Any:
    """The results of one way of training all budgets."""
    from synthmix.cli.options import telling
    from synthmix.study.load import study_from
    from synthmix.study.run import run_study

    raw = {
        "study": f"trunk-benchmark-{name}",
        "folder": str(arguments.folder / name),
        "tokenizer": {"vocab": 2048},
        "corpora": {"docs": {"sample": "all", "heldout": "5%"}},
        "evaluate": {"docs": "heldout"},
        "mix": {"natural": "docs"},
        "ladder": {"params": [arguments.params], "budgets": BUDGETS, "seeds": arguments.seeds},
        "training": {"context": 64, "batch": 512, **training},
        "fit": {"bootstrap": 50},
    }
    with telling(quiet=False) as progress:
        return run_study(study_from(raw), progress=progress)


def main() -> None:
    from synthmix.quantities import format_count, parse_count
    from synthmix.training.protocol import peak_rate
    from synthmix.training.shape import shape_for

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--params", default="100k")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate-factor", type=float, default=1.0, help="peak rate of the trunk over the cosine's")
    parser.add_argument("--decay", type=float, default=0.2)
    parser.add_argument("--folder", type=Path, default=Path("studies/trunk-benchmark"))
    arguments = parser.parse_args()
    trunk: dict[str, Any] = {"schedule": "wsd", "decay": arguments.decay}
    name = f"wsd-{arguments.decay:g}"
    if arguments.rate_factor != 1:
        trunk["learning_rate"] = arguments.rate_factor * peak_rate(shape_for(parse_count(arguments.params)).width)
        name += f"-{arguments.rate_factor:g}"
    cosine, wsd = study("cosine", arguments, {}), study(name, arguments, trunk)

    def losses(results: Any, tokens: int) -> list[float]:
        return [run.loss for run in sorted(results.runs, key=lambda run: run.seed) if run.tokens == tokens]

    print(f"{arguments.params}, {arguments.seeds} seeds, decay {arguments.decay:.0%}, peak x {arguments.rate_factor:g}")
    print("| budget | cosine | sd | trunk and branch | sd | difference | its standard error |")
    print("|---|---|---|---|---|---|---|")
    for tokens in sorted({run.tokens for run in cosine.runs}):
        one, other = losses(cosine, tokens), losses(wsd, tokens)
        paired = [b - a for a, b in zip(one, other, strict=True)]
        error = statistics.stdev(paired) / math.sqrt(len(paired))
        print(
            f"| {format_count(tokens)} | {statistics.mean(one):.4f} | {statistics.stdev(one):.4f} "
            f"| {statistics.mean(other):.4f} | {statistics.stdev(other):.4f} "
            f"| {statistics.mean(paired):+.4f} | {error:.4f} |"
        )
    print(
        f"tokens trained: {format_count(cosine.spent.tokens)} by separate runs, {format_count(wsd.spent.tokens)} by "
        f"trunks and branches: {wsd.spent.tokens / cosine.spent.tokens:.0%}"
    )


if __name__ == "__main__":
    main()
