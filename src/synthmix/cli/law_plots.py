"""The plots of one fit as pages of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.scaling import Fit


def write_plots(found: "Fit", folder: Path) -> list[Path]:
    """One HTML page a plot: the curve along each input, the residuals against it, the profile likelihood of each
    parameter, and, for a law in N and D, the loss along FLOP budgets."""
    from synthmix.files import write_text
    from synthmix.scaling import plots, profile

    figures: dict[str, Any] = {}
    columns = [name for name in ("N", "D") if name in found.law.columns]
    for column in columns:
        inputs = getattr(found.runs, column)
        figures[column] = found.plot(column)
        figures[f"residuals-{column}"] = plots.residuals(inputs, found.residuals, column, found.noise.total)
    for name in found.law.names:
        one = profile(found, name)
        figures[f"profile-{name}"] = plots.profile(one.values, one.excess, one.threshold, name)
    if found.law.columns == ("N", "D"):
        figures["isoflop"] = _isoflop(found)
    written = []
    for name, figure in figures.items():
        path = folder / f"{found.law.name}-{name}.html"
        write_text(path, figure.to_html(include_plotlyjs=True))
        written.append(path)
    return written


def _isoflop(found: "Fit") -> Any:
    """Loss against N along four FLOP budgets, from the least trained to ten times the most."""
    import numpy as np

    from synthmix.scaling import compute_optimal, plots

    trained = 6.0 * found.runs.N * found.runs.D
    budgets = np.geomspace(trained.min(), 10 * trained.max(), 4)
    optima = [compute_optimal(found, float(flops)) for flops in budgets]
    middles = [optimum.N.mid or float(found.runs.N.max()) for optimum in optima]
    sizes = [np.geomspace(middle / 30, middle * 30, 80) for middle in middles]
    losses = [found.predict(N=N, D=flops / 6.0 / N) for flops, N in zip(budgets, sizes, strict=True)]
    best = np.array([optimum.loss.mid or np.nan for optimum in optima])
    return plots.isoflop(budgets, sizes, losses, (np.array(middles), best))
