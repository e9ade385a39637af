import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.training.model import make_model
from synthmix.training.shape import SMALLEST, shape_for

SIZES = sorted({*np.geomspace(SMALLEST, 3e9, 150).astype(int).tolist(), 100_000, 250_000, 1_000_000, 10_000_000})


@pytest.mark.parametrize("params", SIZES[::10])
def test_a_size_resolves_to_within_five_percent(params: int) -> None:
    assert abs(shape_for(params).params / params - 1) <= 0.05


def test_every_size_of_a_fine_grid_resolves_to_a_llama() -> None:
    for params in SIZES:
        shape = shape_for(params)
        assert abs(shape.params / params - 1) <= 0.05
        assert shape.width % shape.heads == 0
        assert shape.heads % shape.kv_heads == 0
        assert shape.kv_heads < shape.heads, "grouped-query attention"
        assert (shape.width // shape.heads) % 2 == 0, "rotary embeddings need an even head"
        assert 2 <= shape.hidden / shape.width <= 4


def test_larger_sizes_are_wider_and_deeper_in_the_long_run() -> None:
    small, middle, large = (shape_for(size) for size in (100_000, 10_000_000, 1_000_000_000))
    assert small.width < middle.width < large.width
    assert small.depth < middle.depth < large.depth


@pytest.mark.parametrize(("params", "vocab"), [(25_000, 64), (100_000, 300), (400_000, 2048), (3_000_000, 512)])
def test_the_count_is_that_of_the_real_model(params: int, vocab: int) -> None:
    shape = shape_for(params)
    model = make_model(shape, vocab, 32, seed=0)
    total = sum(parameter.numel() for parameter in model.parameters())  # a tied table counts once
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert shape.params_total(vocab) == total
    assert shape.params == total - model.model.embed_tokens.weight.numel()


def test_the_flops_are_six_per_parameter_and_token_plus_attention() -> None:
    shape = shape_for(1_000_000)
    assert shape.flops_per_token(512, 64) == 6 * shape.params_total(512) + 6 * shape.depth * 64 * shape.width


@pytest.mark.parametrize("params", [1, 1_000, SMALLEST - 1])
def test_too_small_a_size_is_bad_input(params: int) -> None:
    with pytest.raises(BadInput, match=rf"params: {params} parameters are too few; the minimum is 25k"):
        shape_for(params)


def test_too_large_a_size_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no shape within 5 %"):
        shape_for(10**15)


def test_what_is_given_is_kept_and_the_size_too() -> None:
    shape = shape_for(1_000_000, width=128, kv_heads=1)
    assert (shape.width, shape.kv_heads) == (128, 1)
    assert abs(shape.params / 1_000_000 - 1) <= 0.05
    assert shape_for(1_000_000, heads=5, width=160).kv_heads == 1, "no ratio divides five"
    assert shape_for(1_000_000, hidden=600).hidden == 600


def test_a_given_shape_that_does_not_make_the_size_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"within 5 % of 1M parameters with width 512 and depth 3; leave one of these"):
        shape_for(1_000_000, width=512, depth=3)
