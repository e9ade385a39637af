"""Markdown tables of truths and methods."""

import os
import platform
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.valuation.correlation import Agreement, agreements, mean_agreement, resamples, signed
from benchmarks.valuation.measure import matrix
from benchmarks.valuation.results import Results
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import EVERYTHING, reliability
from synthmix.table import Table

OURS = "ours"
Truth = dict[str, dict[str, Any]]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Headings and rows of text."""
    return Table.of("", dict.fromkeys(head, str), rows).markdown()


def settings_line() -> str:
    """Where and with what."""
    from importlib.metadata import version

    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy", "scikit-learn"))
    return f"Python {platform.python_version()}, {libraries}; {os.cpu_count()} cores. Intervals are at 90 %."


def tasks_table(made: list[tuple[Task, Truth]]) -> str:
    """What the tasks are, and how certain their truth is."""
    head = ["task", "datasets", "items, smallest to largest", "reference", "test", "truth", "worst to best", "seeds",
            "one seed against the others", "one run on all data"]  # fmt: skip
    rows = []
    for task, worth in made:
        names = [each.name for each in task.contributors]
        metric = task.metrics[0]
        values = [worth[name][metric] for name in names]
        worst, best = (max, min) if metric == "loss" else (min, max)
        sizes = [len(each.pool.all()) for each in task.contributors]
        seeds = ["published", "-", "-"]
        if task.published is None:
            sure, run = reliability(worth, names, metric), worth.get(EVERYTHING, {}).get("seconds")
            shown = "-" if run is None else f"{run:.1f} s"
            seeds = [str(task.seeds), "-" if task.seeds < 2 else f"{sure:.3f}", shown]
        rows.append([
            task.name, str(len(names)), f"{min(sizes)} to {max(sizes)}", str(len(task.reference.all())),
            str(len(task.test.all())) if task.test else "-", metric, f"{worst(values):.3f} to {best(values):.3f}",
            *seeds,
        ])  # fmt: skip
    return markdown_table(head, rows)


def task_agreements(task: Task, worth: Truth, results: Results, metric: str) -> dict[str, dict[str, Agreement]]:
    """By method, by kind of correlation; a mean over references where there are several, each its own."""
    names = [each.name for each in task.contributors]
    # Tasks are independent of each other: each has resamples of its own, the same ones for all methods.
    target, places = signed(worth, names, metric), resamples(len(names), seed=zlib.crc32(task.name.encode()))
    found = {}
    for method, result in results.items():
        if "refused" not in result:
            each = [agreements(row, target, places) for row in matrix(result, names)]
            found[method] = {kind: mean_agreement([one[kind] for one in each]) for kind in each[0]}
    return found


def task_table(task: Task, worth: Truth, results: Results) -> str:
    """Methods in the order of their Spearman; further truths and a bootstrap over groups as further columns."""
    names = [each.name for each in task.contributors]
    by_metric = {metric: task_agreements(task, worth, results, metric) for metric in task.metrics}
    found = by_metric[task.metrics[0]]
    groups = _grouped(task, worth, results) if task.group else {}
    run = worth.get(EVERYTHING, {}).get("seconds")
    head = ["method", "Spearman", "Kendall", "Pearson", *(f"Spearman, {metric}" for metric in task.metrics[1:])]
    head += [f"Spearman, {task.group}s resampled"] if groups else []
    head += ["over references"] if len(task.references) > 1 else []
    head += ["ours minus it", "seconds", "peak MB", *(["of one training run"] if run else [])]
    rows = []
    for method in sorted(found, key=lambda name: -_sortable(found[name]["spearman"].value)):
        result = results[method]
        row = [method, *(_shown(found[method][kind]) for kind in ("spearman", "kendall", "pearson"))]
        row += [_shown(by_metric[metric][method]["spearman"]) for metric in task.metrics[1:]]
        row += [_shown(groups[method])] if groups else []
        row += [_spread(task, worth, result, names)] if len(task.references) > 1 else []
        row += [_difference(found, method), f"{result['seconds']:.2f}", f"{result['peak_mb']:.0f}"]
        rows.append(row + ([f"{result['seconds'] / run:.1%}"] if run else []))
    refused = [f"- {method}: {result['refused']}" for method, result in results.items() if "refused" in result]
    return "\n".join([markdown_table(head, rows), *(["", "Not for this task:", *refused] if refused else [])])


def mean_table(made: dict[str, tuple[Task, Truth, Results]]) -> str:
    """Spearman by task and its mean; a method that cannot take a task is compared with ours on the others."""
    found = {
        name: {method: kinds["spearman"] for method, kinds in task_agreements(*parts, parts[0].metrics[0]).items()}
        for name, parts in made.items()
    }
    means = {}
    for method in {method for methods in found.values() for method in methods}:
        tasks = [name for name in found if method in found[name]]
        mine = mean_agreement([found[name][method] for name in tasks])
        both = [name for name in tasks if OURS in found[name]]
        less = mean_agreement([found[name][OURS] for name in both]).minus(
            mean_agreement([found[name][method] for name in both])) if both else None  # fmt: skip
        beaten = sum(found[name][OURS].minus(found[name][method]).interval.sign() > 0 for name in both)
        means[method] = (tasks, mine, less, beaten)
    rows = [
        [method, *(_alone(found[name].get(method)) for name in found),
         _shown(mine) + ("" if len(tasks) == len(found) else f" of {len(tasks)}"),
         "-" if less is None or method == OURS else _shown(less), "-" if method == OURS else str(beaten)]
        for method, (tasks, mine, less, beaten) in sorted(
            means.items(), key=lambda each: (-len(each[1][0]), -_sortable(each[1][1].value)))
    ]  # fmt: skip
    return markdown_table(
        ["method", *found, "mean", "ours minus it", "tasks where ours is above by the interval"], rows
    )


def _grouped(task: Task, worth: Truth, results: Results) -> dict[str, Agreement]:
    names = [each.name for each in task.contributors]
    target = signed(worth, names, task.metrics[0])
    places = resamples(len(names), groups=[each.meta[task.group] for each in task.contributors])
    return {
        method: mean_agreement([agreements(row, target, places)["spearman"] for row in matrix(result, names)])
        for method, result in results.items()
        if "refused" not in result
    }


def _spread(task: Task, worth: Truth, result: dict[str, Any], names: list[str]) -> str:
    target, whole = signed(worth, names, task.metrics[0]), np.arange(len(names))[None]
    values = [agreements(row, target, whole)["spearman"].value for row in matrix(result, names)]
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" if np.isfinite(values).all() else "constant"


def _difference(found: dict[str, dict[str, Agreement]], method: str) -> str:
    if OURS not in found or method == OURS:
        return "-"
    return _shown(found[OURS]["spearman"].minus(found[method]["spearman"]))


def _shown(each: Agreement) -> str:
    if (held := each.interval).mid is None:
        return "constant"
    low, high = ("?" if end is None else f"{end:.2f}" for end in (held.low, held.high))
    return f"{held.mid:.3f} [{low}, {high}]"


def _alone(each: Agreement | None) -> str:
    if each is None:
        return "-"
    return f"{each.value:.3f}" if np.isfinite(each.value) else "constant"


def _sortable(value: float) -> float:
    return value if np.isfinite(value) else -2.0
