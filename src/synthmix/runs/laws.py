"""Scaling laws on any runs: coerced at the door, then fitted as arrays (:mod:`synthmix.scaling`)."""

from collections.abc import Mapping, Sequence
from typing import Any

from synthmix.runs.load import read_runs
from synthmix.scaling import Comparison, Fit, Law, Runs
from synthmix.scaling import compare as _compare
from synthmix.scaling import fit as _fit


def fit(
    law: str | Law, runs: Any, *, columns: str | Mapping[str, str] = "", recipe: str | None = None,
    skip_bad: bool = False, metric: str = "loss", **how: Any,
) -> Fit:  # fmt: skip
    """Fit a scaling law to runs.

    >>> synthmix.fit("chinchilla", "runs.csv", columns="loss=val_loss").report()     # doctest: +SKIP

    Args:
        law: its name (:data:`synthmix.scaling.LAWS`), or a law of your own.
        runs: whatever :func:`synthmix.read_runs` reads (a path, a frame, rows, results), or arrays
            (:class:`synthmix.scaling.Runs`).
        columns, recipe, skip_bad: as for :func:`synthmix.read_runs`.
        metric: which of the table's metrics is fitted.
        how: as for :func:`synthmix.scaling.fit`: ``bootstrap``, ``level``, ``delta``, ``seed``, ``fixed``, ``noise``.

    Raises:
        BadInput: see :func:`synthmix.read_runs` and :func:`synthmix.scaling.fit`.
    """
    return _fit(law, _arrays(runs, columns, recipe, skip_bad, metric), **how)


def compare(
    runs: Any, laws: Sequence[str | Law] | None = None, *, columns: str | Mapping[str, str] = "",
    recipe: str | None = None, skip_bad: bool = False, metric: str = "loss", **how: Any,
) -> Comparison:  # fmt: skip
    """Rank scaling laws by how well they predict the largest runs, held out of their fit.

    Args:
        laws: the candidates; None: every law that the runs can bear.
        runs, columns, recipe, skip_bad, metric: as for :func:`synthmix.fit`.
        how: as for :func:`synthmix.scaling.compare`: ``delta``, ``level``, ``seed``.

    Raises:
        BadInput: see :func:`synthmix.read_runs` and :func:`synthmix.scaling.compare`.
    """
    return _compare(_arrays(runs, columns, recipe, skip_bad, metric), laws, **how)


def _arrays(runs: Any, columns: str | Mapping[str, str], recipe: str | None, skip_bad: bool, metric: str) -> Runs:
    if isinstance(runs, Runs):
        return runs
    return read_runs(runs, columns, recipe=recipe, skip_bad=skip_bad).arrays(metric)
