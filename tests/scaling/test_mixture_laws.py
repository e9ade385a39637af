"""Laws over a vector of shares: derivatives, what a fit recovers, what its intervals cover, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling.mixtures import MIXTURE_LAWS, MixturePoints, MixtureRuns, compare_mixtures, fit_mixtures
from synthmix.scaling.mixtures.fit import largest_scale
from synthmix.scaling.mixtures.solver import penalty_of
from synthmix.scaling.mixtures.terms import EffectiveTokens, units_of

SOURCES = ("web", "hq", "qa")


def points(count: int = 60, seed: int = 0, scales: bool = False, unique: bool = False) -> MixturePoints:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(3, 0.8), size=count)
    shares[: count // 6, 2] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    N = rng.choice([1e8, 3e8, 1e9], size=count) if scales else None
    D = rng.choice([1e9, 3e9, 1e10, 3e10], size=count) if scales or unique else None
    there = np.tile([[2e9, 5e8, 1e12]], (count, 1)) if unique else None
    return MixturePoints(sources=SOURCES, shares=shares, N=N, D=D, unique=there)


def made(count: int = 60, seed: int = 0, noise: float = 0.003) -> MixtureRuns:
    """Runs of the law itself at one scale: E 1.5, hq worth most, qa least; two domains."""
    x = points(count, seed)
    rng = np.random.default_rng([seed, 1])
    losses = []
    for weights in ([0.5, 1.0, -1.0], [1.2, -0.5, 0.3]):
        total = np.exp(-1.0) + sum(np.exp(w) * x.shares[:, i] ** (0.5, 0.7, 0.4)[i] for i, w in enumerate(weights))
        losses.append((1.5 + total**-0.5) * np.exp(noise * rng.standard_normal(count)))
    return MixtureRuns(points=x, losses=np.column_stack(losses), domains=("wiki", "books"))


@pytest.mark.parametrize("law", sorted(MIXTURE_LAWS))
def test_derivatives_are_those_of_differences(law: str) -> None:
    rng = np.random.default_rng(3)
    x = points(8, seed=2, scales=True, unique=True)
    bound, units = MIXTURE_LAWS[law].of(x), units_of(x)
    losses = np.linspace(2.5, 4, 8)
    theta = np.concatenate([term.starts(x, losses)[0] for term in bound.terms])[None]
    theta = theta + 0.1 * rng.standard_normal((2, theta.shape[1]))
    value, slope = bound.evaluate(theta, x, units)
    assert np.allclose(value, bound.predict(theta, x, units), rtol=1e-12)
    for j in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[:, j] = 1e-6
        by_difference = (bound.predict(theta + step, x, units) - bound.predict(theta - step, x, units)) / 2e-6
        assert np.allclose(slope[..., j], by_difference, atol=3e-6 * np.abs(value).max(), rtol=1e-4), j
    inside = np.flatnonzero(x.shares.min(axis=1) > 1e-3)
    by_share = bound.by_share(theta, x, units)
    for i in range(3):
        moved = []
        for sign in (1, -1):
            at = x.select(np.arange(len(x)))
            shares = at.shares.copy()
            shares[:, i] += sign * 1e-7
            object.__setattr__(at, "shares", shares)  # not on the simplex: the derivative along one share alone
            moved.append(bound.predict(theta, at, units))
        assert np.allclose(by_share[:, inside, i], ((moved[0] - moved[1]) / 2e-7)[:, inside], rtol=1e-3, atol=1e-4)


def test_a_fit_predicts_unseen_mixtures_within_the_noise_and_covers_them() -> None:
    found = fit_mixtures("effective_tokens", made(), draws=0)
    new = made(200, seed=7)
    error = np.log(found.predict(new.points)) - np.log(new.losses)
    assert np.sqrt(np.mean(error**2)) < 0.0045  # noise .003, and 9 parameters from 60 runs
    mid, _, _ = found.average(new.points, {"wiki": 3, "books": 1})
    assert np.abs(mid / (new.losses @ [0.75, 0.25]) - 1).mean() < 0.005
    each, both = [], []
    for seed in range(8):  # how large the noise is, sixty runs do not tell well: intervals hold over tables
        one, other = fit_mixtures("effective_tokens", made(seed=seed), draws=0), made(200, seed=77 + seed)
        low, high = one.interval(other.points)
        each.append(((other.losses >= low) & (other.losses <= high)).mean())
        _, least, most = one.average(other.points, {"wiki": 3, "books": 1})
        measured = other.losses @ [0.75, 0.25]
        both.append(((measured >= least) & (measured <= most)).mean())
    assert 0.86 <= np.mean(each) <= 0.94
    assert 0.86 <= np.mean(both) <= 0.94


def test_draws_spread_as_the_normal_approximation_where_the_runs_tell() -> None:
    found = fit_mixtures("effective_tokens", made(120), draws=120, hold_out=False)
    new = points(50, seed=11)
    spread, _ = found.spread(new)
    drawn = np.log(found.drawn(new))
    assert drawn.shape == (120, 50, 2)
    assert np.median(drawn.std(axis=0) / spread) == pytest.approx(1, abs=0.2)
    same = fit_mixtures("effective_tokens", made(120), draws=120, hold_out=False)
    assert np.array_equal(found.draws, same.draws)


def test_the_law_that_made_the_runs_is_the_one_that_predicts_best() -> None:
    ranked = compare_mixtures(made(90), ["linear_shares", "exponential", "effective_tokens"])
    assert ranked.scores[0].law == "effective_tokens" == ranked.winner
    assert ranked.decided
    assert ranked.scores[0].rank > 0.99
    assert "effective_tokens leads" in ranked.report()


def test_repeated_tokens_count_less_and_new_ones_fully() -> None:
    x = points(5, unique=True)
    term = EffectiveTokens()
    theta = term.starts(x, np.full(5, 3.0))[0][None]
    limited, _ = term.evaluate(theta, x, units_of(x), slopes=False)
    free, _ = term.evaluate(theta, replace(x, unique=np.full(x.shares.shape, np.inf)), units_of(x), slopes=False)
    often = x.epochs.max(axis=1) > 1.01
    assert (limited[0, often] > free[0, often]).all()
    assert np.allclose(limited[0, ~often], free[0, ~often])


def test_a_process_takes_what_the_law_leaves_and_only_where_it_leaves_something() -> None:
    def bent(count: int, seed: int) -> MixtureRuns:
        runs = made(count, seed)
        bump = 0.02 * np.exp(-((runs.points.shares[:, 0] - 0.5) ** 2) / 0.01)  # no law here has such a ridge
        return MixtureRuns(points=runs.points, losses=runs.losses * np.exp(bump)[:, None], domains=runs.domains)

    found, new = fit_mixtures("effective_tokens", bent(150, 0), draws=0), bent(200, 7)
    assert found.process is not None
    assert (found.process.part > 0.5).all()
    alone = replace(found, process=None)
    errors = [np.abs(np.log(fit.predict(new.points) / new.losses)).mean() for fit in (found, alone)]
    assert errors[0] < 0.7 * errors[1]
    low, high = found.interval(new.points)
    assert 0.82 <= ((new.losses >= low) & (new.losses <= high)).mean() <= 0.97
    assert fit_mixtures("effective_tokens", made(150), draws=0, hold_out=False).process is None


def test_what_the_runs_cannot_tell_is_said() -> None:
    few = made(5)
    with pytest.raises(BadInput, match="5 distinct mixtures of 3 sources are too few; 6 would do, 10 would do well"):
        fit_mixtures("effective_tokens", few)
    x = points(40)
    shares = np.column_stack([x.shares[:, 0], x.shares[:, 1] / 2, x.shares[:, 1] / 2, x.shares[:, 2], np.zeros(40)])
    runs = MixtureRuns(
        points=MixturePoints(sources=("a", "b", "c", "d", "never"), shares=shares),
        losses=3 - shares[:, :1], domains=("loss",),
    )  # fmt: skip
    found = fit_mixtures("effective_tokens", runs, draws=0, hold_out=False)
    said = {warn.code: warn.message for warn in found.warnings}
    assert "never has no share in any run" in said["source_never_used"]
    assert "b and c" in said["collinear_shares"]
    with pytest.raises(BadInput, match=r"shares: add up to 1\.5 and not to 1 in row 0"):
        MixturePoints(sources=("a", "b"), shares=[[1.0, 0.5]])
    with pytest.raises(BadInput, match="no domain 'x'"):
        found.weighted({"x": 1.0})
    with pytest.raises(BadInput, match="are of web, hq and qa, and the runs of a, b, c, d and never"):
        found.predict(points(3))


def test_the_largest_scale_is_held_out_where_two_smaller_ones_are_left() -> None:
    x = points(60, scales=True)
    held = largest_scale(x)
    assert held is not None
    assert np.array_equal(held, x.N == 1e9)
    assert largest_scale(points(60)) is None


def test_the_prior_of_a_sources_worth_is_about_the_mean_of_all() -> None:
    x = points(4)
    prior = penalty_of([EffectiveTokens().prior(x, np.full(4, 3.0))])
    shifted = np.r_[0.0, np.ones(4), np.zeros(6)]  # every w as much larger: the prior does not mind
    assert shifted @ prior.precision @ shifted == pytest.approx(0, abs=1e-12)
    apart = np.r_[0.0, 1.0, -1.0, 0.0, 0.0, np.zeros(6)]
    assert apart @ prior.precision @ apart == pytest.approx(2 / 2.0**2)


def test_what_repetition_costs_is_measured_where_runs_repeat() -> None:
    rng = np.random.default_rng(4)
    shares = rng.dirichlet([1, 1], size=60)
    D = np.full(60, 1e10)
    unique = np.column_stack([np.full(60, np.inf), rng.choice([1e12, 2e8, 5e8], size=60)])
    again = np.maximum(shares[:, 1] * D / unique[:, 1], 1) - 1
    new = shares[:, 1] / (again + 1)
    effective = np.column_stack([shares[:, 0], new * (1 + 4.0 * (1 - np.exp(-again / 4.0)))])  # R* = 4
    losses = 1.5 + (0.3 + (effective**0.5 * [1.0, 2.0]).sum(axis=1)) ** -0.5
    points = MixturePoints(sources=("web", "hq"), shares=shares, D=D, unique=unique)
    runs = MixtureRuns(
        points=points, losses=(losses * np.exp(0.001 * rng.standard_normal(60)))[:, None], domains=("loss",)
    )
    found = fit_mixtures("effective_tokens", runs, draws=80, hold_out=False)
    star = found.repetition(np.ones(1))
    assert star is not None
    low, high = np.quantile(star[1], [0.05, 0.95])
    assert low < 4.0 < high < 15.4
    assert fit_mixtures("effective_tokens", made(), draws=2, hold_out=False).repetition(np.ones(2) / 2) is None


def with_floors(floors: tuple[float, float, float]) -> MixtureRuns:
    """Runs at two sizes and four budgets whose irreducible loss is ``floors`` by share."""
    x = points(96, seed=5, scales=True)
    rng = np.random.default_rng(6)
    assert x.N is not None
    assert x.D is not None
    tokens = x.shares * x.D[:, None] / 5e9
    total = np.exp(-1.0) + sum(w * tokens[:, i] ** g for i, (w, g) in enumerate(((0.6, 0.6), (1.5, 0.7), (0.1, 0.5))))
    losses = x.shares @ np.array(floors) + 0.3 * (x.N / 3e8) ** -0.3 + total**-0.5
    noisy = losses * np.exp(0.002 * rng.standard_normal((2, len(x))))
    return MixtureRuns(points=x, losses=noisy.T, domains=("wiki", "books"))


def test_sources_with_floors_of_their_own_are_told_by_what_is_held_out() -> None:
    laws, apart = ["effective_tokens", "effective_tokens_floors"], with_floors((1.5, 1.9, 2.3))
    assert compare_mixtures(apart, laws).winner == "effective_tokens_floors"
    found = fit_mixtures("effective_tokens_floors", apart, draws=0)
    web, hq, qa = (float(np.exp(found.theta[0, found.names.index(f"log E_{name}")])) for name in SOURCES)
    assert web < hq < qa
    assert hq - web == pytest.approx(0.4, abs=0.2)
    alike = compare_mixtures(with_floors((1.7, 1.7, 1.7)), laws)
    assert alike.winner == "effective_tokens", "the simpler one where both are as good"
