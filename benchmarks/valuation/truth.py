"""What each dataset is worth: models trained on it, over several seeds, measured on the held-out test.

Results are kept in a JSON a task, by a hash of everything that decides them; methods are rerun without training again.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.valuation.language import AnswerLearner
from benchmarks.valuation.sources import Source, joined
from benchmarks.valuation.tasks.task import Task
from synthmix.files import content_hash, read_json, write_json
from synthmix.valuation.pool import Pool

VERSION = 1  # raise it when training changes: older results are then no longer found
ROOT = Path(__file__).parents[2]
WORK = ROOT / "studies" / "valuation"  # git-ignored
KEPT = ROOT / "docs" / "results" / "valuation"  # committed
EVERYTHING = "all data"  # one run on every contributor together: what costs are compared with

Said = Callable[[str], None]
Runs = dict[str, dict[str, dict[str, float]]]  # metrics and seconds by seed, by the hash of what decides them


def truth(task: Task, say: Said = lambda line: None) -> dict[str, dict[str, float]]:
    """By contributor: the mean over seeds of each metric, ``<metric> seeds`` (list), and seconds of one run.

    Also :data:`EVERYTHING`, where the task is costed. Published truths come back as they are.
    """
    if task.published is not None:
        metric = task.metrics[0]
        return {name: {metric: value} for name, value in task.published.items()}
    assert task.learner is not None
    assert task.test is not None
    known = _known(task.name)
    test, rule = _hash(task.test), _rule(task)
    learner: Any = None
    found: dict[str, dict[str, Any]] = {}
    whole = [(EVERYTHING, together(task), 1)] if task.costed else []
    for name, pool, seeds in [*((each.name, each.pool, task.seeds) for each in task.contributors), *whole]:
        key = content_hash([VERSION, task.name, rule, test, _hash(pool)])
        for seed in range(seeds):
            if str(seed) in known.setdefault(key, {}):
                continue
            known = _merged(known, _known(task.name))  # another process may have trained it meanwhile
            if str(seed) in known.setdefault(key, {}):
                continue
            learner = learner or task.learner().fit(task.reference)
            began = time.perf_counter()
            model = learner.train(pool, seed=seed)
            seconds = time.perf_counter() - began
            made = results_of(learner, model, task) | {"seconds": round(seconds, 3)}
            known = _merged(known, _known(task.name))
            known.setdefault(key, {})[str(seed)] = made
            write_json(WORK / f"truth-{task.name}.json", known)
            say(f"{task.name}: {name}, seed {seed}: {made}")
        kept = [known[key][str(seed)] for seed in range(seeds)]
        found[name] = {metric: float(np.mean([run[metric] for run in kept])) for metric in task.metrics}
        found[name] |= {f"{metric} seeds": [run[metric] for run in kept] for metric in task.metrics}
        found[name]["seconds"] = float(np.median([run["seconds"] for run in kept]))
    return found


def keep(task: Task) -> None:
    """Copy the runs that the task as it is now needs beside the results, to be committed."""
    known, rule = _known(task.name), _rule(task)
    assert task.test is not None
    pools = [*(each.pool for each in task.contributors), *([together(task)] if task.costed else [])]
    keys = [content_hash([VERSION, task.name, rule, _hash(task.test), _hash(pool)]) for pool in pools]
    write_json(KEPT / f"truth-{task.name}.json", {key: known[key] for key in keys})


def reliability(found: dict[str, dict[str, Any]], names: list[str], metric: str) -> float:
    """Spearman of one seed's truth with the mean of the others', over seeds: about the most a method can reach."""
    from scipy.stats import spearmanr

    runs = np.array([found[name][f"{metric} seeds"] for name in names])
    if runs.shape[1] < 2:
        return float("nan")
    seeds = range(runs.shape[1])
    return float(np.mean([spearmanr(runs[:, at], np.delete(runs, at, axis=1).mean(axis=1))[0] for at in seeds]))


def results_of(learner: Any, model: Any, task: Task) -> dict[str, float]:
    """Each metric of a trained model on the task's test."""
    if isinstance(learner, AnswerLearner):
        made = learner.both_losses(model, task.test)
    else:
        made = {what: getattr(learner, what)(model, task.test) for what in task.metrics}
    return {metric: round(float(value), 6) for metric, value in made.items()}


def _known(name: str) -> Runs:
    known: Runs = {}
    for folder in (KEPT, WORK):
        path = folder / f"truth-{name}.json"
        if path.exists():
            known = _merged(known, read_json(path))
    return known


def _merged(one: Runs, other: Runs) -> Runs:
    return {key: one.get(key, {}) | other.get(key, {}) for key in one | other}


def _rule(task: Task) -> str:
    """How the task trains, as far as it can be read off its learner."""
    assert task.learner is not None
    settings = vars(task.learner())
    return repr(sorted((key, value) for key, value in settings.items() if isinstance(value, int | float | str | tuple)))


def together(task: Task) -> Pool:
    """Every contributor's items, in a random order."""
    batches = [each.pool.all() for each in task.contributors]
    whole = joined([Source(batch.items, batch.labels) for batch in batches])
    whole = whole.at(np.random.default_rng(0).permutation(len(whole)))
    return Pool.of(EVERYTHING, whole.items, whole.labels)


def _hash(pool: Pool) -> str:
    batch = pool.all()
    items = batch.items.tobytes().hex() if isinstance(batch.items, np.ndarray) else list(batch.items)
    return content_hash([items, None if batch.labels is None else batch.labels.tolist()])
