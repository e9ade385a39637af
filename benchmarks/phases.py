"""The three-phase tools against what they promise, as markdown tables. About two minutes on one core.

    python benchmarks/phases.py [curve|closed|detect|coverage ...]

curve: seconds and memory of exact sums; closed: the closed form against them; detect: verdicts on 200 simulated curves;
coverage: intervals of both breakpoints on 400 more.
"""

import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from synthmix.phases.curves import Measured, fit_shape, redraw
from synthmix.phases.detection import detect_phases
from synthmix.theory import Setting, breakpoints, closed_form, exact

RIGHT = {
    "three phases": {"three_phases"},
    "power law": {"power_law"},
    "phase 1 alone": {"power_law", "not_determined"},
    "phase 3 alone": {"power_law", "not_determined"},
    "phases 1 and 2": {"not_determined"},
    "phases 2 and 3": {"not_determined"},
}
COUNTS = {"three phases": 80, "power law": 50, "phase 1 alone": 15, "phase 3 alone": 15, "phases 1 and 2": 20,
          "phases 2 and 3": 20}  # fmt: skip


def world(rng: np.random.Generator) -> Setting:
    """beta 1.3 to 2.2, k 30 to 3000, pi 1e-4 to 1e-2."""
    return Setting(rng.uniform(1.3, 2.2), k=np.exp(rng.uniform(*np.log((30, 3000)))), pi=10 ** rng.uniform(-4, -2))


def measured(rng: np.random.Generator, kind: str) -> tuple[np.ndarray, np.ndarray, Setting]:
    """n, losses with 0.5 to 2 % of noise, and the world; 24 to 40 different n, one or two seeds each.

    Half of the curves have a floor, of a fifth to one plateau (of 1 to 3 nats for a power law).
    """
    setting = world(rng)
    ends = breakpoints(setting)
    start, stop = max(100.0, ends.n1 / 10 ** rng.uniform(2, 3)), ends.n2 * 10 ** rng.uniform(1.3, 2.3)
    low, high = {
        "three phases": (start, stop),
        "phase 1 alone": (100.0, ends.n1 / 10),
        "phase 3 alone": (ends.n2 * 10, ends.n2 * 10 ** rng.uniform(3, 5)),
        "phases 1 and 2": (start, ends.n2 / 10),
        "phases 2 and 3": (ends.n1 * 10, stop),
        "power law": (100.0, 10 ** rng.uniform(6, 9)),
    }[kind]
    n = np.geomspace(low, max(high, low * 10), int(rng.integers(24, 41)))
    if rng.random() < 0.5:
        n = np.repeat(n, 2)
    floor = rng.random() < 0.5
    if kind == "power law":
        c = rng.uniform(0.15, 0.5)
        loss = rng.uniform(1, 3) * floor + rng.uniform(2, 6) * (n / n.min()) ** -c
    else:
        loss = rng.uniform(0.2, 1) * setting.tail_mass * floor + exact(setting, n).excess
    return n, loss * np.exp(rng.uniform(0.005, 0.02) * rng.standard_normal(len(n))), setting


def curve() -> Iterator[str]:
    yield "| items | k | n | seconds | peak MB | estimated relative error |\n|---|---|---|---|---|---|"
    n = np.geomspace(1e2, 1e9, 29)
    for items, k in ((1e6, 1e3), (1e9, 1e6), (1e15, 1e6), (np.inf, 1e6)):
        setting = Setting(1.2, k=k, pi=0.01, items=items)
        tracemalloc.start()
        exact(setting, n)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        began = time.perf_counter()
        found = exact(setting, n)
        took = time.perf_counter() - began
        worst = (found.error / found.excess).max()
        yield f"| {items:g} | {k:g} | 29 | {took:.3f} | {peak:.0f} | {worst:.0e} |"


def closed() -> Iterator[str]:
    yield "| beta | median | worst | worst for n >= 1000 |\n|---|---|---|---|"
    n = np.geomspace(1e2, 1e10, 33)
    for beta in (1.05, 1.1, 1.3, 1.5, 1.8, 2.1, 2.5, 3.0):
        worlds = [Setting(beta, k=k, pi=pi) for k in (10, 100, 3e3, 1e5) for pi in (1e-4, 1e-2, 0.3, 1)]
        off = np.abs([closed_form(each, n) / exact(each, n).excess - 1 for each in worlds])
        yield f"| {beta} | {np.median(off):.1e} | {off.max():.2%} | {off[:, n >= 1000].max():.2%} |"


def detect() -> Iterator[str]:
    rng = np.random.default_rng(1)
    yield "| curves | simulated | three_phases | power_law | not_determined | right |\n|---|---|---|---|---|---|"
    total = 0
    for kind, count in COUNTS.items():
        said: Counter[str] = Counter()
        for _ in range(count):
            n, loss, setting = measured(rng, kind)
            found = detect_phases(n, loss, bootstrap=200)
            said[found.verdict] += 1
            if found.verdict not in RIGHT[kind]:
                print(f"  {kind}: {setting}: {found.reason}", file=sys.stderr)
        right = sum(said[name] for name in RIGHT[kind])
        total += right
        yield (
            f"| {kind} | {count} | "
            + " | ".join(str(said[name]) for name in ("three_phases", "power_law", "not_determined"))
            + f" | {right / count:.1%} |"
        )
    yield f"| all | {sum(COUNTS.values())} | | | | {total / sum(COUNTS.values()):.1%} |"


def coverage(count: int = 400) -> Iterator[str]:
    rng, level = np.random.default_rng(2), 0.9
    inside = np.zeros((count, 2), dtype=bool)
    width = np.zeros((count, 2))
    for j in range(count):
        n, loss, setting = measured(rng, "three phases")
        data = Measured.of(n, loss)
        shape = fit_shape("three_phase", data)
        draws = redraw(shape, data, 400, j)
        names = shape.problem.law.names
        first, gap = draws[:, names.index("x1")], draws[:, names.index("gap")]
        n1 = (setting.k + 0.5) ** setting.beta / setting.C
        truth = np.log(np.array([n1 / (setting.pi + (1 - setting.pi) / setting.Z), n1 / setting.pi]) / data.unit)
        ends = np.quantile(np.stack([first, first + gap]), [(1 - level) / 2, (1 + level) / 2], axis=1)
        inside[j], width[j] = (ends[0] <= truth) & (truth <= ends[1]), ends[1] - ends[0]
    yield "| breakpoint | curves | nominal | covered | median width (factor) |\n|---|---|---|---|---|"
    for j, name in enumerate(("n1", "n2")):
        yield f"| {name} | {count} | {level:.0%} | {inside[:, j].mean():.1%} | {np.exp(np.median(width[:, j])):.2f} |"


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "curve": curve, "closed": closed, "detect": detect, "coverage": coverage,
}  # fmt: skip

if __name__ == "__main__":
    for name in sys.argv[1:] or TABLES:
        began = time.perf_counter()
        print(f"\n**{name}**\n")
        for line in TABLES[name]():
            print(line, flush=True)
        print(f"\n{time.perf_counter() - began:.0f} s")
