"""Measures as sums, limits, and what of a text meets them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from synthmix.errors import BadInput
from synthmix.generation.measures import Pair
from synthmix.loop.limits import Limits, Tally, measures_of, tallied
from synthmix.loop.publish import Part, published
from synthmix.statistics.representation import TopicModel

SOURCE = "In 1912 the mayor of Ghent met Maria Lopez, and 300 people came to the square to hear the two speak of it."
COPY = SOURCE.replace("to hear the two speak of it", "and heard them")
OTHER = "A meeting was held in 1912, where the mayor told Lopez what she and her mother, a woman of means, might do."


def tally(voice: str = "a", tokens: float = 100, documents: float = 10, **sums: Any) -> Tally:
    return Tally(documents=documents, voices=Counter({voice: tokens}), **sums)  # type: ignore[dict-item]


def test_copies_anchors_groups_and_phrases_of_a_text() -> None:
    found = tallied([Pair(COPY, SOURCE), Pair(OTHER, SOURCE), Pair("No source, no fact.")], "a", 60, None)
    natural = tallied([Pair("He and his father saw her."), Pair("She left.")], "", 1, None)
    measures = measures_of(found, natural)
    assert measures["near_copies"] == 0.5
    assert measures["numbers_kept"] == pytest.approx((1 + 0.5) / 2)
    assert measures["names_kept"] == pytest.approx((1 + 1 / 3) / 2)
    assert measures["groups"] == pytest.approx(4 / 4 - 2 / 5)
    assert measures["one_generator"] == 1.0
    assert measures["topics"] is None
    again = "it is important to note that this holds"
    phrases = tallied(
        [Pair(f"{again} {n}.") for n in range(5)] + [Pair(f"other words {n}") for n in range(5)], "a", 1, None
    )
    assert measures_of(phrases, natural)["one_phrase"] == 0.5
    assert measures_of(phrases, phrases)["one_phrase"] == 0.0, "what natural text says as often is not over-represented"


def test_sums_of_parts_are_the_sums_of_the_whole() -> None:
    pairs = [Pair(COPY, SOURCE), Pair(OTHER, SOURCE), Pair(OTHER, OTHER), Pair(COPY, OTHER)]
    whole = tallied(pairs, "a", 40, None)
    parts = tallied(pairs[:2], "a", 20, None) + tallied(pairs[2:], "a", 20, None)
    for name in ("documents", "sourced", "copies", "numbers", "names", "feminine", "masculine", "voices"):
        assert getattr(parts, name) == getattr(whole, name), name
    doubled = measures_of(parts.scaled(2.0), whole)
    assert doubled == pytest.approx(measures_of(parts, whole))


def test_topics_are_told_of_text_that_they_were_not_fitted_to() -> None:
    rng = np.random.default_rng(0)
    words = {"sea": ["ship", "wave", "harbour", "sailor", "tide"], "land": ["field", "plough", "barn", "cattle", "hay"]}

    def texts(topic: str, count: int) -> list[str]:
        return [" ".join(rng.choice(words[topic], 12)) for _ in range(count)]

    model = TopicModel.fit([*texts("sea", 40), *texts("land", 40)], count=2)
    natural = tallied([Pair(text) for text in [*texts("sea", 30), *texts("land", 30)]], "", 1, model)
    sea = tallied([Pair(text) for text in texts("sea", 20)], "a", 1, model)
    assert measures_of(sea, natural)["topics"] == pytest.approx(0.5, abs=0.05)
    assert measures_of(natural, natural)["topics"] == 0.0


def test_a_step_is_allowed_that_meets_the_limits_or_comes_nearer() -> None:
    limits = Limits(near_copies="2%", numbers_kept=0.8)
    fine, bad = {"near_copies": 0.01, "numbers_kept": 0.9}, {"near_copies": 0.3, "numbers_kept": 0.9}
    assert limits.allows(fine, fine)
    assert not limits.allows(fine, bad)
    assert limits.allows(bad, {"near_copies": 0.2, "numbers_kept": 0.9})
    assert not limits.allows(bad, {"near_copies": 0.2, "numbers_kept": 0.7})
    assert not limits.allows(bad, bad)
    assert limits.allows(fine, {"near_copies": None, "numbers_kept": None}), "what is not defined breaks no limit"
    assert limits.broken({"near_copies": 0.02 + 1e-12, "numbers_kept": 0.8}) == []
    assert limits.broken({"near_copies": 0.021, "numbers_kept": 0.79}) == ["near_copies", "numbers_kept"]


def test_what_is_published_meets_the_limits() -> None:
    clean = Part("clean", tally("a", sourced=10, copies=0), False)
    copied = Part("copied", tally("b", sourced=10, copies=3), False)
    parts = [copied, clean, clean, copied, clean]
    kept = published(parts, Tally(), Limits(near_copies=0.1))
    assert kept == [True, True, True, False, True]
    assert published(parts, Tally(), Limits(near_copies=0.01)) == [False, True, True, False, True]
    assert published(parts, Tally(), Limits()) == [True] * 5
    assert published([copied, copied], Tally(), Limits(near_copies=0.01)) == [False, False]
    # Two generators of which one wrote too much: as much of it stays as may.
    kept = published(parts, Tally(), Limits(one_generator=0.5))
    assert kept == [True, True, True, True, False]
    harmful = Part("clean", tally("a"), True)
    assert published([clean, harmful], Tally(), Limits()) == [True, False]


def test_limits_that_no_choice_meets_are_known_before() -> None:
    with pytest.raises(
        BadInput, match=r"loop.yaml: limits.one_generator: no choice of arms meets 40%: they have 2 gene"
    ):
        Limits(one_generator=0.4).check({"a", "b"}, "loop.yaml")
    Limits(one_generator=0.5).check({"a", "b"}, "loop.yaml")
    with pytest.raises(ValidationError):
        Limits(near_copies=1.2)
