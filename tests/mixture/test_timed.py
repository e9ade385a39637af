"""Orders of shares that change along the run: exact at every prefix."""

import hashlib
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.mixture.interleave import accumulated, interleave, interleave_curves
from synthmix.mixture.manifest import make_manifest
from synthmix.mixture.recipe import make_scheduled_recipe, share_recipe
from synthmix.mixture.schedule import Curve, constant, make_curve, parse_curve, parse_schedule, what_is_left

F = Fraction


@st.composite
def mixtures(draw: st.DrawFn) -> list[Curve]:
    """2 to 6 sources, 1 to 4 pieces: at each end of a piece any weights, so shares bend, jump and vanish."""
    n = draw(st.integers(2, 6))
    cuts = sorted({F(0), F(1), *draw(st.lists(st.fractions(F(1, 50), F(49, 50), max_denominator=50), max_size=3))})
    weights = st.lists(st.integers(0, 30), min_size=n, max_size=n).filter(any)
    rows: list[list[tuple[F, F, F, F]]] = [[] for _ in range(n)]
    for start, end in pairwise(cuts):
        first, last = draw(weights), draw(weights)
        for i in range(n):
            rows[i].append((start, end, F(first[i], sum(first)), F(last[i], sum(last))))
    return [make_curve(row) for row in rows]


def furthest(order: np.ndarray, curves: list[Curve]) -> Fraction:
    """The largest distance, exact, of any source's count from its accumulated share at any prefix."""
    length, found = len(order), F(0)
    counts = [0] * len(curves)
    for t, source in enumerate(order.tolist(), start=1):
        counts[source] += 1
        found = max(
            found, *(abs(c - length * curve.integral(F(t, length))) for c, curve in zip(counts, curves, strict=True))
        )
    return found


@settings(max_examples=120, deadline=None)
@given(mixtures(), st.integers(1, 200))
def test_every_prefix_holds_the_integral_of_the_shares_to_within_one_sequence(curves: list[Curve], length: int) -> None:
    order = interleave_curves(curves, length)
    assert len(order) == length
    assert furthest(order, curves) <= 1 - F(1, 2 * len(curves) - 2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 97), min_size=2, max_size=6), st.integers(1, 300))
def test_constant_shares_keep_the_bound_of_the_periodic_order(weights: list[int], length: int) -> None:
    shares = [F(weight, sum(weights)) for weight in weights]
    curves = [constant(share) for share in shares]
    bound = 1 - F(1, 2 * len(shares) - 2)
    assert furthest(interleave_curves(curves, length), curves) <= bound
    assert furthest(interleave(shares, length), curves) <= bound


@settings(max_examples=30, deadline=None)
@given(mixtures(), st.integers(1, 60))
def test_the_integers_are_the_exact_integrals(curves: list[Curve], length: int) -> None:
    sums, unit = accumulated(curves, length, scale=2)
    for total, curve in zip(sums, curves, strict=True):
        assert [F(int(x), unit) for x in total] == [length * curve.integral(F(t, length)) for t in range(1, length + 1)]


def test_awkward_fractions_leave_64_bits_and_stay_exact() -> None:
    ramp = make_curve([(F(0), F(997, 9973), F(1, 10007), F(7919, 10009)), (F(997, 9973), F(1), F(0), F(1, 10037))])
    curves = [ramp, *(make_curve(what_is_left([ramp])),)]
    sums, _ = accumulated(curves, 3000, scale=2)
    assert sums[0].dtype == object
    assert furthest(interleave_curves(curves, 3000), curves) <= F(1, 2)


def test_a_million_sequences_of_a_linear_share() -> None:
    recipe = share_recipe("web", "hq", parse_schedule("linear:0:50%"))
    manifest = make_manifest(recipe, 1_000_000, 8, {"web": 8_000_001, "hq": 8_000_001}, seed=0)
    assert manifest.counts == {"web": 750_000, "hq": 250_000}
    tenths = np.add.reduceat(manifest.order == 1, np.arange(0, 1_000_000, 100_000))
    assert tenths.tolist() == [2500 + 5000 * i for i in range(10)]


def test_real_last_ends_with_natural_text_alone_and_synthetic_first_begins_with_synthetic_alone() -> None:
    last = interleave_curves(
        [c for _, c in share_recipe("w", "s", parse_schedule("natural-last:30%:25%")).schedule], 1000
    )
    assert np.bincount(last).tolist() == [700, 300]
    assert not last[750:].any()
    first = interleave_curves(
        [c for _, c in share_recipe("w", "s", parse_schedule("synthetic-first:30%")).schedule], 1000
    )
    assert first.tolist() == [1] * 300 + [0] * 700


def test_the_natural_text_keeps_its_order_whatever_the_schedule() -> None:
    available = {"web": 64_001, "hq": 64_001}
    alone = make_manifest(share_recipe("web", "hq", F(0)), 500, 64, available, seed=3)
    ramp = make_manifest(share_recipe("web", "hq", parse_schedule("linear:1:0")), 600, 64, available, seed=3)
    natural = ramp.blocks[ramp.order == 0]
    assert natural.tolist() == alone.blocks[: len(natural)].tolist()


@pytest.mark.parametrize(
    ("shares", "first", "digest"),
    [
        ([F(2, 3), F(1, 3)], [0, 1, 0, 0, 1, 0], "211bca3c0811616c"),
        ([F(1, 2), F(1, 3), F(1, 6)], [0, 1, 0, 2, 1, 0], "5b81d31475a63b3d"),
        ([F(67, 100), F(33, 100)], [0, 1, 0, 0, 1, 0], "2b9db31242da3768"),
        ([F(7, 10), F(1, 10), F(1, 10), F(1, 10)], [0, 0, 1, 0, 0, 0], "47f6b5d1161b008c"),
    ],
)
def test_the_order_of_constant_shares_is_for_ever(shares: list[Fraction], first: list[int], digest: str) -> None:
    """Run ids promise this order: a changed one would make old records wrong."""
    order = interleave(shares, 2000)
    assert order[:6].tolist() == first
    assert hashlib.blake2b(order.tobytes(), digest_size=8).hexdigest() == digest


def test_the_blocks_of_a_static_recipe_are_for_ever() -> None:
    available = {"web": 128_001, "hq": 128_001}
    blocks = make_manifest(share_recipe("web", "hq", F(1, 3)), 600, 128, available, seed=3).blocks
    assert hashlib.blake2b(blocks.tobytes(), digest_size=8).hexdigest() == "73938db4e5db2e47"


def test_shares_that_do_not_fill_the_run_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to exactly 1"):
        interleave_curves([constant(F(1, 2)), constant(F(1, 3))], 10)


def test_equal_functions_are_equal_curves_and_survive_json() -> None:
    halves = make_curve([(F(0), F(1, 3), F(0), F(1, 6)), (F(1, 3), F(1), F(1, 6), F(1, 2))])
    assert halves == make_curve([(F(0), F(1), F(0), F(1, 2))])
    jump = make_curve([(F(0), F(1, 3), F(0), F(0)), (F(1, 3), F(1), F(1, 2), F(1))])
    assert parse_curve(jump.as_list()) == jump
    assert jump.mean == F(1, 2)


@pytest.mark.parametrize("pieces", [[], [(0, F(1, 2), 1, 1)], [(0, F(1, 2), 1, 1), (F(2, 3), 1, 1, 1)], [(0, 1, 2, 0)]])
def test_curves_with_gaps_or_shares_out_of_range_are_refused(pieces: list[tuple[Fraction, ...]]) -> None:
    with pytest.raises(ValueError, match=r"follow each other|not within \[0, 1\]"):
        make_curve([tuple(F(x) for x in piece) for piece in pieces])


def test_three_sources_one_of_them_rising() -> None:
    recipe = make_scheduled_recipe("trio", {"web": "rest", "hq": parse_schedule("linear:0:50%"), "qa": F(1, 5)})
    assert dict(recipe.shares) == {"web": F(11, 20), "hq": F(1, 4), "qa": F(1, 5)}
    manifest = make_manifest(recipe, 400, 8, dict.fromkeys(("web", "hq", "qa"), 10_000), seed=0)
    assert manifest.counts == {"web": 220, "hq": 100, "qa": 80}
