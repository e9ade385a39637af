"""Formulas and libraries of baselines against brute force on tiny cases."""

from collections.abc import Callable
from itertools import combinations, permutations
from math import comb

import numpy as np
import pytest
from benchmarks.valuation.baselines.exact_gradients import exact_gradients
from benchmarks.valuation.baselines.influence import LoGra, TracIn
from benchmarks.valuation.baselines.retrain import leave_one_out, shapley
from benchmarks.valuation.baselines.tangent_kernels import Davinz, Deviation
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm

from synthmix.valuation.encoding import ArrayEncoder
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.methods.baseline import Result
from synthmix.valuation.methods.featured import SCALES, ConditionalMmd, KnnShapley, Lava, Mmd, unbiased
from synthmix.valuation.methods.influence import RIDGE, lasso
from synthmix.valuation.pool import Pool


def cloud(count: int, seed: int, shift: float = 0.0) -> Pool:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    x = rng.standard_normal((count, 3)) + labels[:, None] + shift
    return Pool.of(f"cloud {seed}", x.astype(np.float32), labels)


@pytest.fixture(scope="module")
def reference() -> Pool:
    return cloud(16, 0)


@pytest.fixture(scope="module")
def pool() -> Pool:
    return cloud(16, 1, shift=0.3)


@pytest.fixture(scope="module")
def learner(reference: Pool) -> ClassifierLearner:
    return ClassifierLearner(hidden=(4,), least=30, epochs=1).fit(reference)


def rows(reference: Pool, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    encoder = ArrayEncoder().fit(reference)
    mine, theirs = (np.asarray(encoder.encode(each.all().items), dtype=np.float64) for each in (pool, reference))
    return mine, theirs


def kernel(a: np.ndarray, b: np.ndarray, bandwidth: float) -> float:
    return float(np.mean([np.exp(-np.sum((a - b) ** 2) / (2 * (s * bandwidth) ** 2)) for s in SCALES]))


@pytest.mark.parametrize("method", [Mmd, ConditionalMmd])
def test_mmd_is_the_sum_over_pairs(reference: Pool, pool: Pool, method: type[Mmd]) -> None:
    fitted = method().fit(reference)
    x, y = rows(reference, pool)
    a, b = pool.all().labels, reference.all().labels

    def k(one: np.ndarray, other: np.ndarray, same: bool) -> float:
        return kernel(one, other, fitted.bandwidth) * (same or method is Mmd)

    pairs = [(i, j) for i in range(16) for j in range(16)]
    own = sum(k(x[i], x[j], a[i] == a[j]) + k(y[i], y[j], b[i] == b[j]) for i, j in pairs if i != j) / (16 * 15)
    between = sum(k(x[i], y[j], a[i] == b[j]) for i, j in pairs) / 16**2
    assert fitted.score(pool).terms["mmd2"] == pytest.approx(own - 2 * between)


def test_the_unbiased_estimate_of_equal_distributions_is_zero_on_average(reference: Pool) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        x, y = rng.standard_normal((2, 10, 2))
        gram = np.exp(-((np.concatenate([x, y])[:, None] - np.concatenate([x, y])[None]) ** 2).sum(-1))
        found.append(unbiased(gram[:10, :10], gram[10:, 10:], gram[:10, 10:]))
    assert abs(np.mean(found)) < 3 * np.std(found) / 20


def test_transport_is_the_best_matching_and_its_potentials_are_its_slopes(reference: Pool, pool: Pool) -> None:
    method = Lava().fit(reference)
    x, y = rows(reference, pool)
    a, b = pool.all().labels, reference.all().labels
    feature = ((x[:, None] - y[None]) ** 2).sum(-1) / method.bandwidth**2

    def between(i: int, j: int) -> float:
        """Of two classes of unlike size: each item as often as the other class has items, then the best matching."""
        cost = feature[np.ix_(a == i, b == j)]
        wide = np.repeat(np.repeat(cost, cost.shape[1], axis=0), cost.shape[0], axis=1)
        return float(wide[linear_sum_assignment(wide)].mean())

    cost = feature + np.array([[between(i, j) for j in b] for i in a])
    best = float(cost[linear_sum_assignment(cost)].mean())
    assert method.score(pool).terms["transport"] == pytest.approx(best)
    values = method.documents(pool)
    assert values.sum() == pytest.approx(0, abs=1e-9), "calibrated gradients add up to nothing"
    far = Pool.of("far", np.concatenate([pool.all().items, [[9.0, -9.0, 9.0]]]).astype(np.float32), [*a, 0])
    assert method.documents(far).argmin() == 16, "the outlier is the least worth"


def test_knn_shapley_is_the_mean_marginal_contribution(reference: Pool) -> None:
    pool = cloud(7, 3)
    method = KnnShapley().fit(reference)
    x, y = rows(reference, pool)
    a, b = pool.all().labels, reference.all().labels
    distance = ((y[:, None] - x[None]) ** 2).sum(-1)

    def utility(chosen: tuple[int, ...]) -> float:
        return float(np.mean([
            sum(a[i] == b[j] for i in sorted(chosen, key=lambda i: distance[j, i])[:5]) / 5 for j in range(len(b))
        ]))  # fmt: skip

    expected = np.zeros(7)
    for i in range(7):
        others = [j for j in range(7) if j != i]
        for size in range(7):
            for chosen in combinations(others, size):
                expected[i] += (utility((*chosen, i)) - utility(chosen)) / (7 * comb(6, size))
    assert method.documents(pool) == pytest.approx(expected)
    assert method.score(pool).value == pytest.approx(utility(tuple(range(7))))


def test_shapley_and_leave_one_out_of_a_small_game() -> None:
    worth = {frozenset(s): v for s, v in [((), 0), ((0,), 1), ((1,), 2), ((2,), 0), ((0, 1), 4), ((0, 2), 1)]}
    worth |= {frozenset({1, 2}): 5, frozenset({0, 1, 2}): 6}
    exact_values = np.zeros(3)
    for order in permutations(range(3)):
        for at, i in enumerate(order):
            exact_values[i] += (worth[frozenset(order[: at + 1])] - worth[frozenset(order[:at])]) / 6
    found = shapley(3, lambda which: worth[which], permutations=3000, seed=1)
    assert found == pytest.approx(exact_values, abs=0.06)
    assert found.sum() == pytest.approx(6)
    assert leave_one_out(3, lambda which: worth[which]) == pytest.approx([1, 5, 2])


def test_truncation_saves_utilities_that_are_near_that_of_all() -> None:
    calls: list[frozenset[int]] = []

    def utility(which: frozenset[int]) -> float:
        calls.append(which)
        return float(bool(which))

    found = shapley(6, utility, permutations=5, tolerance=0.01)
    assert found.sum() == pytest.approx(1)
    assert len(calls) == len(set(calls)) <= 2 + 5, "none, all, and one single candidate an order"


@pytest.mark.parametrize("penalty", [1e-2, 0.2])
def test_the_weights_of_kernel_mean_matching_are_optimal(penalty: float) -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    rows = rng.standard_normal((5, 8))
    kernel, target = rows @ rows.T, rows @ rng.standard_normal(8)

    def objective(b: np.ndarray) -> float:
        plus, minus = b[:5], b[5:]
        w = plus - minus
        return float(w @ kernel @ w / 2 + RIDGE * w @ w / 2 - target @ w + penalty * b.sum())

    best = minimize(objective, np.full(10, 0.1), bounds=[(0, None)] * 10, tol=1e-14)
    found = lasso(kernel, target, penalty)
    assert found == pytest.approx(best.x[:5] - best.x[5:], abs=1e-3)


def test_davinz_is_its_formula(reference: Pool, pool: Pool, learner: ClassifierLearner) -> None:
    method = Davinz(learner=learner, width=10**6, kappa=0.7).fit(reference)
    batch, model = pool.all(), learner.initial(0)
    phi = exact_gradients(learner, model, batch).astype(np.float64)
    theta = phi @ phi.T
    theta = theta / np.trace(theta) * 16 + 1e-3 * np.eye(16)
    residual = 1 - learner.outputs(model, batch).detach().double().numpy()
    inside = np.sqrt(residual @ np.linalg.inv(theta) @ residual / 16)
    score = method.score(pool)
    assert score.terms["complexity"] == pytest.approx(inside, rel=1e-3)
    assert score.value == pytest.approx(-0.7 * inside + Mmd().fit(reference).score(pool).value, rel=1e-3)


def test_a_reference_is_halved_at_random(reference: Pool, learner: ClassifierLearner) -> None:
    held = reference.all()
    alternating = Pool.of("alternating", held.items, np.arange(16) % 2)
    method = LoGra(learner=learner).fit(alternating)
    taught, asked = method.train_half.all(), method.queries
    assert len(taught) == len(asked) == 8
    assert {row.tobytes() for row in [*taught.items, *asked.items]} == {row.tobytes() for row in held.items}
    assert set(taught.labels) == set(asked.labels) == {0, 1}


def test_logra_is_the_damped_newton_product(reference: Pool, pool: Pool, learner: ClassifierLearner) -> None:
    method = LoGra(learner=learner, width=10**6, on="reference").fit(reference)
    model = learner.train(method.train_half, seed=0)
    batches = (method.train_half.all(), pool.all(), method.queries)
    rows, mine, theirs = (exact_gradients(learner, model, batch, of="loss") for batch in batches)
    fisher = rows.T @ rows / len(rows)
    fisher = fisher + 0.1 * np.trace(fisher) / len(fisher) * np.eye(len(fisher))
    expected = mine @ np.linalg.inv(fisher) @ theirs.mean(axis=0)
    assert method.documents(pool) == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert method.score(pool).value == pytest.approx(expected.mean(), rel=1e-3, abs=1e-4)


def test_tracin_adds_up_products_along_the_way(reference: Pool, pool: Pool, learner: ClassifierLearner) -> None:
    method = TracIn(learner=learner, width=10**6).fit(reference)
    expected = np.zeros(16)
    for at in learner.path(pool, seed=0, stops=4):
        mine, theirs = (exact_gradients(learner, at.model, batch, of="loss") for batch in (pool.all(), method.queries))
        expected += at.rate * (mine @ theirs.mean(axis=0))
    assert method.documents(pool) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_deviation_is_the_distance_of_two_ridge_regressions(
    reference: Pool, pool: Pool, learner: ClassifierLearner
) -> None:
    method = Deviation(learner=learner, width=10**6).fit(reference)
    model, weights = learner.initial(0), []
    for batch in (pool.all(), method.queries):
        phi = exact_gradients(learner, model, batch).astype(np.float64)
        residual = 1 - learner.outputs(model, batch).detach().double().numpy()
        ridge = 1e-2 * np.trace(phi.T @ phi) / phi.shape[1] * np.eye(phi.shape[1])
        weights.append(np.linalg.solve(phi.T @ phi + ridge, phi.T @ residual))
    assert method.score(pool).terms["deviation"] == pytest.approx(np.linalg.norm(weights[0] - weights[1]), rel=1e-2)


def test_a_candidate_of_the_reference_itself_has_no_distance(reference: Pool) -> None:
    make: list[Callable[[], Mmd | Lava]] = [Mmd, ConditionalMmd, Lava]
    for method in make:
        fitted = method().fit(reference)
        assert fitted.score(reference).value >= fitted.score(cloud(16, 9, shift=1.0)).value
    assert Lava().fit(reference).score(reference).value == pytest.approx(
        -np.sqrt(Lava().fit(reference).score(reference).terms["transport"])
    )


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_a_mean_over_documents_has_the_normal_interval_of_a_mean_at_the_level(level: float) -> None:
    each = np.random.default_rng(0).normal(3, 2, 40)
    held = Result(each.mean(), each=each).interval(level)
    assert held is not None
    ends = norm.interval(level, each.mean(), each.std(ddof=1) / 40**0.5)
    assert (held.low, held.high) == pytest.approx(ends, rel=1e-12)
    assert (held.mid, held.level, held.covers) == (each.mean(), level, "sampling")
    assert Result(1.0).interval(level) is Result(1.0, each=each[:1]).interval(level) is None
