import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Constant, Inputs, Law, Power
from synthmix.scaling.laws import find


def example(law: Law, seed: int = 0) -> tuple[np.ndarray, Inputs]:
    """Parameters in the middle of their search and points in the fitter's units (around 1)."""
    rng = np.random.default_rng(seed)
    theta = []
    for q in law.parameters:
        low, high = (0.5, 2.0) if q.linear else q.start
        theta.append(float(np.exp(rng.uniform(np.log(low), np.log(high)))) if low > 0 else rng.uniform(low, high))
    D = np.exp(rng.uniform(-2.5, 2.5, 40))
    x = Inputs(
        N=np.exp(rng.uniform(-2.5, 2.5, 40)), D=D, share=np.r_[0.0, 1.0, rng.uniform(0.01, 0.99, 38)],
        unique=D * rng.choice([1.0, 0.5, 0.1, 0.03], 40), quality=rng.uniform(0.3, 1.5, 40),
    )  # fmt: skip
    return np.array(theta), x


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("seed", range(4))
def test_the_jacobian_is_the_derivative(name: str, seed: int) -> None:
    law = find(name)
    theta, x = example(law, seed)
    exact = law.jacobian(theta, x)
    assert exact.shape == (40, len(law.names))
    for k, name in enumerate(law.names):
        step = 1e-6 * max(abs(theta[k]), 0.1)
        up, down = theta.copy(), theta.copy()
        up[k], down[k] = theta[k] + step, theta[k] - step
        numeric = (law.predict(up, x) - law.predict(down, x)) / (2 * step)
        # Central differences of O(1) losses: 1e-16 / 1e-7 of rounding, and a kink (epochs = 1) never straddled.
        np.testing.assert_allclose(exact[:, k], numeric, rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("name", LAWS)
def test_linear_parameters_are_linear(name: str) -> None:
    law = find(name)
    theta, x = example(law)
    value, slopes = law.evaluate(theta, x)
    for k in np.flatnonzero(law.linear):
        moved = theta.copy()
        moved[k] += 3.0
        np.testing.assert_allclose(law.predict(moved, x), value + 3.0 * slopes[k], rtol=1e-10)


@pytest.mark.parametrize("name", LAWS)
def test_units_change_parameters_and_not_predictions(name: str) -> None:
    law = find(name)
    theta, x = example(law)
    for k, q in enumerate(law.parameters):  # keep away from bounds that are not free of units
        theta[k] = min(theta[k], q.high)
    other = law.rescaled(theta, 1e6, 1e8)
    far = x.scaled(1e-6, 1e-8)
    np.testing.assert_allclose(law.predict(other, far), law.predict(theta, x), rtol=1e-9)


@pytest.mark.parametrize("name", LAWS)
def test_batches_agree_with_single_sets(name: str) -> None:
    law = find(name)
    sets = [example(law, seed)[0] for seed in range(3)]
    x = example(law)[1]
    batched, slopes = law.evaluate(np.array(sets), x)
    for k, theta in enumerate(sets):
        one, slope = law.evaluate(theta, x)
        np.testing.assert_allclose(batched[k], one, rtol=1e-12)
        np.testing.assert_allclose(slopes[k], slope, rtol=1e-12)
    each = law.predict_each(np.repeat(sets[0][None], len(x), axis=0), x)
    np.testing.assert_allclose(each, batched[0], rtol=1e-12)


def test_a_law_of_ones_own_is_one_line() -> None:
    law = Law("mine", (Constant(), Power("D", "B", "beta")))
    assert law.formula == "L = E + B D^-beta"
    assert law.columns == ("D",)
    np.testing.assert_allclose(law.predict([1.0, 2.0, 0.5], Inputs(D=[4.0, 16.0])), [2.0, 1.5])
    assert find(law) is law


def test_a_missing_column_and_an_unknown_name_are_named() -> None:
    with pytest.raises(BadInput, match="needs N"):
        find("chinchilla").check(Inputs(D=[1.0]))
    with pytest.raises(BadInput, match="'chinchila' is not a law"):
        find("chinchila")
