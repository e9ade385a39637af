"""Kernels, discrepancies and the bound against what is computed another way."""

import math

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.theory.bound import Bound, complexity, feature_kernel, growth, last_layer_kernel
from synthmix.theory.mmd import fourier_features, median_distance, mmd, mmd2

RNG = np.random.default_rng(0)


def test_the_last_layers_kernel_is_the_product_of_its_gradients() -> None:
    import torch

    hidden, targets, V = RNG.standard_normal((6, 4)), np.array([0, 1, 2, 1, 0, 4]), 5
    weight = torch.zeros((V, 4), dtype=torch.float64, requires_grad=True)
    gradients = []
    for h, y in zip(hidden, targets, strict=True):
        logits = weight @ torch.from_numpy(h)
        (gradient,) = torch.autograd.grad(logits[y] - logits.mean(), weight)
        gradients.append(gradient.flatten().numpy())
    kernel = last_layer_kernel(hidden, targets, V)
    np.testing.assert_allclose(kernel, feature_kernel(np.array(gradients)), atol=1e-12)
    across = last_layer_kernel(hidden, targets, V, (hidden[:2], targets[:2]))
    np.testing.assert_allclose(across, kernel[:, :2])


def test_complexity_is_small_for_what_the_kernel_expresses() -> None:
    features = RNG.standard_normal((300, 10))
    kernel = feature_kernel(features)
    easy, hard = features @ RNG.standard_normal(10), RNG.standard_normal(300)
    easy *= np.linalg.norm(hard) / np.linalg.norm(easy)
    assert complexity(kernel, easy) < 0.01 * complexity(kernel, hard)
    direct = hard @ np.linalg.inv(kernel / np.trace(kernel) * 300 + 0.1 * np.eye(300)) @ hard
    assert complexity(kernel, hard, ridge=0.1) == pytest.approx(direct)
    assert complexity(7 * kernel, hard) == pytest.approx(complexity(kernel, hard))  # free of the kernel's scale
    assert growth(kernel, hard)[1] > 0.8  # noise costs in proportion to the samples
    assert growth(kernel, easy)[1] < 0.3
    assert complexity(np.zeros((3, 3)), np.zeros(3)) == 0
    assert complexity(np.zeros((3, 3)), np.ones(3)) == math.inf


def test_mmd_is_the_kernels() -> None:
    x, y = RNG.standard_normal((200, 3)), RNG.standard_normal((150, 3)) + 1
    width = 1.7

    def gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * width**2))

    exact = (gram(x, x).sum() - 200) / (200 * 199) + (gram(y, y).sum() - 150) / (150 * 149) - 2 * gram(x, y).mean()
    assert mmd2(x, y, bandwidth=width, features=20_000) == pytest.approx(exact, abs=0.01)
    assert mmd(x, y) > 5 * mmd(x, RNG.standard_normal((150, 3)))
    near = fourier_features(x, width, features=20_000)
    np.testing.assert_allclose((near @ near.T)[:5, :5], gram(x, x)[:5, :5], atol=0.04)


def test_mmd_of_equal_distributions_is_nought_on_average() -> None:
    values = [mmd2(RNG.standard_normal((50, 2)), RNG.standard_normal((50, 2)), seed=seed) for seed in range(60)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(60)


def test_the_median_distance() -> None:
    assert median_distance(np.array([[0.0], [3.0]])) == 3
    assert median_distance(np.zeros((4, 2))) == 1


def test_the_bound_is_the_sum_of_its_terms() -> None:
    found = Bound(0.25, 1e4, 2.0, 1.0, 0.1, 0.5, 30.0, 0.5, delta=0.1, eps=0.01)
    assert found.terms == pytest.approx(
        {
            "empirical_natural": 0.5,
            "empirical_synthetic": 0.75,
            "discrepancy_natural": 0.025,
            "discrepancy_synthetic": 0.375,
            "complexity": math.sqrt(30 * 100 / 1e4),
            "confidence": math.sqrt(2 * 0.75 * math.log(80) / 1e4),
            "eps": 0.01,
        }
    )
    assert found.total == pytest.approx(sum(found.terms.values()))
    more = found.at(n=1e6)
    assert more.total < found.total
    assert more.terms["empirical_natural"] == found.terms["empirical_natural"]
    assert found.at(pi=1.0).terms["discrepancy_synthetic"] == 0


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"pi": -0.1}, "pi"), ({"pi": 1.2}, "pi"), ({"n": 0}, "n"), ({"n": math.inf}, "n"), ({"delta": 1}, "delta"),
        ({"delta": 0}, "delta"), ({"loss_natural": -1}, "loss_natural"), ({"far_synthetic": math.nan}, "far_synthetic"),
    ],
)  # fmt: skip
def test_bounds_that_cannot_be(changes: dict[str, float], key: str) -> None:
    fine = {"pi": 0.5, "n": 100, "loss_natural": 1, "loss_synthetic": 1, "far_natural": 0, "far_synthetic": 0,
            "amount": 1, "power": 0}  # fmt: skip
    with pytest.raises(BadInput, match=f"bound: {key}: "):
        Bound(**{**fine, **changes})
