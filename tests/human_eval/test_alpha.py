"""Krippendorff's alpha against his own example, against the formula by hand, and its interval."""

import itertools

import numpy as np
import pytest

from synthmix.human_eval.agreement import agreement_of, alpha, coincidences

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section C: four observers, twelve units.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
UNITS = [[int(row.split()[u]) - 1 for row in OBSERVERS if row.split()[u] != "."] for u in range(12)]


def by_pairs(units: list[list[int]], categories: int) -> float:
    """The same from the definition, pair of answers by pair of answers."""
    units = [unit for unit in units if len(unit) > 1]
    n = np.bincount([answer for unit in units for answer in unit], minlength=categories)

    def distance(c: int, k: int) -> float:
        low, high = min(c, k), max(c, k)
        return float(n[low : high + 1].sum() - (n[low] + n[high]) / 2) ** 2

    observed = sum(
        distance(a, b) / (len(unit) - 1) for unit in units for a, b in itertools.permutations(unit, 2)
    ) / sum(map(len, units))
    total = int(n.sum())
    expected = (
        sum(n[c] * n[k] * distance(c, k) for c in range(categories) for k in range(categories)) / total / (total - 1)
    )
    return 1 - observed / expected


def test_krippendorffs_own_example() -> None:
    assert float(alpha(coincidences(UNITS, 5))) == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_what_its_definition_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = [[int(answer) for answer in rng.integers(0, 4, rng.integers(0, 4))] for _ in range(30)]
    assert float(alpha(coincidences(units, 4))) == pytest.approx(by_pairs(units, 4))


def test_full_agreement_is_one_and_chance_about_zero() -> None:
    rng = np.random.default_rng(0)
    same = [[[int(a)] * 3] for a in rng.integers(0, 5, 40)]
    found = agreement_of(same, 5)
    assert found.mid == found.low == found.high == 1
    chance = agreement_of([[[int(a) for a in rng.integers(0, 5, 3)]] for _ in range(300)], 5)
    assert chance.mid == pytest.approx(0, abs=0.1)
    assert chance.low is not None
    assert chance.high is not None
    assert chance.low < 0 < chance.high


def test_the_interval_covers_the_value_of_many_items() -> None:
    """Planted raters: the truth with an error of their own; the interval of forty items holds what many give."""
    rng = np.random.default_rng(1)

    def items(count: int) -> list[list[list[int]]]:
        truth = rng.integers(0, 5, count)
        return [[[int(np.clip(t + rng.integers(-1, 2), 0, 4)) for _ in range(3)]] for t in truth]

    truth = agreement_of(items(4000), 5).mid
    assert truth is not None
    held = [agreement_of(items(40), 5, level=0.9, seed=seed) for seed in range(30)]
    inside = sum(one.low <= truth <= one.high for one in held if one.low is not None and one.high is not None)
    assert 22 <= inside <= 30


def test_what_has_no_value_says_why() -> None:
    assert agreement_of([[[1]], [[2]]], 5).why == "no text has two raters' answers"
    assert agreement_of([], 5).why == "no text has two raters' answers"
    assert agreement_of([[[1, 1]], [[1, 1]]], 5).why == "all answers are the same"
    assert agreement_of([[[1, 2]]], 5).why == "one item"
