"""Terms: slopes against finite differences, streaming sums against one batch, values against direct computations."""

import numpy as np
import pytest

from synthmix.theory.mmd import fourier_features
from synthmix.valuation.encoding import Encoded
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.complexity import Complexity, GradientBatch, Loss, Ntk
from synthmix.valuation.terms.counts import NATURAL, Balance, SampleSize
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.ngrams import probabilities
from synthmix.valuation.terms.ridge_transfer import RidgeTransfer
from synthmix.valuation.terms.term import COUNT, REFERENCE_BLOCKS, SQUARES, Term, add, scaled

RNG = np.random.default_rng(3)
VOCAB = 9


class Plain:
    """Arrays as they are."""

    def fit(self, reference: Pool) -> "Plain":
        return self

    def encode(self, items: np.ndarray) -> np.ndarray:
        return items

    def seen(self, items: int) -> np.ndarray:
        return np.zeros(items, bool)


def ids(batch: Batch) -> list[np.ndarray]:
    return [np.array([int(c) for c in text]) for text in batch.items]


def texts(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(map(str, rng.integers(0, VOCAB, rng.integers(1, 30)) // rng.integers(1, 4))) for _ in range(n)]


def gradients(batch: Batch) -> GradientBatch:
    features = batch.items @ np.linspace(-1, 1, batch.items.shape[1] * 6).reshape(-1, 6)
    return GradientBatch(features, np.tanh(features[:, 0]) + 0.5, features[:, 1] ** 2)


def made(kind: str) -> tuple[Term, Batch, Pool]:
    """A fitted term, a batch of candidates and the reference."""
    if kind == "ngrams":
        reference = Pool.of("reference", texts(20, 1))
        term: Term = NgramTransfer(ids, VOCAB, order=3, kappas=(2.0, 3.0, 5.0))
        batch = Batch(texts(40, 2))
    else:
        x, y = RNG.normal(size=(30, 4)), RNG.integers(0, 3, 30)
        reference = Pool.of("reference", x, y)
        batch = Batch(RNG.normal(0.3, 1, size=(50, 4)), RNG.integers(0, 3, 50))
        encode = Encoded(Plain())
        complexity = Complexity(gradients, ridge=0.1)
        complexity.fit(reference)
        term = {
            "ridge": RidgeTransfer(encode, ridges=(0.05,)),
            "discrepancy": Discrepancy(encode, features=32),
            "unconditional": Discrepancy(encode, features=32, conditional=False),
            "complexity": complexity,
            "loss": Loss(complexity),
            "balance": Balance(),
            "ntk": Ntk(complexity),
            "sample": SampleSize(),
        }[kind]
    term.fit(reference)
    return term, batch, reference


KINDS = ["ngrams", "ridge", "discrepancy", "unconditional", "complexity", "loss", "balance", "ntk", "sample"]


@pytest.mark.parametrize("kind", KINDS)
def test_slope_is_the_derivative(kind: str) -> None:
    term, batch, _ = made(kind)
    sums = term.read(batch)
    slope = term.slope(sums)
    for name, column in slope.items():
        direction = RNG.normal(size=sums[name].shape) * (np.abs(sums[name]) + 0.1)
        if name in ("A", "G"):
            direction = direction + direction.T
        step = 1e-5
        up, down = ({**sums, name: sums[name] + sign * step * direction} for sign in (1, -1))
        measured = (term.value(up) - term.value(down)) / (2 * step)
        assert (column * direction).sum() == pytest.approx(measured, rel=2e-4, abs=1e-7), name


@pytest.mark.parametrize("kind", KINDS)
def test_parts_add_up_to_the_whole(kind: str) -> None:
    term, batch, _ = made(kind)
    order = np.arange(len(batch))
    parts = [term.read(batch.rows(order[order % 3 == i])) for i in range(3)]
    whole = term.read(batch)
    for name, array in add(add(parts[0], parts[1]), parts[2]).items():
        np.testing.assert_allclose(array, whole[name], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_influence_of_items_is_the_slope_times_what_they_add(kind: str) -> None:
    term, batch, _ = made(kind)
    sums = term.read(batch)
    slope = term.slope(sums)
    each = [term.read(batch.rows(np.array([i]))) for i in range(len(batch))]
    direct = [sum(float((slope[name] * one[name]).sum()) for name in slope) for one in each]
    np.testing.assert_allclose(term.influence(slope, batch), direct, rtol=1e-6, atol=1e-9)


def test_ngram_probabilities_are_those_of_the_formula() -> None:
    """The packed, vectorised model against the recursion written out with dictionaries."""
    term, batch, reference = made("ngrams")
    assert isinstance(term, NgramTransfer)
    trained = ids(batch)
    counts: dict[tuple, int] = {}
    for doc in trained:
        for n in (1, 2, 3):
            for i in range(len(doc) - n + 1):
                key = tuple(doc[i : i + n])
                counts[key] = counts.get(key, 0) + 1
    total = sum(map(len, trained))

    def p(gram: tuple, slower: float) -> float:
        if not gram:
            return 1 / VOCAB
        kappa = slower * term.kappas[len(gram) - 1]  # type: ignore[index]
        history = counts.get(gram[:-1], 0) if len(gram) > 1 else total
        return (counts.get(gram, 0) + kappa * p(gram[1:], slower)) / (history + kappa)

    nats, tokens = np.zeros(4), 0
    for doc in ids(next(iter(reference.batches()))):
        for i in range(len(doc)):
            nats -= [np.log(p(tuple(doc[max(0, i - 2) : i + 1]), slower)) for slower in (1, 4, 16, 64)]
            tokens += 1
    assert term.value(term.read(batch)) == pytest.approx(nats.mean() / tokens, rel=1e-10)


def test_a_part_of_the_reference_left_out_is_the_rest_alone() -> None:
    """Asked again for the same sums, and for others in between."""
    term, batch, _ = made("ngrams")
    sums, others = term.read(batch), term.read(batch.rows(np.arange(10)))
    first = [term.value(sums, without=i) for i in range(REFERENCE_BLOCKS)]
    term.value(others)
    assert [term.value(sums, without=i) for i in range(REFERENCE_BLOCKS)] == first
    assert min(first) < term.value(sums) < max(first)


def test_prompts_are_history_only() -> None:
    """Of the reference only what follows the first 0 is scored, by the same model of its history."""
    reference = Pool.of("reference", ["1203", "45012", "88"])
    term = NgramTransfer(ids, VOCAB, order=3, kappas=(2.0, 3.0, 5.0), slower=(2.0,), after="0")
    term.fit(reference)
    sums = term.read(Batch(texts(40, 2)))
    whole = NgramTransfer(ids, VOCAB, order=3)
    whole.fit(reference)
    p = probabilities(whole.grams, whole.read(Batch(texts(40, 2))), np.array([4.0, 6.0, 10.0]))
    grams = {(1, 2, 0, 3): (2, 0, 3), (4, 5, 0, 1): (5, 0, 1), (0, 1, 2): (0, 1, 2), (8,): (8,), (8, 8): (8, 8)}
    nats = 0.0
    for gram in grams.values():
        order = whole.grams.orders[len(gram) - 1]
        key = whole.grams.packed([np.array(gram)], len(gram))
        nats -= float(np.log(p[len(gram) - 1][np.searchsorted(order.keys, key)[0]]))
    assert term.value(sums) == pytest.approx(nats / 5, rel=1e-12)


def test_ridge_is_the_regression_itself() -> None:
    term, batch, reference = made("ridge")
    x = np.c_[batch.items, np.ones(len(batch))]
    y = (batch.labels[:, None] == np.arange(3)).astype(float)  # type: ignore[index]
    gram = x.T @ x
    weights = np.linalg.solve(gram + 0.05 * np.trace(gram) / 5 * np.eye(5), x.T @ y)
    kept = reference.all()
    truth = (kept.labels[:, None] == np.arange(3)).astype(float)  # type: ignore[index]
    error = ((truth - np.c_[kept.items, np.ones(30)] @ weights) ** 2).sum(axis=1).mean()
    assert term.value(term.read(batch)) == pytest.approx(error, rel=1e-9)


def test_discrepancy_is_the_kernels_double_sum() -> None:
    """MMD^2 of pairs (item, label) by all pairs of the same random features' kernel."""
    term, batch, reference = made("discrepancy")
    assert isinstance(term, Discrepancy)
    kept = reference.all()
    a, b = term._map(batch.items), term._map(kept.items)

    def mean(x: np.ndarray, y: np.ndarray, lx: np.ndarray, ly: np.ndarray, own: bool) -> float:
        kernel = (x.astype(float) @ y.T) * (lx[:, None] == ly[None, :])
        return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)) if own else kernel.mean())

    la, lb = batch.labels, kept.labels
    assert la is not None
    assert lb is not None
    direct = mean(a, a, la, la, True) + mean(b, b, lb, lb, True) - 2 * mean(a, b, la, lb, False)
    # an item's product with itself is held to 2^-37
    assert term.squared(term.read(batch)) == pytest.approx(direct, abs=1e-11)


def test_random_features_come_near_the_gaussian_kernel() -> None:
    x = RNG.normal(size=(20, 5))
    made_ = fourier_features(x, 2.0, features=20_000)
    exact = np.exp(-((x[:, None] - x[None]) ** 2).sum(axis=-1) / 8)
    np.testing.assert_allclose(made_ @ made_.T, exact, atol=0.05)


def test_mixture_of_sums_is_the_discrepancy_of_the_mixture() -> None:
    """Weighted sums against the direct double sum with the items' weights."""
    term, batch, _ = made("unconditional")
    assert isinstance(term, Discrepancy)
    first, second = batch.rows(np.arange(20)), batch.rows(np.arange(20, 50))
    weights = np.r_[np.full(20, 0.7), np.full(30, 0.2)]
    mixed = add(scaled(term.read(first), 0.7), scaled(term.read(second), 0.2))
    maps = term._map(batch.items)
    kernel = maps @ maps.T * np.outer(weights, weights)
    within = (kernel.sum() - np.trace(kernel)) / (weights.sum() ** 2 - (weights**2).sum())
    mean, rest = term._parts(None)
    direct = within + rest - 2 * float((weights @ maps) @ mean[0]) / weights.sum()
    assert float(mixed[COUNT]) == pytest.approx(weights.sum())
    assert float(mixed[SQUARES]) == pytest.approx((weights**2).sum())
    assert term.squared(mixed) == pytest.approx(direct, abs=3e-7)  # float32 features, as above


def test_complexity_is_the_inverse_kernel_itself() -> None:
    """Woodbury in d features against the inverse of the n x n kernel."""
    term, batch, reference = made("complexity")
    ours, theirs = gradients(batch), gradients(reference.all())
    scale = (theirs.features**2).sum(axis=1).mean()
    kernel = ours.features @ ours.features.T / scale + 0.1 * np.eye(50)
    direct = np.sqrt(ours.residuals @ np.linalg.solve(kernel, ours.residuals) / 50)
    assert term.value(term.read(batch)) == pytest.approx(direct, rel=1e-8)


def test_balance_is_the_papers_term() -> None:
    sums = {COUNT: np.array(200.0), NATURAL: np.array(150.0)}
    assert Balance().value(sums) == pytest.approx(np.sqrt(0.75 / 200))


def test_the_papers_terms_have_no_roots() -> None:
    """y' Theta^-1 y / n and 2 max(w, 1 - w) log(8 / delta) / n."""
    term, batch, reference = made("ntk")
    ours, theirs = gradients(batch), gradients(reference.all())
    scale = (theirs.features**2).sum(axis=1).mean()
    kernel = ours.features @ ours.features.T / scale + 0.1 * np.eye(50)
    direct = ours.residuals @ np.linalg.solve(kernel, ours.residuals) / 50
    assert term.value(term.read(batch)) == pytest.approx(direct, rel=1e-8)
    sums = {COUNT: np.array(200.0), NATURAL: np.array(150.0)}
    assert SampleSize().value(sums) == pytest.approx(2 * 0.75 * np.log(8 / 0.05) / 200)
