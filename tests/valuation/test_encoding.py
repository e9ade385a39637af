"""The text encoder's directions against a singular value decomposition of the whole matrix."""

import numpy as np
import pytest

from synthmix.valuation.encoding import TextEncoder, half
from synthmix.valuation.pool import Pool

pytestmark = pytest.mark.smoke

WORDS = np.array(["rain", "sun", "wind", "snow", "sea", "hill", "road", "tree", "bird", "stone", "fire", "cloud"])


def texts(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=12)) for _ in range(count)]


def test_directions_are_the_leading_singular_vectors() -> None:
    reference = texts(60, 0)
    encoder = TextEncoder(width=8).fit(Pool.of("reference", reference))
    fitted = [text for text, fits in zip(reference, half(60), strict=True) if fits]
    dense = encoder._weights.transform(encoder._grams.counts(fitted)).toarray()
    leading = np.linalg.svd(dense, full_matrices=False)[2][:8]
    others = texts(20, 1)
    rows = encoder._weights.transform(encoder._grams.counts(others)).toarray() @ leading.T
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = encoder.encode(others)
    assert made.shape == (20, 8)
    # directions are known up to their signs: products of rows are what every term uses
    np.testing.assert_allclose(made @ made.T, rows @ rows.T, atol=1e-5)


def test_what_the_reference_never_says_has_no_feature() -> None:
    encoder = TextEncoder(width=8).fit(Pool.of("reference", texts(40, 0)))
    strange, mixed, plain = encoder.encode(["xylophone quartet", "rain quartet sun", "rain sun"])
    assert not strange.any()
    assert np.linalg.norm(mixed) == pytest.approx(1, abs=1e-5)
    assert mixed @ plain > 0.5


def test_equal_texts_leave_one_direction() -> None:
    encoder = TextEncoder(width=8).fit(Pool.of("reference", ["rain sun wind"] * 10))
    assert encoder.encode(["rain sun wind"]).shape == (1, 1)
