"""The diagnostics of the fits as flat tables."""

from typing import Any

from synthmix.report.flat import INTERVAL, Table, cells
from synthmix.results import Results


def residuals(results: Results) -> Table:
    """A row a run: measured over predicted loss, in logs."""
    columns: dict[str, type] = {"recipe": str, "params": int, "tokens": int, "seed": int, "residual": float}
    return Table("residuals", columns, [(r.recipe, r.params, r.tokens, r.seed, r.residual) for r in results.residuals])


def profiles(results: Results) -> Table:
    """A row a point of a profile likelihood, with the parameter's interval beside it."""
    columns: dict[str, type] = {"recipe": str, "law": str, "parameter": str, "held": float, "excess": float}
    columns |= {"threshold": float, **INTERVAL}
    rows: list[tuple[Any, ...]] = [
        (p.recipe, p.law, p.parameter, value, excess, p.threshold, *cells(p.interval))
        for p in results.profiles
        for value, excess in zip(p.values, p.excess, strict=True)
    ]
    return Table("profiles", columns, rows)


def isoflops(results: Results) -> Table:
    """A row a recipe and FLOP budget: the best size, its tokens and its loss, with intervals."""
    columns: dict[str, type] = {"recipe": str, "flops": float}
    for part in ("params", "tokens", "loss"):
        columns |= {f"best_{part}_{field}": kind for field, kind in INTERVAL.items()}
    rows: list[tuple[Any, ...]] = [
        (i.recipe, i.flops, *cells(i.best_params), *cells(i.best_tokens), *cells(i.best_loss)) for i in results.isoflops
    ]
    return Table("isoflops", columns, rows)
