"""beta and the cutoff of texts that were drawn with both known."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.phases.estimation import Estimate, estimate_phases, find_step

from ..tokens import Tokens

VOCAB, BETA = 3000, 1.3
P = np.arange(1, VOCAB + 1) ** -BETA / (np.arange(1, VOCAB + 1) ** -BETA).sum()


def drawn(k: int, count: int, seed: int) -> Tokens:
    rng, names = np.random.default_rng(seed), np.random.default_rng(99).permutation(VOCAB)
    cumulative = np.cumsum(np.where(np.arange(VOCAB) < k, P, 0))
    return Tokens(
        names[np.searchsorted(cumulative / cumulative[-1], rng.random(count), side="right")].astype(np.uint16)
    )


@pytest.fixture(scope="module")
def natural() -> Tokens:
    return drawn(VOCAB, 200_000, 0)


@pytest.mark.parametrize("k", [30, 300])
def test_a_hard_cutoff_is_found(natural: Tokens, k: int) -> None:
    (found,) = estimate_phases(natural, drawn(k, 100_000, 1), VOCAB, orders=(1,), resamples=100)
    assert found.k.mid == pytest.approx(k, rel=0.2)
    assert found.k.low <= k <= found.k.high
    assert found.beyond.mid < 0.1
    assert found.before == pytest.approx(1 / P[:k].sum(), rel=0.05)
    assert found.n1.mid == pytest.approx(1 / P[k - 1], rel=0.3)
    assert found.n2(0.01).mid == pytest.approx(100 * found.n1.mid)
    assert found.n2(0.0).mid is None
    assert found.starving_share(10 * found.n1.mid).mid == pytest.approx(0.1)
    assert found.starving_share(1).mid == 1.0
    assert found.zipf is not None
    assert found.zipf.exponent.low < BETA < found.zipf.exponent.high
    assert found.zipf.fits > 0.1


def test_whole_text_has_no_cutoff(natural: Tokens) -> None:
    found: list[Estimate] = estimate_phases(natural, drawn(VOCAB, 100_000, 1), VOCAB, orders=(1, 2), resamples=100)
    for one in found:
        assert one.k.mid is None
        assert "no cutoff" in one.k.why
        assert one.n1.mid is None
        assert one.starving_share(1e9).mid is None
        assert np.nanmedian(one.ratio) == pytest.approx(1, abs=0.1)


def test_a_step_is_found_where_it_is() -> None:
    natural = np.full(20, 1000)
    assert find_step(natural, np.where(np.arange(20) < 12, 900, 10)).edge == 11
    none = find_step(natural, natural)
    assert (none.edge, none.before, none.beyond, none.gain) == (19, 1.0, 1.0, 0.0)
    assert find_step(natural, np.where(np.arange(20) < 12, 10, 900)).edge == 19  # a step up is no cutoff


@pytest.mark.parametrize(
    ("tokens", "orders", "says"),
    [(100, (1,), "holds 100 tokens"), (5000, (9,), "do not fit"), (5000, (0,), "0 tokens")],
)
def test_texts_that_cannot_be_compared(natural: Tokens, tokens: int, orders: tuple[int, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        estimate_phases(natural, drawn(30, tokens, 1), VOCAB, orders=orders)


def test_a_token_outside_the_vocabulary(natural: Tokens) -> None:
    with pytest.raises(BadInput, match="vocabulary of 10"):
        estimate_phases(natural, natural, 10)


def test_a_temperature_narrows_and_k_is_where_half_is_left(natural: Tokens) -> None:
    """p' ~ p^(1/0.7): no step; the true rank of half is known."""
    narrowed = P ** (1 / 0.7) / (P ** (1 / 0.7)).sum()
    k = int((narrowed >= P / 2).sum())
    rng, names = np.random.default_rng(3), np.random.default_rng(99).permutation(VOCAB)
    written = Tokens(names[rng.choice(VOCAB, 200_000, p=narrowed)].astype(np.uint16))
    (found,) = estimate_phases(natural, written, VOCAB, orders=(1,), resamples=100)
    assert found.shape == "narrowed"
    assert found.k.mid == pytest.approx(k, rel=0.15)
    assert found.k.low <= k <= found.k.high
    assert found.n1.mid == pytest.approx(1 / P[k - 1], rel=0.3)
    (cut,) = estimate_phases(natural, drawn(100, 100_000, 1), VOCAB, orders=(1,), resamples=100)
    assert cut.shape == "cut"
