"""Demonstration 5: does the generalization bound rank mixtures as their true test loss does?

    nice -n 15 python examples/three-phases/rank_by_bound.py

36 mixtures of Zipf facts (real share x cutoff of the synthetic part x size), each trained once with a loss on the whole
text; the bound of each is computed twice: at initialization (what it could say before training) and at the trained
model (with its empirical losses). Rank correlations with the true test loss, of the bound and of every term alone.
"""

import numpy as np
from facts import Source, World, new_model, new_optimizer, text
from saved import arguments, once

WORLD, FACTS_A_ROW = World(), 8
SHARES, CUTOFFS, SIZES = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0), (8, 40, 200), (12_000, 36_000)
CONTEXT = 3 * FACTS_A_ROW - 1


class Stream:
    """Rows one after the other."""

    def __init__(self, rows: np.ndarray) -> None:
        self.tokens = rows.ravel()

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.tokens[start:stop]


def rows_of(source: Source, facts: int) -> np.ndarray:
    return text(WORLD, source.draw(facts)).numpy().reshape(-1, 3 * FACTS_A_ROW)


def mixture(pi: float, k: int, facts: int) -> dict:
    """Train on it, test on natural text, and bound it."""
    import torch

    from synthmix.phases.bounding import bound_of, read_texts
    from synthmix.training.model import step_loss, train_step

    torch.set_num_threads(1)
    ranks = np.arange(1, WORLD.items + 1)
    synthetic = rows_of(Source(np.where(ranks <= k, WORLD.p, 0.0), 2), 16_000)
    real, target = rows_of(Source(WORLD.p, 1), 16_000), rows_of(Source(WORLD.p, 3), 16_000)
    rng, model = np.random.default_rng(0), new_model(WORLD, 0)
    count = facts // FACTS_A_ROW
    number = round(pi * count)
    pools = [
        rows_of(Source(WORLD.p, 4), FACTS_A_ROW * max(number, 1))[:number],
        rows_of(Source(np.where(ranks <= k, WORLD.p, 0.0), 5), FACTS_A_ROW * max(count - number, 1))[: count - number],
    ]
    rows = torch.from_numpy(rng.permutation(np.concatenate(pools)))
    streams = (Stream(real), Stream(synthetic), Stream(target))

    def terms() -> dict:
        texts = read_texts(model, streams, WORLD.vocab, context=CONTEXT, windows=192, positions=4)
        found = bound_of(texts, pi, 3 * facts)
        return {"bound": found.total, **found.terms}

    before = terms()
    optimizer = new_optimizer(model, 3e-3)
    model.train()
    for start in range(0, len(rows) - 31, 32):
        train_step(model, optimizer, rows[start : start + 32], "float32", 1.0)
    with torch.no_grad():
        test = float(step_loss(model.eval(), torch.from_numpy(target[:1000]), "float32"))
    return {"pi": pi, "k": k, "facts": facts, "test": test, "initial": before, "trained": terms()}


def main() -> None:
    from scipy.stats import kendalltau, spearmanr

    told = arguments(__doc__)
    found = [
        once(told.to / "bound" / f"pi{pi:g}-k{k}-n{size}.json", mixture, pi, k, size)
        for size in SIZES for k in CUTOFFS for pi in SHARES
    ]  # fmt: skip
    test = np.array([one["test"] for one in found])
    print(f"{len(found)} mixtures, true test loss {test.min():.3f} to {test.max():.3f} nats per token\n")
    print(
        "| term | size at initialization | Spearman | Kendall | size when trained | Spearman | Kendall |\n"
        + "|---" * 7
        + "|"
    )
    for name in found[0]["initial"]:
        cells = []
        for stage in ("initial", "trained"):
            values = np.array([one[stage][name] for one in found])
            size = f"{values.min():.3g} to {values.max():.3g}"
            constant = np.ptp(values) == 0
            ranks = (
                ["", ""] if constant else [f"{spearmanr(values, test)[0]:.2f}", f"{kendalltau(values, test)[0]:.2f}"]
            )
            cells += [size, *ranks]
        print(f"| {name} | {' | '.join(cells)} |")
    above = np.mean([one["trained"]["bound"] >= one["test"] for one in found])
    ratio = np.median([one["trained"]["bound"] / one["test"] for one in found])
    print(
        f"\nThe trained bound is above the test loss in {above:.0%} of them, by a factor of {ratio:.2f} at the median."
    )


if __name__ == "__main__":
    main()
