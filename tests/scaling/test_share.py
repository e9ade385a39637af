import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Runs, best_share, best_share_of_fits, best_share_of_law, fit, share_shift


def curve(r: np.ndarray, best: float) -> np.ndarray:
    """A bowl that is steep towards pure synthetic text."""
    return 3.0 + 0.4 * (r - best) ** 2 + 0.5 * np.maximum(r - 0.7, 0.0)


def test_an_inner_optimum_is_found_and_covered() -> None:
    rng = np.random.default_rng(2)
    r = np.repeat([0.0, 1 / 3, 2 / 3, 1.0], 3)
    hits = 0
    for _ in range(40):
        got = best_share(r, curve(r, 0.4) + 0.01 * rng.standard_normal(12), draws=400)
        assert got.best.low <= got.best.mid <= got.best.high
        hits += got.best.low <= 0.4 <= got.best.high
    assert hits >= 33  # 90 % intervals: fewer than 33 of 40 has a chance below 4 %


@pytest.mark.parametrize(("best", "edge"), [(-0.5, 0.0), (1.9, 1.0)])
def test_an_optimum_at_the_end_is_the_end(best: float, edge: float) -> None:
    r = np.repeat([0.0, 0.25, 0.5, 0.75, 1.0], 2)
    y = 3.0 + 0.4 * (r - best) ** 2 + 0.002 * np.random.default_rng(0).standard_normal(10)
    got = best_share(r, y)
    assert got.best.mid == edge
    assert edge in (got.best.low, got.best.high)
    assert [warn.code for warn in got.warnings] == ["best_share_at_edge"]
    if edge == 0.0:
        assert got.gain.mid == 0.0


def test_the_flat_range_holds_the_shares_within_the_noise() -> None:
    r = np.linspace(0, 1, 11)
    got = best_share(r, 3.0 + (r - 0.5) ** 2, noise=0.01)
    assert got.flat is not None
    assert got.flat[0] == pytest.approx(0.4, abs=0.011)
    assert got.flat[1] == pytest.approx(0.6, abs=0.011)
    assert got.gain.mid == pytest.approx(0.25, abs=1e-3)


def test_pairing_removes_what_seeds_share() -> None:
    rng = np.random.default_rng(4)
    seeds = np.tile([0, 1, 2], 4)
    r = np.repeat([0.0, 1 / 3, 2 / 3, 1.0], 3)
    y = curve(r, 0.4) + 0.003 * rng.standard_normal(12) + np.array([0.0, 0.2, -0.15])[seeds]
    paired, plain = best_share(r, y, pair=seeds), best_share(r, y)
    assert paired.noise < 0.01 < plain.noise
    assert paired.best.high - paired.best.low < plain.best.high - plain.best.low


def test_too_few_shares_or_no_noise_is_an_error() -> None:
    with pytest.raises(BadInput, match="2 distinct shares"):
        best_share([0, 0, 1, 1], [3, 3.1, 3, 3.1])
    with pytest.raises(BadInput, match="noise is not given"):
        best_share([0, 0.5, 1], [3, 2.9, 3.2])


def test_best_share_of_the_laws_of_four_recipes() -> None:
    rng = np.random.default_rng(8)
    N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e6, 1e8, 4), np.geomspace(1e8, 1e10, 4)))
    fits = {}
    for r in (0.0, 1 / 3, 2 / 3, 1.0):
        loss = 2 + 300 * N**-0.34 + (900 + 500 * (r - 0.4) ** 2) * D**-0.33
        fits[r] = fit("chinchilla", Runs(N=N, D=D, loss=loss * np.exp(5e-4 * rng.standard_normal(16))), bootstrap=200)
    got = best_share_of_fits(fits, N=1e8, D=1e10)
    assert got.best.low <= 0.4 <= got.best.high
    assert got.best.high - got.best.low < 0.6
    far = best_share_of_fits(fits, N=1e10, D=1e12)
    assert far.best.high - far.best.low > got.best.high - got.best.low


def test_best_share_of_a_joint_law_moves_with_its_tokens() -> None:
    law = LAWS["joint_quadratic"]
    truth = {"E0": 1.9, "E1": -0.2, "E2": 0.3, "A": 400, "alpha": 0.34, "B0": 900, "B1": -800, "B2": 1000, "beta": 0.33}
    N, D, r = (
        g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e8, 1e11, 5), np.linspace(0, 1, 6))
    )
    x = Runs(N=N, D=D, share=r, loss=np.ones(len(N)))
    loss = law.predict([truth[name] for name in law.names], x)
    found = fit(law, x.with_loss(loss * np.exp(5e-4 * np.random.default_rng(0).standard_normal(len(x)))), bootstrap=200)

    def optimum(tokens: float) -> float:
        B = tokens**-0.33
        return (0.2 + 800 * B) / (2 * (0.3 + 1000 * B))

    for tokens in (1e9, 1e11):
        got = best_share_of_law(found, N=1e8, D=tokens)
        assert got.best.low <= optimum(tokens) <= got.best.high
        assert got.best.mid == pytest.approx(optimum(tokens), abs=0.03)
        assert got.flat[0] < got.best.mid < got.flat[1]
    moved = share_shift(found, {"N": 1e8, "D": 1e9}, {"N": 1e8, "D": 1e11})
    assert moved.low <= optimum(1e11) - optimum(1e9) <= moved.high
    with pytest.raises(BadInput, match="no share in it"):
        best_share_of_law(fit("chinchilla", x.select(r == 0), bootstrap=0), N=1e8, D=1e9)
