"""Hyper-parameters by size in a study: what is not given follows from the size, what is given stays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.study.ladder import cells, protocol_for
from synthmix.study.load import study_from
from synthmix.training.hyperparameters import decay_rule, hyperparameters
from synthmix.training.shape import shape_for

Make = Callable[..., dict[str, Any]]
LADDER = {"params": ["25k", "1M"], "budgets": ["200k", "800k"]}


@pytest.fixture
def raw(make_study: Make, tmp_path: Path) -> dict[str, Any]:
    return make_study(
        tmp_path, corpora={"web": "web.jsonl"}, mix={"natural": "web"}, evaluate={"x": "x.jsonl"}, ladder=LADDER
    )


def test_batch_decay_and_warm_up_follow_from_the_size(raw: dict[str, Any]) -> None:
    config = study_from(raw | {"training": {"rules": "by_size", "context": 64}})
    assert study_from(raw | {"training": {"rules": "dial", "context": 64}}) == config, "its old name"
    for params in (25_000, 1_000_000):
        found, setting = protocol_for(config, params), hyperparameters(params, tokens=200_000, context=64)
        assert (found.batch, found.warmup_steps) == (setting.batch, setting.warmup)
        longest = decay_rule(setting.shape.params, 800_000, setting.batch, setting.learning_rate)
        assert found.weight_decay == longest < setting.weight_decay, "of the largest budget: too much costs more"
    assert "by size" in config.training.in_words()["batch"]
    assert {cell.protocol.rules for cell in cells(config)} == {"fixed"}, "a run's own numbers are plain"


def test_what_is_given_stays(raw: dict[str, Any]) -> None:
    training = {"rules": "by_size", "context": 64, "batch": 1024, "weight_decay": 0.05, "warmup": 0.2}
    found = protocol_for(study_from(raw | {"training": training}), 25_000)
    assert (found.batch, found.weight_decay, found.warmup, found.warmup_steps) == (1024, 0.05, 0.2, None)


def test_a_given_shape_is_trained_and_is_another_run(raw: dict[str, Any]) -> None:
    given = {"1M": {"depth": 6}}
    shapes = {cell.shape for cell in cells(study_from(raw | {"ladder": LADDER | {"shapes": given}}))}
    assert shapes == {shape_for(25_000), shape_for(1_000_000, depth=6)}
    assert shape_for(1_000_000, depth=6) != shape_for(1_000_000)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"1M": {"layers": 3}}, "a shape has no layers; it has width"),
        ({"2M": {"depth": 6}}, "2000000 is not among params"),
    ],
)
def test_shapes_that_cannot_be_are_named(raw: dict[str, Any], given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        study_from(raw | {"ladder": LADDER | {"shapes": given}})
