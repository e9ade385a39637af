"""Scaling laws on any runs: coerced at the door, then fitted as arrays (:mod:`synthmix.scaling`).

A law over a vector of shares (:data:`synthmix.scaling.mixtures.MIXTURE_LAWS`) reads the share of every source and fits
every domain; the others read N, D, the share of synthetic text and one metric.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.quantities import listed
from synthmix.runs.load import read_runs
from synthmix.runs.metrics import asked_metrics
from synthmix.runs.mixtures import ignored_shares, mixture_runs
from synthmix.runs.table import RunsTable
from synthmix.scaling import Comparison, Fit, IsoFlopMinima, Law, Runs
from synthmix.scaling import compare as _compare
from synthmix.scaling import fit as _fit
from synthmix.scaling import isoflop_minima as _isoflop_minima
from synthmix.scaling.mixtures import (
    MIXTURE_LAWS,
    MixtureComparison,
    MixtureFit,
    MixtureLaw,
    MixtureRuns,
    compare_mixtures,
    fit_mixtures,
)
from synthmix.scaling.mixtures.saved import FORMAT as MIXTURES

NAME_LAW = "take a law over all shares, --law effective_tokens, or one mixture with --recipe"


def fit(
    law: str | Law | MixtureLaw, runs: Any, *, columns: str | Mapping[str, str] = "", mapping: Any = None,
    recipe: str | None = None, skip_bad: bool = False, metric: str | Sequence[str] | None = None, **how: Any,
) -> Fit | MixtureFit:  # fmt: skip
    """Fit a scaling law to runs.

    >>> synthmix.fit("chinchilla", "runs.csv", columns="loss=val_loss").report()     # doctest: +SKIP
    >>> synthmix.fit("effective_tokens", "runs.csv", columns="shares=train_*,metrics=*_loss")     # doctest: +SKIP

    Args:
        law: its name (:data:`synthmix.scaling.LAWS`, :data:`synthmix.scaling.mixtures.MIXTURE_LAWS`), or a law of
            your own.
        runs: whatever :func:`synthmix.read_runs` reads (a path, a frame, rows, results), or arrays
            (:class:`synthmix.scaling.Runs`).
        columns, mapping, recipe, skip_bad: as for :func:`synthmix.read_runs`.
        metric: which of the table's metrics is fitted, or an expression over metrics (``0.7 * loss.a + 0.3 * loss.b``);
            ``loss`` if not given. A law over shares fits several, the losses of all domains if not given.
        how: as for :func:`synthmix.scaling.fit` (``bootstrap``, ``level``, ``objective``, ``delta``,
            ``seed``, ``fixed``, ``noise``)
            or :func:`synthmix.scaling.mixtures.fit_mixtures` (``draws``, ``level``, ``seed``, ``hold_out``).

    Returns:
        A :class:`synthmix.scaling.Fit`, or of a law over shares a :class:`synthmix.scaling.mixtures.MixtureFit`.

    Raises:
        BadInput: see :func:`synthmix.read_runs` and :func:`synthmix.scaling.fit`; runs of many mixtures with a law that
            does not see their shares.
    """
    read = _table(runs, columns, mapping, recipe, skip_bad)
    if isinstance(law, MixtureLaw) or law in MIXTURE_LAWS:
        return fit_mixtures(law, mixtures_of(read, metric), **how)
    if isinstance(read, RunsTable):
        read, found = asked_metrics(read, metric)
        metric = found or None
    return _fit(law, _arrays(read, _one(metric)), **how)


def load_fit(path: str | Path, law: Law | MixtureLaw | None = None) -> Fit | MixtureFit:
    """A fit that ``synthmix fit --to FILE.json``, or its ``save``, wrote: it predicts and decides as on that day.

    Args:
        law: where it is one of your own.

    Raises:
        BadInput: no such file, not a saved fit, damaged, or its law is another one.
    """
    data = read_json(Path(path))
    if isinstance(data, dict) and data.get("format") == MIXTURES:
        return MixtureFit.load(path, law if isinstance(law, MixtureLaw) else None)
    return Fit.load(path, law if isinstance(law, Law) else None)


def saved_fit(runs: Any) -> Fit | MixtureFit | None:
    """The saved fit that ``runs`` names; None where it names anything else.

    Raises:
        BadInput: it is damaged.
    """
    only = runs[0] if isinstance(runs, list | tuple) and len(runs) == 1 else runs
    if not isinstance(only, str | Path) or Path(only).suffix != ".json" or "://" in str(only):
        return None
    path = Path(only).expanduser()
    with contextlib.suppress(OSError, UnicodeDecodeError), path.open(encoding="utf-8-sig") as file:
        if _SAVED.match(file.read(100)):
            return load_fit(path)
    return None


_SAVED = re.compile(r'\s*\{\s*"format":\s*"synthmix-(fit|mixtures)-')  # the first key of what both write


def compare(
    runs: Any, laws: Sequence[str | Law | MixtureLaw] | None = None, *, columns: str | Mapping[str, str] = "",
    mapping: Any = None, recipe: str | None = None, skip_bad: bool = False, metric: str | Sequence[str] | None = None,
    **how: Any,
) -> Comparison | MixtureComparison:  # fmt: skip
    """Rank scaling laws by how well they predict the largest runs, and laws over shares how well they predict
    mixtures and the largest scale, held out of their fit.

    Args:
        laws: the candidates; None: every law that the runs can bear, those over shares for runs of many mixtures.
        runs, columns, mapping, recipe, skip_bad, metric: as for :func:`synthmix.fit`.
        how: as for :func:`synthmix.scaling.compare` (``delta``, ``level``, ``seed``) or
            :func:`synthmix.scaling.mixtures.compare_mixtures` (``level``, ``seed``).

    Raises:
        BadInput: see :func:`synthmix.read_runs` and :func:`synthmix.scaling.compare`; laws of both kinds at once.
    """
    read = _table(runs, columns, mapping, recipe, skip_bad)
    over_shares = [isinstance(law, MixtureLaw) or law in MIXTURE_LAWS for law in laws or ()]
    if any(over_shares) and not all(over_shares):
        raise BadInput("laws over shares and other laws do not see the same runs", where="compare", key="law")
    many = isinstance(read, RunsTable) and laws is None and ignored_shares(read) is not None
    if (all(over_shares) and over_shares) or many or isinstance(read, MixtureRuns):
        return compare_mixtures(mixtures_of(read, metric), _mixture_laws(laws), **how)
    if isinstance(read, RunsTable):
        read, found = asked_metrics(read, metric)
        metric = found or None
    return _compare(_arrays(read, _one(metric)), _one_share_laws(laws), **how)


def isoflop_minima(
    runs: Any, *, columns: str | Mapping[str, str] = "", mapping: Any = None, recipe: str | None = None,
    skip_bad: bool = False, metric: str | Sequence[str] | None = None, level: float = 0.9,
) -> IsoFlopMinima:  # fmt: skip
    """The minima of isoFLOP curves and the power law through them (Hoffmann et al.'s second approach).

    Args:
        runs, columns, mapping, recipe, skip_bad, metric: as for :func:`synthmix.fit`. A column ``flops`` says each
            run's budget (``columns="flops=budget"``); without one it is 6 N D.
        level: of the intervals.

    Raises:
        BadInput: see :func:`synthmix.read_runs` and :func:`synthmix.scaling.isoflop_minima`.
    """
    read = _table(runs, columns, mapping, recipe, skip_bad)
    arrays = _arrays(read, _one(metric))
    budgets = read.column("flops") if isinstance(read, RunsTable) and read.has("flops") else None
    return _isoflop_minima(arrays, budgets=budgets, level=level)


def _mixture_laws(laws: Sequence[str | Law | MixtureLaw] | None) -> list[str | MixtureLaw] | None:
    return None if laws is None else [law for law in laws if not isinstance(law, Law)]


def _one_share_laws(laws: Sequence[str | Law | MixtureLaw] | None) -> list[str | Law] | None:
    return None if laws is None else [law for law in laws if not isinstance(law, MixtureLaw)]


def _one(metric: str | Sequence[str] | None) -> str:
    names = ["loss"] if metric is None else [metric] if isinstance(metric, str) else list(metric)
    if len(names) != 1:
        raise BadInput(f"{listed(names)} are several", key="metric", remedy="this law is fitted to one metric")
    return names[0]


def _table(
    runs: Any, columns: str | Mapping[str, str], mapping: Any, recipe: str | None, skip_bad: bool
) -> RunsTable | Runs | MixtureRuns:
    if isinstance(runs, Runs | MixtureRuns):
        return runs
    return read_runs(runs, columns, mapping=mapping, recipe=recipe, skip_bad=skip_bad).sound


def mixtures_of(runs: Any, metric: str | Sequence[str] | None) -> MixtureRuns:
    """Runs as laws over shares read them, whatever they come as."""
    if isinstance(runs, MixtureRuns):
        return runs
    return mixture_runs(read_runs(runs).sound, [metric] if isinstance(metric, str) else metric)


def _arrays(runs: RunsTable | Runs | MixtureRuns, metric: str) -> Runs:
    if isinstance(runs, Runs):
        return runs
    if isinstance(runs, MixtureRuns):
        raise BadInput("are of many sources, which this law does not see", where="runs", remedy=NAME_LAW)
    if (why := ignored_shares(runs)) is not None:
        raise BadInput(why, where="runs", remedy=NAME_LAW)
    return runs.uncut.arrays(metric)
