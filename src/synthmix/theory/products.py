"""Products of rows with a fixed matrix that are the same for a row whatever stands beside it, on every processor.

A BLAS orders the sums of a product by its shape and by the processor's kernels, so that in plain arithmetic a row's
result depends on how many rows are multiplied with it: statistics of parts then do not add up to those of the whole.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BITS = 26  # below the norm of a row or column that are kept: 2 x 26 of a double's 53, and one for rounding up


class ExactProduct:
    """``rows @ matrix`` for a fixed ``matrix`` (d, k).

    DERIVED: rows and columns are rounded to multiples of 2^-26 of the power of two above their norm. By Cauchy and
    Schwarz any part of the sum of their products is then below 2 in units in which each product is a multiple of
    2^-52: a double holds it exactly, in any order of summation, with and without fused operations. What is lost is
    2^-27 of the norms in each entry, less than in a product of float32.
    """

    def __init__(self, matrix: Array) -> None:
        columns, self._down = _on_grid(np.asarray(matrix, np.float64).T)
        self._matrix = np.ascontiguousarray(columns.T)

    @property
    def inputs(self) -> int:
        """d."""
        return len(self._matrix)

    def __call__(self, rows: Array) -> Array:
        """(n, k) float64 of ``rows`` (n, d) of finite values."""
        made, down = _on_grid(np.asarray(rows, np.float64))
        return np.asarray((made @ self._matrix) * down[:, None] * self._down)


def rounded(x: Array, bits: int) -> Array:
    """``x`` rounded to multiples of 2^-bits, in its own precision: sums of up to 2^(53 - bits) in float64 are exact."""
    step = x.dtype.type(2.0**bits)
    return np.asarray(np.rint(x * step) / step)


def _on_grid(rows: Array) -> tuple[Array, Array]:
    """(``rows`` (n, d) as whole numbers, the power of two (n,) by which each has to be multiplied)."""
    exponent = np.frexp(np.sqrt((rows * rows).sum(axis=1)))[1] - BITS
    return np.rint(rows * np.ldexp(1.0, -exponent)[:, None]), np.ldexp(1.0, exponent)
