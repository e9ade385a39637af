"""Image classification: scikit-learn's 1,797 handwritten digits, 8 x 8 (UCI, test part of optdigits).

Random disjoint parts: 450 test, 150 reference, 350 on which generators are fitted, 847 that contributors draw from.
"""

import numpy as np

from benchmarks.valuation import generators, noise_images
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

COUNT = 32
NOISES = {
    "noise": noise_images.noisy,
    "blur": noise_images.blurred,
    "occlusion": noise_images.occluded,
    "shift": noise_images.shifted,
    "inversion": noise_images.inverted,
}
GENERATORS = ("pixels", "gaussian", "mixture", "vae-early", "vae")


def sources(count: int = 600) -> dict[str, Source]:
    """What contributors draw from (``count`` items of each generator), and ``reference`` and ``test``."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    every = Source((digits.images / 16).astype(np.float32), digits.target.astype(np.int64), natural=True)
    parts = every.split({"test": 450, "reference": 150, "generators": 350}, seed=0)
    fitted_on = parts["generators"]
    return {
        "reference": parts["reference"],
        "test": parts["test"],
        "real": parts["rest"],
        "pixels": generators.gaussian_images(fitted_on, count, directions=0, seed=1),
        "gaussian": generators.gaussian_images(fitted_on, count, directions=12, seed=2),
        "mixture": generators.mixture_images(fitted_on, count, parts=2, seed=3),
        "vae-early": generators.autoencoder_images(fitted_on, count, epochs=10, seed=4),
        "vae": generators.autoencoder_images(fitted_on, count, epochs=150, seed=5),
    }


def make() -> Task:
    """32 contributors of 100 to 600 images; truth: test accuracy of a small network."""
    found = sources()
    reference, test = found["reference"], found["test"]
    recipes = design(
        COUNT,
        {"size": (100, 200, 400, 600), "share": (0.0, 0.25, 0.5, 0.75, 1.0), "generator": GENERATORS},
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in NOISES for strength in (0.5, 1.0))),
        fixed=(
            Recipe(100, 1.0),
            Recipe(600, 1.0),
            *(Recipe(400, 0.0, generator) for generator in GENERATORS),
            Recipe(400, 1.0, flips=0.4),
            Recipe(400, 1.0, copies=4),
        ),
        seed=0,
        flips=(0.0, 0.0, 0.0, 0.2, 0.4),
    )
    return Task(
        "images",
        (Pool.of("real digits", reference.items, reference.labels, share=1),),
        tuple(contribute(recipe, found, NOISES) for recipe in recipes),
        Pool.of("held-out digits", test.items, test.labels, share=1),
        learner=_learner,
        seeds=5,
    )


def _learner() -> object:
    from synthmix.valuation.learners import ClassifierLearner

    return ClassifierLearner(most=100_000)  # the same number of passes for all
