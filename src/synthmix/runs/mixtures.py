"""A runs table as laws of mixtures read it: the shares of every source, and the losses of every domain."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed
from synthmix.runs.table import LOSS, RunsTable
from synthmix.scaling.mixtures import MixturePoints, MixtureRuns

_NAME_SHARES = 'name the share of every source: --columns "shares=train_*"'


def mixture_runs(table: RunsTable, metrics: Sequence[str] | None = None) -> MixtureRuns:
    """The shares, N, D, unique tokens and losses of a table.

    Args:
        metrics: names of metrics or of their domains, or patterns (``task.*``); scores of tasks are fitted as errors
            1 - score. None: the loss of every domain that there is, else ``loss``.

    Raises:
        BadInput: no shares by source, shares that do not add up to one, one source alone, no such metric, or one that
            is neither a loss nor a score.
    """
    known = {metric.name: metric for metric in table.metrics}
    domains = [name for name, metric in known.items() if metric.unit == "nats" and metric.domain is not None]
    if metrics is None:
        chosen = domains or [LOSS]
    else:
        names = {metric.domain: name for name, metric in known.items() if metric.domain is not None}
        like = [[each for each in known if fnmatchcase(each, name)] or [name] for name in metrics]
        chosen = list(dict.fromkeys(names.get(name, name) for found in like for name in found))
    for name in chosen:
        if name not in known:
            raise BadInput(f"no metric {name!r}", where="runs", remedy=f"the table has {listed(list(known))}")
        if known[name].higher_is_better and known[name].unit != "score":
            remedy = "name losses, lower is better, or scores of tasks"
            raise BadInput(f"higher is better of {name!r}, which is no score", where="runs", remedy=remedy)
    scored = [known[name].unit == "score" for name in chosen]
    losses = np.column_stack(
        [1 - table.column(name) if score else table.column(name) for name, score in zip(chosen, scored, strict=True)]
    )
    labels = tuple(known[name].domain or name for name in chosen)
    chance = [known[name].chance or 0.0 if score else np.nan for name, score in zip(chosen, scored, strict=True)]
    items = [known[name].items or np.nan if score else np.nan for name, score in zip(chosen, scored, strict=True)]
    points = mixture_points(table)
    return MixtureRuns(
        points=points, losses=losses, domains=labels, group=_training_runs(table, points), chance=chance, items=items
    )


def mixture_points(table: RunsTable) -> MixturePoints:
    """Where a table's rows are: shares, N, D and unique tokens.

    Raises:
        BadInput: as for :func:`mixture_runs`.
    """
    sources = table.sources
    if len(sources) < 2:
        problem = "has no shares by source" if not sources else f"has the share of one source alone, {sources[0]}"
        seen = [warn.message.partition("; ") for warn in table.warnings if warn.code == "shares_not_named"]
        if seen:
            raise BadInput(f"{problem}; {seen[0][0]}", where="runs", remedy=seen[0][2])
        raise BadInput(problem, where="runs", remedy=_NAME_SHARES)
    D = table.numbers.get("D")
    unique = None
    if D is not None:
        columns = [table.numbers.get(f"unique.{source}", np.full(len(table), np.inf)) for source in sources]
        unique = np.column_stack(columns)
        unique = np.where(np.isfinite(unique) & (unique > 0), unique, np.inf)
    shares = np.column_stack([table.column(f"share.{source}") for source in sources])
    return MixturePoints(sources=tuple(sources), shares=shares, N=table.numbers.get("N"), D=D, unique=unique)


def _training_runs(table: RunsTable, points: MixturePoints) -> Any:
    """(n,) labels of what may be one training run: as the table says, else of one mixture and N (its checkpoints)."""
    if "group" in table.texts:
        return np.unique([name or "" for name in table.text("group")], return_inverse=True)[1]
    size = np.zeros(len(points)) if points.N is None else points.N
    return np.unique(np.column_stack([points.mixtures, size]), axis=0, return_inverse=True)[1].reshape(-1)


def ignored_shares(table: RunsTable) -> str | None:
    """Why a law without the shares of the sources cannot be fitted to a table; None where it can.

    Without a share of synthetic text every mixture would pass for a seed replicate of the same run.
    """
    for warn in table.warnings:
        if warn.code == "shares_not_named" and len(set(table.replicates.tolist())) < len(table):
            return f"runs of one N and D are told apart by no column that is named; {warn.message}"
    varied = [name for name in table.sources if float(np.ptp(table.column(f"share.{name}"))) > 1e-6]
    if "share" in table.numbers or len(varied) < 2:
        return None
    mixtures = len(set(table.text("mixture")))
    return f"the runs are {mixtures} mixtures of {len(varied)} sources, which this law takes for repeats of one run"
