from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.errors import BadInput
from synthmix.mixture.interleave import interleave
from synthmix.mixture.manifest import make_manifest, sequences_in
from synthmix.mixture.recipe import make_recipe, share_recipe, with_simulated_epochs


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 97), min_size=1, max_size=6), st.integers(1, 700))
def test_every_prefix_holds_the_shares_to_within_one_sequence(weights: list[int], length: int) -> None:
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    order = interleave(shares, length)
    prefix = np.arange(1, length + 1)
    for i, share in enumerate(shares):
        gap = np.abs(np.cumsum(order == i) - float(share) * prefix)
        assert gap.max() < 1


def test_shares_of_a_third_are_exact() -> None:
    order = interleave([Fraction(2, 3), Fraction(1, 3)], 3000)
    assert np.bincount(order).tolist() == [2000, 1000]


def test_shares_that_do_not_add_up_are_named() -> None:
    with pytest.raises(BadInput, match=r"study\.yaml: half: the shares a 50% \+ b 40% make 90%, not 100%"):
        make_recipe("half", {"a": Fraction(1, 2), "b": Fraction(2, 5)}, where="study.yaml")


def test_rounded_thirds_are_taken_as_thirds() -> None:
    recipe = make_recipe("thirds", {"a": Fraction("0.667"), "b": Fraction("0.3335")})
    assert sum(share for _, share in recipe.shares) == 1


def test_same_seed_sees_the_same_natural_text_in_every_recipe() -> None:
    available = {"web": 128_001, "hq": 128_001}
    alone = make_manifest(share_recipe("web", "hq", Fraction(0)), 500, 128, available, seed=3)
    mixed = make_manifest(share_recipe("web", "hq", Fraction(1, 3)), 600, 128, available, seed=3)
    natural = mixed.blocks[mixed.order == 0]
    assert natural.tolist() == alone.blocks[: len(natural)].tolist()
    assert mixed.counts == {"web": 400, "hq": 200}
    other = make_manifest(share_recipe("web", "hq", Fraction(0)), 500, 128, available, seed=4)
    assert other.blocks.tolist() != alone.blocks.tolist()


def test_a_sequence_is_used_once_an_epoch() -> None:
    recipe = share_recipe("web", "hq", Fraction(0))
    manifest = make_manifest(recipe, 250, 10, {"web": 1001}, seed=0, epochs=3)
    assert sequences_in(1001, 10) == 100
    assert np.bincount(manifest.blocks[:200]).tolist() == [2] * 100
    assert manifest.epochs == {"web": 2.5}


def test_asking_for_more_than_there_is_is_an_error_unless_epochs_are_allowed() -> None:
    recipe = share_recipe("web", "hq", Fraction(0))
    with pytest.raises(BadInput, match=r"web: 1\.01k tokens asked for .* 1k there"):
        make_manifest(recipe, 101, 10, {"web": 1001}, seed=0)
    assert make_manifest(recipe, 101, 10, {"web": 1001}, seed=0, epochs=2).tokens == 1010


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(BadInput, match="hq: no corpus of this name; there are web"):
        make_manifest(share_recipe("web", "hq", Fraction(1)), 5, 10, {"web": 1001}, seed=0)


def test_simulated_epochs_repeat_as_often_as_the_target_would() -> None:
    """1B unique tokens of a budget of 20B at half of it: 10 epochs, at every budget."""
    recipe = share_recipe("web", "hq", Fraction(1, 2))
    cut = with_simulated_epochs(recipe, {"hq": Fraction(1, 20), "web": Fraction(3, 5)})
    assert cut.unique == (("hq", Fraction(1, 20)),), "there is more web than its share takes"
    assert cut.content != recipe.content
    assert not cut.is_static, "a longer run has more text, so no trunk serves both"
    available = {"web": 10_001, "hq": 10_001}
    for sequences in (200, 400):
        made = make_manifest(cut, sequences, 10, available, seed=0)
        blocks = made.blocks[made.order == made.sources.index("hq")]
        assert made.epochs["hq"] == 10
        assert sorted(np.bincount(blocks)[np.unique(blocks)]) == [10] * (sequences // 20)
        uncut = make_manifest(recipe, sequences, 10, available, seed=0)
        first = uncut.blocks[uncut.order == uncut.sources.index("hq")][: sequences // 20]
        assert blocks[: sequences // 20].tolist() == first.tolist(), "its first epoch is the uncut run's beginning"
        assert blocks[: sequences // 20].tolist() != blocks[sequences // 20 : sequences // 10].tolist()
        assert (made.blocks[made.order == 0] == uncut.blocks[uncut.order == 0]).all()
    with pytest.raises(BadInput, match=r"hq: 500 tokens asked for by recipe '50% hq \+ web, repeated', 100 there"):
        make_manifest(cut, 1000, 10, {"web": 10_001, "hq": 101}, seed=0)
