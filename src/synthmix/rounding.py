"""What rounding may change, and which of equals is taken: the same on every processor.

The same formula run with other vector instructions (AVX2, AVX-512) differs in its last bit, and a fitted loss by up to
1e-12 of it. What is less than :data:`ROUNDING` is therefore zero, and values nearer to each other than that are equal.
It is a millionth of the seed noise of any training run. The quantities compared with it (losses in nats per token,
their differences and relative errors, shares, exponents) are of order one.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

ROUNDING = 1e-9


def first_lowest(values: "npt.ArrayLike") -> Any:
    """Index of the first value along the last axis that is within :data:`ROUNDING` of the lowest: an int for (n,), an
    array (k,) for (k, n)."""
    import numpy as np  # here, since what only shows an interval needs none of it

    array = np.asarray(values, dtype=np.float64)
    places = (array <= array.min(axis=-1, keepdims=True) + ROUNDING).argmax(axis=-1)
    return int(places) if array.ndim == 1 else places
