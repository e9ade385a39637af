"""What rounding may change, and which of equals is taken: the same on every processor.

The same formula run with other vector instructions (AVX2, AVX-512) differs in its last bit, and a fitted loss by up to
1e-12 of it. What is less than :data:`ROUNDING` is therefore zero, and values nearer to each other than that are equal.
It is a millionth of the seed noise of any training run. The quantities compared with it (losses in nats per token,
their differences and relative errors, shares, exponents) are of order one.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ROUNDING = 1e-9
JITTER = 1e-10  # of each variance: what rounding does to the smallest eigenvalues stays far below it


def first_lowest(values: "npt.ArrayLike") -> Any:
    """Index of the first value along the last axis that is within :data:`ROUNDING` of the lowest: an int for (n,), an
    array (k,) for (k, n)."""
    import numpy as np  # here, since what only shows an interval needs none of it

    array = np.asarray(values, dtype=np.float64)
    places = (array <= array.min(axis=-1, keepdims=True) + ROUNDING).argmax(axis=-1)
    return int(places) if array.ndim == 1 else places


def symmetric_root(matrix: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    """The symmetric root (n, n) of a covariance matrix, for draws ``rng.standard_normal((d, n)) @ root``.

    An eigenvector's sign, and the turn of several with equal values, are what a processor's instructions make them;
    draws made with eigenvectors differ between machines. The symmetric root is one matrix, and with :data:`JITTER` of
    each variance added a smooth function of the given one; what has no variance has none.
    """
    import numpy as np

    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2 + np.diag(JITTER * np.diag(matrix)))
    found: npt.NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return found
