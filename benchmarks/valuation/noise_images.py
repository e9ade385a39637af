"""What can befall images (n, 8, 8) with values in [0, 1]."""

import numpy as np


def noisy(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of a third of the range."""
    return np.clip(images + rng.normal(0, 0.33, images.shape), 0, 1).astype(images.dtype)


def blurred(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur of 1.2 pixels."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(images, (0, 1.2, 1.2)), dtype=images.dtype)


def occluded(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A square of 4 x 4 pixels at zero."""
    made = images.copy()
    for at, (row, column) in enumerate(rng.integers(0, 5, (len(images), 2))):
        made[at, row : row + 4, column : column + 4] = 0
    return made


def shifted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two pixels up, down, left or right; what leaves on one side is lost."""
    made = np.zeros_like(images)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    for at, (row, column) in enumerate(np.array([(0, 2), (4, 2), (2, 0), (2, 4)])[rng.integers(0, 4, len(images))]):
        made[at] = padded[at, row : row + images.shape[1], column : column + images.shape[2]]
    return made


def inverted(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Dark for light."""
    return 1 - images
