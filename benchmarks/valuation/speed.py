"""The NTK score at n = 2,000 from every parameter's gradient, item by item, against the features that scores use.

sqrt(y' (Theta_0 + ridge I)^-1 y / n) of 16 datasets of 2,000 generated digits each, of one model at initialization.
Exact: torch.func's vmap(grad), the n x n kernel in float64, and a Cholesky factor of it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.tasks.images import GENERATORS, NOISES, sources

from synthmix.markdown import markdown_table
from synthmix.valuation.gradients import Gradients, gradients_for
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.complexity import Complexity
from synthmix.valuation.terms.term import add

SIZE, COUNT, RIDGE = 2000, 16, 1e-2


def tables(names: Sequence[str]) -> Iterator[str]:
    """Seconds a dataset and the rank correlation with the exact score."""
    from scipy.stats import spearmanr

    found = sources(SIZE)
    reference = Pool.of("reference", found["reference"].items, found["reference"].labels)
    learner = ClassifierLearner().fit(reference)
    model = learner.initial(0)
    pools = [contribute(recipe, found, NOISES).pool for recipe in _recipes()]
    scale = _mean_square(Gradients(learner, model, kind="exact")(reference.take(512)))
    exact, slow = _timed(lambda pool: _exact_score(learner, model, scale, pool), pools)
    rows = [["exact, every parameter", f"{slow:.2f}", "1", "1"]]
    for label, kind, width, most in (
        ("projected, every linear layer, 1,024 wide", "projected", 1024, None),
        ("projected, every linear layer, 256 wide", "projected", 256, None),
        ("last layer, factorised", "last", 4096, None),
        ("last layer, factorised, 512 items", "last", 4096, 512),
    ):
        term = Complexity(gradients_for(learner, model, kind=kind, width=width), ridge=RIDGE, most=most)
        term.fit(reference)
        scores, seconds = _timed(lambda pool, term=term: _term_score(term, pool), pools)  # type: ignore[misc]
        rows.append([label, f"{seconds:.3f}", f"{slow / seconds:.0f}", f"{spearmanr(exact, scores)[0]:.3f}"])
    yield f"## Speed: NTK score of {COUNT} datasets of {SIZE:,} items\n"
    yield (
        markdown_table(["gradients", "seconds a dataset", "times as fast", "rank correlation with exact"], rows) + "\n"
    )


def _recipes() -> list[Recipe]:
    levels = {"size": (SIZE,), "share": (0.0,), "generator": GENERATORS}
    kinds = (("", 0.0), *((kind, strength) for kind in NOISES for strength in (0.5, 1.0)))
    return design(COUNT, levels, kinds, fixed=(), seed=4, flips=(0.0, 0.2, 0.4))


def _timed(score: Callable[[Pool], float], pools: list[Pool]) -> tuple[np.ndarray, float]:
    """Scores (n,), and the median seconds of one."""
    scores, seconds = [], []
    for pool in pools:
        began = time.perf_counter()
        scores.append(score(pool))
        seconds.append(time.perf_counter() - began)
    return np.array(scores), float(np.median(seconds))


def _term_score(term: Complexity, pool: Pool) -> float:
    sums: dict[str, np.ndarray] = {}
    for batch in [pool.take(term.most)] if term.most else pool.batches():
        sums = add(sums, term.read(batch))
    return term.value(sums)


def _mean_square(features: np.ndarray) -> float:
    return float((features.astype(np.float64) ** 2).sum(axis=1).mean())


def _exact_score(learner: Any, model: Any, scale: float, pool: Pool) -> float:
    import torch
    from scipy.linalg import cho_factor, cho_solve

    batch = pool.all()
    phi = Gradients(learner, model, kind="exact")(batch)
    with torch.no_grad():
        residuals = 1 - learner.outputs(model, batch).double().cpu().numpy()
    kernel = (phi @ phi.T).astype(np.float64) / scale
    kernel[np.diag_indices(len(kernel))] += RIDGE
    return float(np.sqrt(residuals @ cho_solve(cho_factor(kernel), residuals) / len(residuals)))
