"""Our MMD, discrepancy and LAVA against geomloss's kernel and Sinkhorn losses."""

from typing import Any

import numpy as np

from benchmarks.valuation.comparison import Comparison, digits, timed
from synthmix.theory.mmd import median_distance
from synthmix.valuation.encoding import Encoded, encoder_for
from synthmix.valuation.methods.featured import SCALES, Lava, Mmd
from synthmix.valuation.pool import Pool
from synthmix.valuation.summary import summarise
from synthmix.valuation.terms.discrepancy import WIDTHS, Discrepancy


def mmd() -> Comparison:
    """The baseline, whose kernels are exact: equal to the last digits."""
    reference, pools = digits()
    method = Mmd().fit(reference)
    ours, mine = timed(lambda: [method.score(pool).terms["mmd2"] for pool in pools])
    x = method.reference.x
    theirs, other = timed(lambda: [_unbiased(_encoded(method, p), x, method.bandwidth, SCALES) for p in pools])
    return Comparison(
        "baseline mmd, SamplesLoss('gaussian') without its diagonals",
        np.array(ours), np.array(theirs), (mine, other))  # fmt: skip


def discrepancy() -> Comparison:
    """The term of our score, whose kernels are random features."""
    reference, pools = digits()
    encoder = encoder_for(reference)
    term = Discrepancy(Encoded(encoder), conditional=False)
    term.fit(reference)
    ours, mine = timed(lambda: [term.squared(summarise(pool, [term]).total(term.name)) for pool in pools])
    x = encoder.encode(reference.all().items).astype(float)
    bandwidth = median_distance(x)
    theirs, other = timed(
        lambda: [_unbiased(encoder.encode(p.all().items).astype(float), x, bandwidth, WIDTHS) for p in pools]
    )
    return Comparison(
        "term discrepancy (no labels), the same",
        np.array(ours), np.array(theirs), (mine, other), "512 random features a kernel")  # fmt: skip


def transport() -> Comparison:
    """LAVA without labels; geomloss blurs, and its cost is half the square."""
    reference, pools = (_bare(each) for each in (digits()[0], digits()[1]))
    method = Lava().fit(reference)
    ours, mine = timed(lambda: [method.score(pool).terms["transport"] for pool in pools])
    loss = _sinkhorn()
    x = method.reference.x / method.bandwidth
    theirs, other = timed(
        lambda: [2 * float(loss(_tensor(_encoded(method, p) / method.bandwidth), _tensor(x))) for p in pools]
    )
    return Comparison(
        "baseline lava without labels, SamplesLoss('sinkhorn', debias=False)",
        np.array(ours), np.array(theirs), (mine, other), "an entropic term of .05 median distances")  # fmt: skip


def documents() -> Comparison:
    """LAVA's values of single items: both sides' dual potentials, calibrated."""
    reference, pools = (_bare(each) for each in (digits()[0], digits()[1]))
    method, pool = Lava().fit(reference), pools[3]
    ours, mine = timed(lambda: method.documents(pool))
    sides = _tensor(_encoded(method, pool) / method.bandwidth), _tensor(method.reference.x / method.bandwidth)
    potential, other = timed(lambda: 2 * _sinkhorn(potentials=True)(*sides)[0].numpy().reshape(-1))
    theirs = -(potential - (potential.sum() - potential) / (len(potential) - 1))
    return Comparison("lava's values of items, its potentials", ours, theirs, (mine, other), "the same")


def _unbiased(x: np.ndarray, y: np.ndarray, bandwidth: float, scales: tuple[float, ...]) -> float:
    """Their loss is half of the biased estimate; a side of no weight leaves the other side's own part."""
    from geomloss import SamplesLoss

    (n, m), (a, b), found = (len(x), len(y)), (_tensor(x), _tensor(y)), []
    ones = [_tensor(np.full(size, 1 / size)) for size in (n, m)]
    for scale in scales:
        loss = SamplesLoss("gaussian", blur=scale * bandwidth, backend="tensorized")
        both = 2 * float(loss(ones[0], a, ones[1], b))
        mine, other = 2 * float(loss(ones[0], a, 0 * ones[1], b)), 2 * float(loss(0 * ones[0], a, ones[1], b))
        between = (mine + other - both) / 2
        found.append((n * mine - 1) / (n - 1) + (m * other - 1) / (m - 1) - 2 * between)
    return float(np.mean(found))


def _sinkhorn(**options: Any) -> Any:
    from geomloss import SamplesLoss

    return SamplesLoss("sinkhorn", p=2, blur=0.05, scaling=0.9, debias=False, backend="tensorized", **options)


def _encoded(method: Any, pool: Pool) -> np.ndarray:
    return np.asarray(method.encoder.encode(pool.all().items), dtype=float)


def _bare(held: Any) -> Any:
    """Without labels."""
    return [_bare(pool) for pool in held] if isinstance(held, list) else Pool.of(held.name, held.all().items)


def _tensor(x: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))


COMPARISONS = (mmd, discrepancy, transport, documents)
