"""Verdicts and intervals on simulated curves with noise. benchmarks/phases.py does the same on 600 curves."""

from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.phases.curves import Measured, fit_shape, redraw
from synthmix.phases.detection import detect_in_table, detect_phases
from synthmix.theory import Setting, breakpoints, exact

WORLD = Setting(1.6, k=200, pi=3e-3)
ENDS = breakpoints(WORLD)


def noisy(low: float, high: float, *, floor: float = 0.0, noise: float = 0.01, seed: int = 0, world: Setting = WORLD):
    n = np.geomspace(low, high, 30)
    clean = floor + exact(world, n).excess
    return n, clean * np.exp(noise * np.random.default_rng(seed).standard_normal(len(n)))


@pytest.mark.parametrize(
    ("low", "high", "floor", "verdict", "says"),
    [
        (ENDS.n1 / 200, ENDS.n2 * 60, 0.0, "three_phases", "BIC"),
        (ENDS.n1 / 200, ENDS.n2 * 60, 0.01, "three_phases", "held out"),
        (ENDS.n1 / 200, ENDS.n2 / 10, 0.01, "not_determined", "plateau or a floor"),
        (ENDS.n1 * 10, ENDS.n2 * 100, 0.0, "not_determined", "no first phase"),
        (ENDS.n1 / 40, ENDS.n1 / 2, 0.0, "not_determined", "less than"),  # all in one phase, and few of it
        (ENDS.n2 * 10, ENDS.n2 * 1e6, 0.0, "power_law", "beyond these n nothing is excluded"),
    ],
)
def test_verdicts(low: float, high: float, floor: float, verdict: str, says: str) -> None:
    found = detect_phases(*noisy(low, high, floor=floor), bootstrap=100)
    assert found.verdict == verdict, found.reason
    assert says in found.reason
    assert (found.would_tell is not None) == (verdict == "not_determined")
    if verdict == "three_phases":
        for interval, truth in ((found.n1, ENDS.n1), (found.n2, ENDS.n2)):
            assert interval.mid == pytest.approx(truth, rel=0.1)
            assert interval.low < interval.mid < interval.high
        assert found.bic["power_law"] > 6
        assert found.extrapolation is not None
        assert found.extrapolation.errors["three_phase"] < found.extrapolation.errors["power_law"]
        assert found.segments[0] == pytest.approx(ENDS.n1, rel=1.5)
        assert found.segments[1] == pytest.approx(ENDS.n2, rel=1.5)


def test_noise_that_would_hide_a_plateau_is_said() -> None:
    n = np.geomspace(100, 1e6, 12)
    loss = n**-0.1 * np.exp(0.2 * np.random.default_rng(0).standard_normal(12))
    found = detect_phases(n, loss, bootstrap=50)
    assert (found.verdict, found.would_tell is not None) == ("not_determined", True)


def test_a_floor_that_is_known_tells_a_plateau_from_it() -> None:
    found = detect_phases(*noisy(ENDS.n1 / 200, ENDS.n2 / 10), floor=0.0, bootstrap=100)
    assert found.verdict == "not_determined"
    assert "a plateau, whose end" in found.reason
    assert found.n1.mid == pytest.approx(ENDS.n1, rel=0.1)


def test_intervals_cover_at_their_level() -> None:
    """64 curves: 90 % intervals hold both breakpoints in 80 to 98 % (three standard errors)."""
    rng, inside = np.random.default_rng(0), []
    for seed in range(64):
        world = Setting(rng.uniform(1.3, 2.2), k=rng.integers(30, 1000), pi=10 ** rng.uniform(-4, -2))
        ends = breakpoints(world)
        curve = Measured.of(*noisy(max(30, ends.n1 / 300), ends.n2 * 60, seed=seed, world=world))
        shape = fit_shape("three_phase", curve)
        draws = redraw(shape, curve, 200, seed)[:, [3, 4]].cumsum(axis=1)
        n1 = (world.k + 0.5) ** world.beta / world.C
        truth = np.log([n1 / (world.pi + (1 - world.pi) / world.Z) / curve.unit, n1 / world.pi / curve.unit])
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        inside.append((low <= truth) & (truth <= high))
    assert (np.mean(inside, axis=0) > 0.8).all()
    assert (np.mean(inside, axis=0) < 0.985).all()


@pytest.mark.parametrize(
    ("n", "loss", "floor", "says"),
    [
        ([1, 2, 3], [3, 2, 1], None, "3 different n cannot show"),
        ([1] * 20, [1.0] * 20, None, "1 different n"),
        (list(range(9)), [1.0] * 9, None, "D: is not positive"),
        (list(range(1, 10)), [1.0] * 8 + [-1.0], None, "loss: is not a positive number in row 8"),
        (list(range(1, 10)), [1.0] * 9, 1.5, "floor: is 1.5"),
        (list(range(1, 10)), [1.0] * 9, -1, "floor"),
    ],
)
def test_curves_that_cannot_be_judged(n: list[float], loss: list[float], floor: float | None, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        detect_phases(n, loss, floor=floor)


def test_a_table_of_several_shares(tmp_path: Path) -> None:
    rows, rng = ["share,n,loss"], np.random.default_rng(0)
    for pi in (3e-3, 1.0):
        n = np.geomspace(ENDS.n1 / 200, ENDS.n2 * 60, 24)
        loss = exact(WORLD.replace(pi=pi), n).excess * np.exp(0.01 * rng.standard_normal(24))
        rows += [f"{1 - pi},{a},{b}" for a, b in zip(n, loss, strict=True)]
    rows.append("0.5,100,0.3")
    (tmp_path / "runs.csv").write_text("\n".join(rows))
    found = detect_in_table(tmp_path / "runs.csv", floor=0.0, bootstrap=100)
    assert {label: one.verdict for label, one in found.curves.items()} == {
        "natural share 0.003": "three_phases",
        "natural share 1": "power_law",
    }
    assert list(found.skipped) == ["natural share 0.5"]
    assert found.joint is not None
    assert found.joint.parameters["n1"] == pytest.approx(ENDS.n1, rel=0.1)
