"""Gradient features against the exact oracle, and the output layer's against its formula."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from benchmarks.valuation.baselines.exact_gradients import exact_gradients
from benchmarks.valuation.baselines.exact_kernel import factors, tangent_kernel

from synthmix.theory.bound import last_layer_kernel
from synthmix.valuation.gradients import GradientFeatures, basis, gradients_for, last_layer, projected, sides
from synthmix.valuation.learners import ClassifierLearner, LanguageLearner
from synthmix.valuation.pool import Batch, Pool

OF = ["output", "loss", "margin"]


def gram(features: np.ndarray) -> np.ndarray:
    return features.astype(np.float64) @ features.T.astype(np.float64)


def far(found: np.ndarray, expected: np.ndarray) -> float:
    """Relative error in the Frobenius norm."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.fixture(scope="module")
def images() -> tuple[ClassifierLearner, Any, Batch]:
    rng = np.random.default_rng(0)
    pool = Pool.of("images", rng.standard_normal((60, 6, 6)).astype(np.float32), rng.integers(0, 3, 60))
    learner = ClassifierLearner(hidden=(12,), least=20, epochs=1).fit(pool)
    return learner, learner.train(pool, seed=1), pool.take(20)


@pytest.fixture(scope="module")
def text(make_stories: Callable[..., list[str]]) -> tuple[LanguageLearner, Any, Batch]:
    pool = Pool.of("text", make_stories(12, words=10))
    learner = LanguageLearner(vocab=280, params=25_000, context=16).fit(pool)
    return learner, learner.initial(1), pool.take(12)


@pytest.mark.parametrize("of", OF)
def test_the_output_layers_gradient_is_the_exact_one(images: tuple[Any, Any, Batch], of: Any) -> None:
    found = last_layer(*images, of=of)
    expected = exact_gradients(*images, of=of, only=lambda name: name.startswith("head."))
    assert found.shape == (20, 3 * 13)
    assert gram(found) == pytest.approx(gram(expected), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("of", OF)
def test_every_layers_gradient_is_exact_where_nothing_is_projected(images: tuple[Any, Any, Batch], of: Any) -> None:
    found, expected = projected(*images, of=of, width=10**9), exact_gradients(*images, of=of)
    assert found.shape == expected.shape, "every weight of these networks is in a linear layer"
    assert far(gram(found), gram(expected)) < 1e-5


@pytest.mark.parametrize("of", OF)
def test_the_kernel_by_factors_is_the_exact_one(images: tuple[Any, Any, Batch], of: Any) -> None:
    """Layers with one position and with many; against itself and against other items."""
    learner, model, batch = images
    expected = gram(exact_gradients(learner, model, batch, of=of))
    mine = factors(learner, model, batch, of=of)
    assert far(tangent_kernel(mine), expected) < 1e-5
    some = factors(learner, model, batch.rows(np.arange(3, 9)), of=of)
    assert far(tangent_kernel(mine, some), expected[:, 3:9]) < 1e-5


def test_the_kernel_by_factors_in_blocks_of_outputs(
    text: tuple[Any, Any, Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner, model, batch = text
    expected = gram(projected(learner, model, batch, width=10**9))
    assert far(tangent_kernel(factors(learner, model, batch)), expected) < 1e-5
    monkeypatch.setattr("benchmarks.valuation.baselines.exact_kernel.CELLS", 5000)
    assert far(tangent_kernel(factors(learner, model, batch)), expected) < 1e-5


def test_a_layer_that_is_called_twice_adds_up(images: tuple[Any, Any, Batch]) -> None:
    import torch

    learner, _, batch = images

    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.inner, self.head = torch.nn.Linear(36, 36), torch.nn.Linear(36, 3)

        def forward(self, x: Any) -> Any:
            hidden = torch.tanh(self.inner(torch.tanh(self.inner(x.flatten(1)))))
            return self.head(hidden), hidden

    model = Twice()
    expected = gram(exact_gradients(learner, model, batch))
    assert far(tangent_kernel(factors(learner, model, batch)), expected) < 1e-5
    assert far(gram(projected(learner, model, batch, width=10**9)), expected) < 1e-5


@pytest.mark.parametrize("of", ["output", "loss"])
def test_every_layers_gradient_of_a_llama_is_exact_where_nothing_is_projected(
    text: tuple[Any, Any, Batch], of: Any
) -> None:
    learner, model, batch = text
    found = projected(learner, model, batch, of=of, width=10**9)
    table = last_layer(learner, model, batch, of=of, width=10**9)
    weights = exact_gradients(
        learner, model, batch, of=of, only=lambda name: "norm" not in name and "embed" not in name
    )
    assert far(gram(found), gram(weights) + gram(table)) < 1e-4, "layers, and the table as an output layer"


def test_projection_keeps_inner_products_and_does_so_better_when_it_is_wider(text: tuple[Any, Any, Batch]) -> None:
    expected = gram(projected(*text, width=10**9))
    errors = {}
    for width in (400, 12_000):
        made = [gram(projected(*text, width=width, seed=seed)) for seed in range(8)]
        errors[width] = np.mean([far(one, expected) for one in made])
        assert far(np.mean(made, axis=0), expected) < errors[width], "unbiased: the mean is nearer than its parts"
    assert errors[12_000] < 0.5 * errors[400]
    assert errors[12_000] < 0.35


def test_the_output_layer_projects_too(text: tuple[Any, Any, Batch]) -> None:
    expected = gram(last_layer(*text, width=10**9))
    narrow, wide = (far(gram(last_layer(*text, width=width)), expected) for width in (64, 4096))
    assert last_layer(*text, width=64).shape[1] <= 64
    assert wide < narrow
    assert wide < 0.3


def test_texts_of_one_token_have_the_kernel_of_the_output_layer(text: tuple[Any, Any, Batch]) -> None:
    learner, model, _ = text
    batch = Batch(["", "", "b"])  # an end of document each; the third has two positions
    (reading,) = learner.read(model, Batch(["", ""]), hidden=True)
    hidden, targets = reading.hidden[:, 0].numpy(force=True), reading.targets[:, 0].numpy()
    kernel = last_layer_kernel(hidden, targets, learner.tokenizer.vocab_size)
    assert gram(last_layer(learner, model, batch, width=10**9))[:2, :2] == pytest.approx(kernel, rel=1e-4)


def test_features_of_an_item_do_not_depend_on_its_company(text: tuple[Any, Any, Batch]) -> None:
    learner, model, batch = text
    for kind in ("last", "projected"):
        features = GradientFeatures(learner, model, kind, width=256)
        alone = features(Batch(batch.items[3:4]))
        assert features(batch)[3:4] == pytest.approx(alone, rel=1e-3, abs=1e-5), kind


def test_sides_fit_the_width() -> None:
    assert sides(10, 20, 200) == (10, 20)
    for outer, inner, width in ((2000, 32, 4096), (3, 10_000, 60), (500, 500, 1), (40, 40, 100)):
        left, right = sides(outer, inner, width)
        assert 1 <= left <= outer
        assert 1 <= right <= inner
        assert left * right <= width
    assert sides(2000, 32, 4096) == (128, 32), "what a short side leaves, the long one takes"


def test_a_basis_depends_on_its_key_and_seed_alone() -> None:
    one, again = basis(50, 8, "a", 0, "cpu"), basis(50, 8, "a", 0, "cpu")
    assert (one == again).all()
    assert not (one == basis(50, 8, "b", 0, "cpu")).all()
    assert not (one == basis(50, 8, "a", 1, "cpu")).all()
    assert (basis(5, 9, "a", 0, "cpu").numpy() == np.eye(5)).all()


@pytest.mark.parametrize("kind", ["last", "projected"])
def test_what_the_complexity_term_asks_for(
    images: tuple[Any, Any, Batch], text: tuple[Any, Any, Batch], kind: Any
) -> None:
    for learner, model, batch in (images, text):
        made = gradients_for(learner, model, kind=kind, width=500)(batch)
        how = last_layer if kind == "last" else projected
        assert made.features == pytest.approx(how(learner, model, batch, width=500), rel=1e-4, abs=1e-6)
        outputs = learner.outputs(model, batch).detach().numpy()
        assert made.residuals == pytest.approx(1 - outputs, rel=1e-3, abs=1e-4)
        assert made.losses == pytest.approx(learner.losses(model, batch), abs=1e-4)
