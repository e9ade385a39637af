"""The law from loss to task score, and the best share by score."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.scaling.task_law import AGREE, DISAGREE, UNKNOWN, above_chance, agreement, best_share_by_score, fit_task

CHANCE, SLOPE, HALF, OFFSET = 0.25, 2.0, 2.6, 0.8


def truth(loss: np.ndarray, share: np.ndarray | float = 0.0) -> np.ndarray:
    return CHANCE + (1 - CHANCE) / (1 + np.exp(SLOPE * (loss - HALF) - OFFSET * np.asarray(share)))


def simulated(seed: int, runs: int = 36, noise: float = 0.01) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Losses, shares, scores."""
    rng = np.random.default_rng(seed)
    loss, share = rng.uniform(2.2, 4.5, runs), rng.choice([0, 1 / 3, 2 / 3, 1], runs)
    return loss, share, np.clip(truth(loss, share) + noise * rng.standard_normal(runs), 0, 1)


def test_the_law_is_recovered_with_its_offset() -> None:
    loss, share, score = simulated(0)
    found = fit_task(loss, score, chance=CHANCE, shares={"hq": share, "never": np.zeros(len(loss))}, bootstrap=300)
    assert found.offsets == ("hq",)  # a source that no run has says nothing
    assert not found.warnings
    for name, value in (("k", SLOPE), ("L_half", HALF), ("offset hq", OFFSET)):
        part = found.parameters()[name]
        assert part.low is not None
        assert part.high is not None
        assert part.low < value < part.high
    assert found.noise == pytest.approx(0.01, rel=0.4)
    assert found.predict([3.0], {"hq": 0.5}) == pytest.approx(truth(np.array([3.0]), 0.5), abs=0.01)
    assert (np.diff(found.predict(np.linspace(1, 6, 30))) < 0).all()


def test_the_fit_is_the_one_that_scipy_finds() -> None:
    from scipy.optimize import least_squares

    loss, _, score = simulated(1)

    def residual(theta: np.ndarray) -> np.ndarray:
        return np.asarray(CHANCE + (1 - CHANCE) / (1 + np.exp(-theta[0] + theta[1] * (loss - loss.mean()))) - score)

    theirs = least_squares(residual, [0.0, 1.0], xtol=1e-12, ftol=1e-12, gtol=1e-12)
    ours = fit_task(loss, score, chance=CHANCE, bootstrap=0)
    assert ours.values == pytest.approx(theirs.x, rel=1e-5)
    assert ours.why == "no resamples were asked for"


@pytest.mark.parametrize("runs", [12, 60])  # noise is added to few, cells of many are drawn
def test_intervals_hold_the_truth_about_as_often_as_they_say(runs: int) -> None:
    held = []
    for seed in range(40):
        loss, _, _ = simulated(seed, runs)
        score = truth(loss) + 0.01 * np.random.default_rng([seed, 1]).standard_normal(runs)
        part = fit_task(loss, score, chance=CHANCE, bootstrap=100, seed=seed).parameters()["k"]
        assert part.low is not None
        assert part.high is not None
        held.append(part.low <= SLOPE <= part.high)
    assert np.mean(held) > 0.9 - 3 * np.sqrt(0.09 / 40)


def test_seeds_are_resampled_together() -> None:
    loss, _, score = simulated(2, 40)
    twice, group = np.tile(loss, 2), np.tile(np.arange(40), 2)
    apart = fit_task(twice, np.tile(score, 2), chance=CHANCE, bootstrap=400)
    together = fit_task(twice, np.tile(score, 2), chance=CHANCE, bootstrap=400, group=group)
    assert np.std(together.draws[:, 1]) == pytest.approx(np.sqrt(2) * np.std(apart.draws[:, 1]), rel=0.2)


def test_draws_of_the_loss_are_paired_with_those_of_the_law() -> None:
    loss, share, score = simulated(3)
    found = fit_task(loss, score, chance=CHANCE, shares={"hq": share}, bootstrap=200)
    losses = np.random.default_rng(0).normal(3, 0.1, (150, 4))
    drawn = found.draw(losses, {"hq": [0, 0.3, 0.6, 1]})
    assert drawn.shape == (150, 4)
    assert drawn[7, 2] == pytest.approx(found._at(found.draws[7:8], losses[7], {"hq": [0, 0.3, 0.6, 1]})[0, 2])
    assert found.draw([3.0]).shape == (200, 1)


def test_scores_at_chance_are_told() -> None:
    loss = np.linspace(3, 5, 30)
    score = CHANCE + 0.02 * np.tile([1, -1, -1, 1, 1], 6) * np.cos(np.arange(30))
    found = fit_task(loss, score, chance=CHANCE, items=400, bootstrap=200)
    assert {warning.code for warning in found.warnings} == {"task_at_chance", "task_slope_undetermined"}
    assert not above_chance(score, CHANCE, 400).any()
    assert above_chance(np.array([0.25, 0.4]), CHANCE, 400).tolist() == [False, True]


def test_a_step_is_told() -> None:
    loss = np.linspace(2, 4, 30)
    found = fit_task(loss, np.where(loss < 3, 0.9, CHANCE), chance=CHANCE, bootstrap=50)
    assert "task_slope_at_bound" in {warning.code for warning in found.warnings}
    assert np.isfinite(found.draws).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"score": [0.3] * 9 + [1.2]}, "lies outside 0 to 1"),
        ({"score": [float("nan")] * 10}, "lies outside 0 to 1"),
        ({"score": [0.3]}, "not of one length"),
        ({"shares": {"hq": [0.1]}}, "not of one length"),
        ({"loss": [float("inf")] * 10}, "is not finite"),
        ({"chance": 1.0}, "0 <= chance < top <= 1"),
        ({"chance": -0.1}, "0 <= chance < top <= 1"),
        ({"loss": [3.0, 2.0] * 5}, "2 different losses, 4 are needed; score more runs"),
    ],
)
def test_bad_input_is_one_clear_line(change: dict[str, object], said: str) -> None:
    given = {"loss": np.linspace(2, 4, 10), "score": np.linspace(0.6, 0.3, 10), "chance": CHANCE, **change}
    with pytest.raises(BadInput, match=said):
        fit_task(**given)  # type: ignore[arg-type]


def test_the_best_share_by_score_is_the_highest_point() -> None:
    share = np.tile([0, 0.25, 0.5, 0.75, 1], 4)
    score = 0.5 - 0.3 * (share - 0.4) ** 2 + 0.002 * np.random.default_rng(0).standard_normal(20)
    best = best_share_by_score(share, score, noise=0.002, pair=np.repeat(np.arange(4), 5))
    assert best.best.low is not None
    assert best.best.high is not None
    assert best.best.low < 0.4 < best.best.high
    assert best.loss.mid == pytest.approx(0.5, abs=0.01)
    assert (best.low <= best.mean).all()
    assert (best.mean <= best.high).all()


def around(value: float, half: float | None) -> Interval:
    return Interval(mid=value) if half is None else Interval(mid=value, low=value - half, high=value + half)


@pytest.mark.parametrize(
    ("loss", "score", "verdict"),
    [
        ((0.3, 0.1), (0.4, 0.1), AGREE),
        ((0.2, 0.1), (0.8, 0.1), DISAGREE),
        ((0.2, 0.1), (0.5, 0.4), UNKNOWN),
        ((0.2, None), (0.2, 0.1), UNKNOWN),
    ],
)
def test_agreement(loss: tuple[float, float | None], score: tuple[float, float | None], verdict: str) -> None:
    found = agreement(around(*loss), (0.1, 0.4), around(*score), (0.3, 0.6))
    assert found.verdict == verdict
    assert found.common == (0.3, 0.4)
    assert agreement(around(*loss), (0.1, 0.2), around(*score), (0.3, 0.6)).common is None
