from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec

Make = Callable[..., RunSpec]
TWO = {"web": Fraction(2, 3), "hq": Fraction(1, 3)}


@pytest.mark.parametrize(
    "change",
    [
        {"params": 100_000},
        {"shares": TWO, "corpora": {"web": "c0ffee", "hq": "beef"}},
        {"corpora": {"web": "decaf"}},
        {"seed": 1},
        {"steps": 21},
        {"vocab": 65},
        {"tokenizer": "0ther"},
        {"protocol": Protocol(context=16, batch=512)},
        {"protocol": Protocol(context=32, batch=256)},
        {"protocol": Protocol(context=16, batch=256, learning_rate=1e-3)},
        {"protocol": Protocol(context=16, batch=256, warmup=0.2)},
        {"protocol": Protocol(context=16, batch=256, precision="float32")},
    ],
    ids=lambda change: " ".join(change),
)
def test_the_id_changes_with_everything_that_changes_the_model(make_spec: Make, change: dict[str, Any]) -> None:
    assert make_spec(**change).id != make_spec().id


def test_the_id_tells_thirds_from_their_rounding_and_from_other_shares(make_spec: Make) -> None:
    shares = [Fraction(1, 3), Fraction(33, 100), Fraction(333, 1000), Fraction(2, 3)]
    specs = [make_spec(shares={"web": 1 - s, "hq": s}, corpora={"web": "a", "hq": "b"}) for s in shares]
    assert len({spec.id for spec in specs}) == len(shares)


def test_the_id_does_not_change_with_the_recipe_s_display_name(make_spec: Make) -> None:
    assert make_spec(recipe="only the web").id == make_spec().id


def test_the_id_does_not_change_with_the_stage(make_spec: Make) -> None:
    assert make_spec().stage == "ladder"
    assert make_spec(stage="generator").id == make_spec().id
    assert make_spec(stage="generator").trunk == make_spec().trunk


def test_two_sizes_that_resolve_to_one_shape_are_one_run(make_spec: Make) -> None:
    assert make_spec(params=25_000).shape == make_spec(params=25_001).shape
    assert make_spec(params=25_000).id == make_spec(params=25_001).id


def test_the_id_is_the_same_in_every_process_and_after_a_round_trip(make_spec: Make) -> None:
    spec = make_spec(shares=TWO, corpora={"web": "a", "hq": "b"})
    again = RunSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.id == spec.id
    assert again.shares["web"] == Fraction(2, 3), "exact through JSON"


def test_a_changed_copy_has_an_id_and_a_shape_of_its_own(make_spec: Make) -> None:
    spec = make_spec()
    assert spec.id
    assert spec.shape.params
    copy = spec.model_copy(update={"params": 100_000})
    assert copy.id == make_spec(params=100_000).id
    assert copy.shape == make_spec(params=100_000).shape


def test_the_derived_quantities(make_spec: Make) -> None:
    spec = make_spec(shares=TWO, corpora={"web": "a", "hq": "b"})
    assert spec.tokens == 20 * 256
    assert spec.flops == spec.tokens * spec.shape.flops_per_token(64, 16)
    assert spec.mixture.shares == (("web", Fraction(2, 3)), ("hq", Fraction(1, 3)))
    assert make_spec(protocol=Protocol(context=16, batch=256, learning_rate=0.25)).peak == 0.25
