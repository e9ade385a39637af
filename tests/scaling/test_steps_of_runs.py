"""Steps of one training run are correlated: they are resampled together, and do not count as so many runs."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.runs import read_runs
from synthmix.scaling import Runs, fit


def steps(correlated: float, runs: int = 24, each: int = 12) -> dict[str, np.ndarray]:
    """Every run with an error of its own (``correlated``, of the log-loss) and a small one a step."""
    rng = np.random.default_rng(1)
    N = np.repeat(np.geomspace(1e6, 1e8, runs), each)
    D = np.tile(np.geomspace(1e8, 3e9, each), runs)
    error = np.repeat(correlated * rng.standard_normal(runs), each) + 0.001 * rng.standard_normal(runs * each)
    loss = (1.8 + 400 * N**-0.34 + 400 * D**-0.3) * np.exp(error)
    return {"N": N, "D": D, "loss": loss, "run": np.repeat(np.arange(runs), each)}


def width(runs: Runs) -> float:
    interval = fit("chinchilla", runs, bootstrap=100, delta=None).intervals()["alpha"]
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_intervals_are_of_runs_and_not_of_steps() -> None:
    held = steps(0.01)
    together = Runs(**held)
    apart = Runs(**{name: column for name, column in held.items() if name != "run"})
    assert together.trained == 24
    assert apart.trained == 24 * 12
    assert fit("chinchilla", together, bootstrap=10).method == "runs"
    assert fit("chinchilla", apart, bootstrap=10).method == "cells"
    assert width(together) > 2 * width(apart), "twelve steps of a run say hardly more of its size than one"


def test_a_table_with_every_step_is_fitted_so() -> None:
    held = steps(0.01, runs=8, each=3)
    rows = {"run": [f"r{i}" for i in held["run"]], "step": np.tile([1, 2, 3], 8).tolist(), "params": held["N"].tolist(),
            "tokens": held["D"].tolist(), "loss": held["loss"].tolist()}  # fmt: skip
    every = read_runs(rows, mapping={"rows": "every"}).arrays()
    assert (len(every), every.trained) == (24, 8)
    last = read_runs(rows).arrays()
    assert (len(last), last.run) == (8, None)
    assert every.select(np.arange(6)).trained == 2


def test_labels_that_are_none_are_named() -> None:
    held = steps(0.01, runs=4, each=2)
    with pytest.raises(BadInput, match="run: has 3 values"):
        Runs(**{**held, "run": [0, 1, 2]})
