"""A bound of texts in memory with a tiny model."""

from typing import Any

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.phases.bounding import Texts, bound_of, read_texts, text_vectors

VOCAB = 200


class Text:
    """Tokens in memory."""

    def __init__(self, k: int, seed: int, count: int = 4000) -> None:
        p = np.arange(1, k + 1) ** -1.2
        self.tokens = np.random.default_rng(seed).choice(k, size=count, p=p / p.sum()).astype(np.uint16)

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.tokens[start:stop]


@pytest.fixture(scope="module")
def model() -> Any:
    from synthmix.training.model import make_model
    from synthmix.training.shape import Shape

    return make_model(Shape(32, 1, 2, 1, 64), VOCAB, 16, 0)


@pytest.fixture(scope="module")
def texts(model: Any) -> Texts:
    return read_texts(model, (Text(200, 0), Text(10, 1), Text(200, 2)), VOCAB, context=16, windows=64)


def test_the_model_is_read_at_its_own_predictions(model: Any, texts: Texts) -> None:
    import torch

    layer, rows = texts.natural.layer, texts.natural.windows
    assert layer.hidden.shape == (256, 32)
    with torch.no_grad():
        logits = model(torch.from_numpy(rows[:, :-1])).logits
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(rows[:, 1:]).flatten(),
                                               reduction="none").reshape(64, 16).numpy()  # fmt: skip
    for w in range(3):  # every sampled loss is one of its window's
        assert np.abs(layer.losses[4 * w : 4 * w + 4][:, None] - losses[w]).min(axis=1).max() < 1e-4
    tied = layer.hidden @ model.lm_head.weight.detach().numpy().T
    true = tied[np.arange(256), layer.targets] - tied.mean(axis=1)
    np.testing.assert_allclose(layer.logits, true, atol=1e-3)


def test_text_that_is_cut_is_further_away(texts: Texts) -> None:
    found = bound_of(texts, 0.5, 1e5)
    assert found.far_synthetic > 3 * found.far_natural
    assert bound_of(texts, 0.5, 1e5, kept=0.5).far_synthetic >= found.far_synthetic * 0.8
    assert bound_of(texts, 1.0, 1e5).terms["discrepancy_synthetic"] == 0
    assert found == bound_of(texts, 0.5, 1e5)  # the same again


def test_vectors_tell_texts_apart() -> None:
    near, far, other = text_vectors([np.tile(np.arange(8), (5, 1)), np.tile(np.arange(8) + 50, (5, 1)),
                                     np.tile(np.arange(8), (5, 1))])  # fmt: skip
    assert np.linalg.norm(near[0] - other[0]) < 1e-6 < np.linalg.norm(near[0] - far[0])
    (skipped,) = text_vectors([np.array([[-1, -1, 3, 4], [5, 6, -1, -1], [7, 8, 9, 10]])])
    assert np.isfinite(skipped).all()


@pytest.mark.parametrize(
    ("pi", "n", "kept", "key"), [(-1, 10, 1, "pi"), (2, 10, 1, "pi"), (0.5, 0, 1, "n"), (0.5, 10, 0, "kept")]
)
def test_what_has_no_bound(texts: Texts, pi: float, n: float, kept: float, key: str) -> None:
    with pytest.raises(BadInput, match=f"bound: {key}: "):
        bound_of(texts, pi, n, kept=kept)


def test_a_text_too_short_for_windows(model: Any) -> None:
    with pytest.raises(BadInput, match="the synthetic text: holds 20 tokens"):
        read_texts(model, (Text(200, 0), Text(10, 1, 20), Text(200, 2)), VOCAB, context=16)
