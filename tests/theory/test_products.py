"""A row's product does not depend on the rows beside it, to the last bit, and is as near as one of float32."""

import numpy as np
import pytest

from synthmix.theory.mmd import fourier_features
from synthmix.theory.products import ExactProduct, rounded


@pytest.mark.parametrize("columns", [1, 7, 256, 3000])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e12])
def test_rows_alone_and_together(columns: int, size: float) -> None:
    rng = np.random.default_rng(columns)
    rows = (size * rng.normal(size=(67, columns)) ** 3).astype(np.float32)
    matrix = rng.normal(size=(columns, 33))
    product = ExactProduct(matrix)
    whole = product(rows)
    for cut in (slice(1), slice(5, 6), slice(3, 20), slice(20, 67)):
        np.testing.assert_array_equal(product(rows[cut]), whole[cut])
    np.testing.assert_array_equal(product(rows[::-1])[::-1], whole)
    exact = rows.astype(np.longdouble) @ matrix.astype(np.longdouble)
    norms = np.linalg.norm(rows.astype(float), axis=1)[:, None] * np.linalg.norm(matrix, axis=0)
    # each factor is off by 2^-27 of twice its norm at most in each of its columns
    assert (np.abs(whole - exact) <= 2 * 2.0**-26 * np.sqrt(columns) * norms).all()


def test_the_order_of_a_sum_does_not_matter() -> None:
    """Columns in another order: no partial sum was rounded."""
    rng = np.random.default_rng(0)
    rows, matrix, order = rng.normal(size=(20, 900)), rng.normal(size=(900, 5)), rng.permutation(900)
    np.testing.assert_array_equal(ExactProduct(matrix)(rows), ExactProduct(matrix[order])(rows[:, order]))


def test_rows_of_zeros() -> None:
    np.testing.assert_array_equal(ExactProduct(np.eye(3))(np.zeros((2, 3))), 0)
    np.testing.assert_array_equal(ExactProduct(np.zeros((3, 2)))(np.ones((2, 3))), 0)


def test_random_features_of_a_row_alone() -> None:
    x = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    whole = fourier_features(x, 3.0, features=90)
    for at in range(50):
        np.testing.assert_array_equal(fourier_features(x[at : at + 1], 3.0, features=90)[0], whole[at])


def test_rounded_numbers_add_up_in_any_order() -> None:
    x = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    held = rounded(x, 18)
    assert held.dtype == np.float32
    assert np.abs(held - x).max() <= 2.0**-19
    sums = {held[np.random.default_rng(i).permutation(len(x))].cumsum(dtype=float)[-1] for i in range(5)}
    assert len(sums) == 1
