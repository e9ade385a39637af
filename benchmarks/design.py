"""Does the design check foretell what a study says? ``python benchmarks/design.py [--priors] [--studies 8]``.

``--priors``: the table of :mod:`synthmix.design.priors` from the published runs (see benchmarks/calibration.py for
where they are). Else: for ladders and questions of several kinds the width that the check expects (public priors, one
set of worlds) against the widths that studies get whose truths the check never saw: other worlds of the prior, and
worlds that are none of the fitted laws, whose exponent of D breaks and whose best share moves with size. And how well
the linearised width, which ranks the proposals, orders them.
"""

import argparse
import time

import numpy as np

from synthmix.design import Design, World, public_worlds, simulate
from synthmix.design.linear import linearised, widths

SHARES = (0, 1 / 3, 2 / 3, 1)


def grid(N: tuple[float, float, int], D: tuple[float, float, int], *, seeds: int = 1) -> Design:
    """Sizes and budgets from, to, how many; the smallest size with two seeds at least."""
    return Design.grid(np.geomspace(*N), np.geomspace(*D), SHARES, seeds=seeds, replicates=2)


SMALL = grid((25e3, 225e3, 3), (2e5, 8e5, 3))
SETTINGS: dict[str, tuple[Design, tuple[float, float]]] = {
    "3 x 3 to 225k and 800k, at 2M and 8M": (SMALL, (2e6, 8e6)),
    "the same, at 1B and 100B": (SMALL, (1e9, 1e11)),
    "5 x 5 to 1M and 20M, at 4M and 80M": (grid((25e3, 1e6, 5), (2e5, 2e7, 5)), (4e6, 8e7)),
    "the same with 3 seeds": (grid((25e3, 1e6, 5), (2e5, 2e7, 5), seeds=3), (4e6, 8e7)),
    "4 x 4 to 30M and 300M, at 100M and 1B": (grid((1e6, 3e7, 4), (1e7, 3e8, 4)), (1e8, 1e9)),
    "4 x 4 to 3B and 100B, at 7B and 300B": (grid((1e8, 3e9, 4), (1e9, 1e11, 4)), (7e9, 3e11)),
}


def bent(design: Design, question: tuple[float, float], count: int) -> list[World]:
    """Truths that no candidate law holds: beta falls by a third from a break inside the runs on, and the best share
    moves by about .15 a decade of D."""
    found = []
    for k, world in enumerate(public_worlds(design, count, vocab=50_000, seed=77)):
        rng = np.random.default_rng([9, k])
        middle = float(np.exp(np.log(design.budgets).mean()))
        turn, lift = middle * 10 ** rng.uniform(0, 0.5), 0.15 * rng.choice([-1, 1])

        def losses(N, D, shares, world=world, turn=turn, lift=lift, middle=middle):  # type: ignore[no-untyped-def]
            effective = D * (1 + D / turn) ** -0.33
            moved = lift * np.log10(D / middle)
            mixed = {name: np.clip(r - moved * (r > 0) * (1 - r), 0, 1) for name, r in shares.items()}
            return world.losses(N, effective, mixed)

        found.append(World(losses, world.seed, world.cell, world.mixture))
    return found


def main(studies: int, only: str) -> None:
    """The table, a row a setting whose name holds ``only``."""
    head = ("ladder and question", "width: expected", "other", "bent", "not determined: expected", "other", "bent")
    head += ("covered: other", "bent", "best share covered: bent", "linearised", "seconds a study")
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    expected, linear = [], []
    for name, (design, question) in SETTINGS.items():
        if only not in name:
            continue
        began = time.perf_counter()
        (check,) = simulate(design, public_worlds(design, studies, seed=1), question, seed=1)
        seconds = (time.perf_counter() - began) / studies
        (other,) = simulate(design, public_worlds(design, studies, seed=2), question, seed=2)
        (broken,) = simulate(design, bent(design, question, studies), question, seed=3)
        laws = [linearised(world, "synthetic", question, design) for world in public_worlds(design, studies, seed=1)]
        guess = float(np.median(widths(laws, design)))
        expected.append(check.width or np.inf)
        linear.append(guess)
        cells = [_nats(one.width) for one in (check, other, broken)] + [
            f"{one.open:.0%}" for one in (check, other, broken)
        ]
        cells += [
            _part(other.covered),
            _part(broken.covered),
            _part(broken.best_covered),
            _nats(guess),
            f"{seconds:.1f}",
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    if len(linear) < 3:
        return
    order = [np.argsort(np.argsort(values)) for values in (expected, linear)]
    print(f"\nSpearman of the linearised with the simulated width over settings: {np.corrcoef(*order)[0, 1]:.2f}")


def priors() -> None:
    """Quantiles of Chinchilla's law in each collection."""
    from benchmarks.calibration import COLLECTIONS
    from synthmix.errors import BadInput
    from synthmix.scaling import fit

    for name, runs in COLLECTIONS.items():
        if "simulated" in name:
            continue
        rows = []
        for one in list(runs())[:30]:
            try:
                p = fit("chinchilla", one, bootstrap=0, delta=None).parameters
            except BadInput:
                continue
            rows.append((p["alpha"], p["beta"], p["E"], p["A"] * 1e8 ** -p["alpha"], p["B"] * 2e9 ** -p["beta"]))
        if rows:
            low, middle, high = np.quantile(rows, [0.1, 0.5, 0.9], axis=0)
            for k, what in enumerate(("alpha", "beta", "E", "size part", "token part")):
                print(f"{name}, {len(rows)} groups, {what}: {middle[k]:.2f} ({low[k]:.2f} to {high[k]:.2f})")


def _nats(width: float | None) -> str:
    return "none" if width is None else f"{width:.2g}"


def _part(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--priors", action="store_true")
    parser.add_argument("--studies", type=int, default=8)
    parser.add_argument("--only", default="", help="settings whose name holds this")
    given = parser.parse_args()
    priors() if given.priors else main(given.studies, given.only)
