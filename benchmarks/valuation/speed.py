"""The NTK score at n = 2,000 from every parameter's gradient, item by item, against the features that scores use.

sqrt(y' (Theta_0 + ridge I)^-1 y / n) of 16 datasets of 2,000 generated digits each, of one model at initialization.
Exact: torch.func's vmap(grad), the n x n kernel of these gradients, and a Cholesky factor of it in float64.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.valuation.baselines.exact_gradients import exact_gradients
from benchmarks.valuation.baselines.exact_kernel import factors, tangent_kernel
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks.images import GENERATORS, NOISES, sources
from synthmix.valuation.gradients import gradients_for
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.complexity import Complexity
from synthmix.valuation.terms.term import add

SIZE, COUNT, RIDGE = 2000, 16, 1e-2


# label, kind of gradients, columns, items read of a set
RIVALS = (
    ("projected, every linear layer, 1,024 wide", "projected", 1024, None),
    ("projected, every linear layer, 256 wide", "projected", 256, None),
    ("last layer, factorised", "last", 4096, None),
    ("last layer, factorised, 512 items", "last", 4096, 512),
)
NETS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("convolutional, that of the truth", {}),
    ("perceptron, two layers of 256", {"network": "perceptron", "hidden": (256, 256)}),
    ("perceptron, two layers of 512", {"network": "perceptron", "hidden": (512, 512)}),
)


def tables(names: Sequence[str]) -> Iterator[str]:
    """Seconds a dataset and the rank correlation with the exact score, by network."""
    found = sources(SIZE)
    reference = Pool.of("reference", found["reference"].items, found["reference"].labels)
    pools = [contribute(recipe, found, NOISES).pool for recipe in _recipes()]
    yield f"## Speed: NTK score of {COUNT} datasets of {SIZE:,} items\n"
    for label, made in NETS:
        learner = ClassifierLearner(**made).fit(reference)
        model = learner.initial(0)
        weights = sum(each.numel() for each in model.parameters())
        rows = _rows(learner, model, reference, pools)
        headers = ["gradients", "seconds a dataset", "times as fast", "rank correlation with exact"]
        yield f"{label} ({weights:,} weights)\n\n" + markdown_table(headers, rows) + "\n"


def _rows(learner: Any, model: Any, reference: Pool, pools: list[Pool]) -> list[list[str]]:
    from scipy.stats import spearmanr

    scale = _mean_square(exact_gradients(learner, model, reference.take(512)))
    exact, slow = _timed(lambda pool: _exact_score(learner, model, scale, pool), pools)
    rows = [["exact, every parameter", f"{slow:.2f}", "1", "1"]]

    def row(label: str, score: Callable[[Pool], float]) -> None:
        scores, seconds = _timed(score, pools)
        rows.append([label, f"{seconds:.3f}", f"{slow / seconds:.1f}", f"{spearmanr(exact, scores)[0]:.3f}"])

    row("exact, factorised by layer", lambda pool: _factorised_score(learner, model, scale, pool))
    for label, kind, width, most in RIVALS:
        gradients = gradients_for(learner, model, kind=kind, width=width)  # type: ignore[arg-type]
        term = Complexity(gradients, ridge=RIDGE, most=most)
        term.fit(reference)
        row(label, partial(_term_score, term))
    return rows


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
    batch = pool.all()
    phi = exact_gradients(learner, model, batch)
    return _energy(learner, model, (phi @ phi.T).astype(np.float64) / scale, batch)


def _factorised_score(learner: Any, model: Any, scale: float, pool: Pool) -> float:
    batch = pool.all()
    return _energy(learner, model, tangent_kernel(factors(learner, model, batch)) / scale, batch)


def _energy(learner: Any, model: Any, kernel: np.ndarray, batch: Batch) -> float:
    import torch
    from scipy.linalg import cho_factor, cho_solve

    with torch.no_grad():
        residuals = 1 - learner.outputs(model, batch).double().cpu().numpy()
    kernel[np.diag_indices(len(kernel))] += RIDGE
    return float(np.sqrt(residuals @ cho_solve(cho_factor(kernel), residuals) / len(residuals)))
