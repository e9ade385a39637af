"""The study of trained mixtures: what of a difference is the noise of runs, and how a curve is judged by the truth."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.valuation import mixture_truth
from benchmarks.valuation.mixture_truth import SEEDS, SHARES
from benchmarks.valuation.mixtures import PLAIN, Task, judged, reachable, run_noise

S = np.array(SHARES)
PAIRS = [(f"natural {i}", f"synthetic {i}") for i in range(40)]


def _tasks(common: float, own: float, *, dip: float = 0.4, ratio: float = 1.0) -> list[Task]:
    """Of 40 pairs and 12 targets, whose learners know the expected loss: lowest at a half."""
    rng, found = np.random.default_rng(0), []
    expected = 4 - dip * 4 * S * (1 - S)
    for pair in PAIRS:
        alike = common * rng.standard_normal((len(S), SEEDS))
        for target in range(12):
            noise = alike + own * rng.standard_normal((len(S), SEEDS))
            empty = np.zeros((len(S), len(S)))
            truth = (expected[:, None] + noise) * ratio
            found.append(Task(pair, str(target), expected * ratio, empty, -expected, empty, 0.3, truth, ratio))
    return found


@pytest.mark.parametrize(("common", "own"), [(0.03, 0.01), (0.02, 0.04)])
def test_the_noise_of_runs_is_parted_from_that_of_targets(common, own):
    found = run_noise(_tasks(common, own, ratio=1.4))
    assert found == pytest.approx((common, own), rel=0.15)


def test_what_is_reachable_falls_with_the_noise_of_runs():
    """A dip of .4 nats is found whatever the runs' noise; flat mixtures within .01 only where runs are quiet."""
    assert reachable(_tasks(0.03, 0.01), draws=20) == 1
    loud, quiet = (reachable(_tasks(noise, noise / 2, dip=0.0), draws=20) for noise in (0.05, 0.002))
    assert quiet > 0.95
    assert 0.3 < loud < 0.7  # means of so loud runs lie far apart themselves


def test_a_curve_that_is_right_has_no_regret_and_a_wrong_one_is_missed_for_sure():
    right = replace(_tasks(0.0, 0.0)[0], pair=mixture_truth.DEVELOPMENT.pairs[0], run=0.02)
    found = judged(right, PLAIN)
    assert (found["regret"], found["missed"], found["covered"], found["gain covered"]) == (0, 0, 1, 1)
    assert found["true gain"] == pytest.approx(0.4)
    wrong = replace(right, learners=right.learners[::-1] + 2 * S)  # the natural text alone
    assert judged(wrong, PLAIN)["regret"] == pytest.approx(0.4)
    assert judged(wrong, PLAIN)["missed"] == 1
    assert judged(replace(wrong, run=0.5), PLAIN)["missed"] == 0, "so large a difference may be noise of runs"


def test_a_model_is_trained_once_and_pairs_become_whole_one_after_another():
    made = mixture_truth.runs()
    assert len(made) == len({mixture_truth.key(*run) for run in made}) == SEEDS * 31
    assert {run[0] for run in made[: SEEDS * len(SHARES)]} == {mixture_truth.DEVELOPMENT.pairs[0]}
