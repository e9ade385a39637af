"""Several budgets from one trunk: the same weights as separate runs, at fewer tokens."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from synthmix.errors import BadInput
from synthmix.training.checkpoint import STATE
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import Stream, Trained, state_at, states, train_run, train_trunk

Make = Callable[..., RunSpec]
Streams = Mapping[str, Stream]

WSD = Protocol(context=16, batch=256, schedule="wsd", warmup_steps=2)
MIXED = {"shares": {"web": Fraction(2, 3), "hq": Fraction(1, 3)}, "corpora": {"web": "a", "hq": "b"}}


@pytest.fixture(scope="module")
def specs(make_spec: Make) -> list[RunSpec]:
    return [make_spec(steps=steps, protocol=WSD, **MIXED) for steps in (10, 15, 30)]


def same(one: Trained, other: Trained) -> bool:
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def run(spec: RunSpec, streams: Streams, folder: Path, **options: Any) -> Trained:
    return train_run(spec, streams, folder, precision="float32", **options)


def grow(specs: list[RunSpec], streams: Streams, folder: Path, **options: Any) -> float:
    longest = max(specs, key=lambda spec: spec.steps)
    return train_trunk(longest, [spec.branch for spec in specs], streams, folder, precision="float32", **options)


class Stopped(Exception):
    """What a power cut is to a test."""


def stop_at(step: int) -> Callable[[int, int, float], None]:
    def report(now: int, total: int, loss: float) -> None:
        if now == step:
            raise Stopped

    return report


def test_a_branch_has_the_weights_of_a_run_of_its_own(specs: list[RunSpec], streams: Streams, tmp_path: Path) -> None:
    trunk = tmp_path / "trunk"
    grow(specs, streams, trunk)
    assert states(trunk) == [8, 12, 24]
    for spec in specs:
        branched = run(spec, streams, tmp_path / f"branch-{spec.steps}", trunk=trunk)
        alone = run(spec, streams, tmp_path / f"alone-{spec.steps}")
        assert branched.began == spec.branch
        assert alone.began == 0
        assert same(branched, alone)


def test_a_trunk_killed_in_its_middle_goes_on_and_gives_the_same_states(
    specs: list[RunSpec], streams: Streams, tmp_path: Path
) -> None:
    grow(specs, streams, tmp_path / "whole")
    for stop in (5, 10, 20):
        with pytest.raises(Stopped):
            grow(specs, streams, tmp_path / "cut", save_every=0, report=stop_at(stop))
    taken: list[int] = []
    grow(specs, streams, tmp_path / "cut", report=lambda step, *_: taken.append(step))
    assert taken == [20, 21, 22, 23, 24]
    for spec in specs:
        one, other = (run(spec, streams, tmp_path / f"{n}-{spec.steps}", trunk=tmp_path / n) for n in ("whole", "cut"))
        assert same(one, other)
        assert one.began == other.began == spec.branch
    assert not (tmp_path / "cut" / STATE).exists()


def test_a_larger_budget_added_later_goes_on_from_the_last_state(
    specs: list[RunSpec], streams: Streams, tmp_path: Path
) -> None:
    grow(specs[:2], streams, tmp_path / "trunk")
    state_at(tmp_path / "trunk", 8).unlink()
    taken: list[int] = []
    grow(specs[2:], streams, tmp_path / "trunk", report=lambda step, *_: taken.append(step))
    assert taken == list(range(13, 25))
    branched = run(specs[2], streams, tmp_path / "branch", trunk=tmp_path / "trunk")
    assert same(branched, run(specs[2], streams, tmp_path / "alone"))


def test_a_branch_that_is_killed_goes_on_from_its_own_state(
    specs: list[RunSpec], streams: Streams, tmp_path: Path
) -> None:
    grow(specs, streams, tmp_path / "trunk")
    with pytest.raises(Stopped):
        run(specs[2], streams, tmp_path / "cut", trunk=tmp_path / "trunk", save_every=0, report=stop_at(28))
    resumed = run(specs[2], streams, tmp_path / "cut", trunk=tmp_path / "trunk")
    whole = run(specs[2], streams, tmp_path / "whole", trunk=tmp_path / "trunk")
    assert same(resumed, whole)
    assert resumed.trace == whole.trace
    assert resumed.began == 24


def test_the_state_of_another_trunk_is_refused(
    specs: list[RunSpec], make_spec: Make, streams: Streams, tmp_path: Path
) -> None:
    grow(specs, streams, tmp_path / "trunk")
    other = make_spec(steps=30, protocol=WSD.model_copy(update={"learning_rate": 1e-3}), **MIXED)
    with pytest.raises(BadInput, match=r"another run or protocol; delete it"):
        run(other, streams, tmp_path / "branch", trunk=tmp_path / "trunk")


def test_what_a_trunk_is_and_what_it_is_not(make_spec: Make) -> None:
    def spec(**changes: Any) -> RunSpec:
        return make_spec(steps=changes.pop("steps", 30), protocol=WSD.model_copy(update=changes.pop("protocol", {})))

    base = spec()
    for shared in (spec(steps=40), spec(protocol={"decay": 0.5}), spec(protocol={"final_rate": 0.1})):
        assert shared.trunk == base.trunk
        assert shared.id != base.id
    for other in (spec(protocol={"warmup_steps": 3}), spec(protocol={"learning_rate": 0.01}), make_spec(steps=30)):
        assert other.trunk != base.trunk
    assert make_spec(steps=30).branch == 0, "a cosine knows its budget from the first step"


def test_the_rate_warms_up_stays_and_falls_to_nothing() -> None:
    rates = [WSD.rate(step, 20, 1.0) for step in range(20)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2:16] == [1.0] * 14
    assert all(later < earlier for earlier, later in pairwise(rates[15:]))
    assert 0 < rates[-1] < 0.15
    assert [WSD.rate(step, 40, 1.0) for step in range(16)] == rates[:16], "the stable part knows no budget"


def test_a_decay_that_would_begin_in_the_warm_up_is_refused() -> None:
    late = Protocol(context=16, batch=256, schedule="wsd", warmup_steps=9)
    with pytest.raises(ValueError, match="too few for a warm-up of 9"):
        late.branch(10)


def test_a_trunk_that_is_there_already_still_knows_what_it_took(
    specs: list[RunSpec], streams: Streams, tmp_path: Path
) -> None:
    """As when the process was killed between its last state and its record."""
    took = grow(specs, streams, tmp_path)
    assert grow(specs, streams, tmp_path) == took > 0
