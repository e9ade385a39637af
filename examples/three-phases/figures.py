"""Figures of the demonstrations that are there, as small PNG files beside docs/results/three-phases.md.

python examples/three-phases/figures.py
"""

from pathlib import Path

import numpy as np
from facts import VALUES, World
from saved import arguments

from synthmix.files import read_json
from synthmix.theory import Setting, breakpoints, exact

OUT = Path("docs/results/three-phases")


def curves(folder: Path, names: list[tuple[float, float]], title: str, file: str, scale: float = 1.0) -> None:
    """Measured error rates over n against the exact curve (at n / scale), breakpoints as ticks."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    world = World()
    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for (pi, k), colour in zip(names, ("#17191c", "#0067ab", "#00805d", "#c04a00", "#a84f86"), strict=False):
        rows = [row for path in sorted(folder.glob(f"pi{pi:g}-k{k:g}*.json")) for row in read_json(path)]
        if not rows:
            continue
        n, error = np.array([(row["n"], row["error"]) for row in rows], dtype=float).T
        setting = Setting(world.beta, k=k, pi=pi, b=1 / VALUES, items=world.items)
        grid = np.geomspace(n.min(), n.max(), 100)
        axes.plot(grid, exact(setting, grid / scale).excess, color=colour, lw=1)
        axes.plot(
            n, error, "o", ms=3, color=colour, alpha=0.6, label=f"pi {pi:g}" + ("" if np.isinf(k) else f", k {k:g}")
        )
        if np.isfinite(k):
            ends = breakpoints(setting)
            for at in (ends.n1 * scale, ends.n2 * scale):
                axes.plot([at, at], [0.9, 1.0], color=colour, lw=2, transform=axes.get_xaxis_transform())
    axes.set(xscale="log", yscale="log", xlabel="facts n", ylabel="error rate", title=title)
    axes.legend(fontsize=8)
    figure.tight_layout()
    OUT.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT / file, dpi=80)


def main() -> None:
    told = arguments(__doc__)
    worlds = [(1.0, np.inf), (1e-1, 24), (3e-2, 24), (1e-2, 24), (1e-3, 24)]
    curves(told.to / "distinct", worlds, "Llamas on the distinct facts of n; lines: theory", "distinct.png")
    curves(told.to / "facts", worlds[:3], "One pass; lines: theory, 7.5 exposures a fact", "one-pass.png", scale=7.5)


if __name__ == "__main__":
    main()
