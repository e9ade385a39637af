import signal
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.errors import BadInput, Failure
from synthmix.evaluation.losses import HeldOut, evaluate_model
from synthmix.statistics import count_unigrams, unigram_entropy
from synthmix.termination import Terminated, note
from synthmix.training.checkpoint import STATE
from synthmix.training.model import make_model
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import Stream, Trained, read_batch, train_run

Make = Callable[..., RunSpec]
Streams = Mapping[str, Stream]


def weights(trained: Trained) -> list[Any]:
    return [parameter.detach().cpu() for parameter in trained.model.parameters()]


def same(one: Trained, other: Trained) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def train(spec: RunSpec, streams: Streams, folder: Path, **options: Any) -> Trained:
    return train_run(spec, streams, folder, precision=options.pop("precision", "float32"), **options)


class Stopped(Exception):
    """What a power cut is to a test."""


def stop_after(steps: int) -> Callable[[int, int, float], None]:
    def report(step: int, total: int, loss: float) -> None:
        if step == steps:
            raise Stopped

    return report


def test_a_model_learns_what_word_counts_do_not_tell(
    make_spec: Make, streams: Streams, heldout: Stream, tmp_path: Path
) -> None:
    spec = make_spec(steps=120, protocol=Protocol(context=16, batch=512))
    trained = train(spec, streams, tmp_path)
    entropy = unigram_entropy(count_unigrams(heldout.read(0, len(heldout)), spec.vocab))
    loss = evaluate_model(trained.model, {"web": HeldOut(heldout, 1.0)}, context=16, precision="float32")["web"].nats
    assert entropy == pytest.approx(np.log(64), abs=0.02)
    assert 0.3 < loss < 0.6 * entropy, "below the unigrams, and not below the text's own entropy"
    assert trained.trace[-1][0] == spec.tokens
    assert trained.trace[-1][1] < trained.trace[0][1]
    assert trained.manifest.tokens == spec.tokens


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    make_spec: Make, streams: Streams, tmp_path: Path
) -> None:
    first, again = (train(make_spec(), streams, tmp_path / name) for name in ("a", "b"))
    assert same(first, again)
    assert first.trace == again.trace
    assert not same(first, train(make_spec(seed=1), streams, tmp_path / "c"))


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_an_interrupted_run_resumes_to_the_same_weights(
    make_spec: Make, streams: Streams, tmp_path: Path, precision: str
) -> None:
    spec = make_spec(
        shares={"web": Fraction(2, 3), "hq": Fraction(1, 3)}, corpora={"web": "a", "hq": "b"}, recipe="mixed"
    )
    unbroken = train(spec, streams, tmp_path / "unbroken", precision=precision)
    broken = tmp_path / "broken"
    for stop in (4, 9, 15):  # three power cuts
        with pytest.raises(Stopped):
            train(spec, streams, broken, precision=precision, save_every=0, report=stop_after(stop))
        assert (broken / STATE).exists()
    steps: list[int] = []
    resumed = train(spec, streams, broken, precision=precision, report=lambda step, *_: steps.append(step))
    assert steps == [15, 16, 17, 18, 19, 20], "step 15 was lost, 14 was saved"
    assert same(unbroken, resumed)
    assert resumed.trace == unbroken.trace


def test_a_signal_ends_a_run_after_its_step_with_the_state_saved(
    make_spec: Make, streams: Streams, tmp_path: Path
) -> None:
    """Whatever the seconds between two saves: not one step is lost, and the resumed run has the same weights."""
    spec, seen = make_spec(), []

    def struck(step: int, total: int, loss: float) -> None:
        seen.append(step)
        if step == 7:
            note(signal.SIGTERM)

    with pytest.raises(Terminated) as ended:
        train(spec, streams, tmp_path / "a", report=struck, save_every=1e9)
    assert (ended.value.number, seen[-1]) == (signal.SIGTERM, 7)
    resumed = train(spec, streams, tmp_path / "a", report=lambda step, *_: seen.append(step))
    assert seen == list(range(1, spec.steps + 1))
    assert same(resumed, train(spec, streams, tmp_path / "b"))
    with pytest.raises(Terminated):  # none is in work now
        note(signal.SIGTERM)


def test_the_same_seed_gives_every_recipe_the_same_initialisation(make_spec: Make, streams: Streams) -> None:
    shape = make_spec().shape
    first, again, other = (make_model(shape, 64, 16, seed=seed) for seed in (5, 5, 6))
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.lm_head.weight, other.lm_head.weight)


def test_making_a_model_leaves_the_global_random_numbers_alone(make_spec: Make) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    make_model(make_spec().shape, 64, 16, seed=5)
    assert torch.equal(torch.rand(3), expected)


def test_batches_hold_each_sequence_and_its_next_token(make_spec: Make, streams: Streams, tmp_path: Path) -> None:
    manifest = train(make_spec(steps=10), streams, tmp_path).manifest
    batch = read_batch(manifest, streams, 3, 4)
    assert batch.shape == (4, 17)
    for row in range(4):
        start = int(manifest.blocks[3 + row]) * 16
        assert batch[row].tolist() == streams["web"].read(start, start + 17).tolist()


def test_a_diverging_run_is_a_failure_that_names_run_step_and_remedy(
    make_spec: Make, streams: Streams, tmp_path: Path
) -> None:
    spec = make_spec(protocol=Protocol(context=16, batch=256, learning_rate=1e30))
    with pytest.raises(Failure, match=r"web N=25000 D=5120 seed=0: the loss is (nan|inf) at step \d+ of 20") as caught:
        train(spec, streams, tmp_path, save_every=1e9)
    assert "lower training.learning_rate (it was 1e+30)" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_state_is_named_and_nothing_is_lost_by_deleting_it(
    make_spec: Make, streams: Streams, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        train(make_spec(), streams, tmp_path, save_every=0, report=stop_after(5))
    state = tmp_path / STATE
    whole = state.read_bytes()
    for damaged in (whole[:100], whole[: len(whole) // 2], b"", b"not safetensors at all", b"\x00" * len(whole)):
        state.write_bytes(damaged)
        with pytest.raises(BadInput, match=r"state\.safetensors: is damaged .*delete it"):
            train(make_spec(), streams, tmp_path)
    state.unlink()
    assert same(train(make_spec(), streams, tmp_path), train(make_spec(), streams, tmp_path / "fresh"))


def test_the_state_of_another_model_is_refused(make_spec: Make, streams: Streams, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(make_spec(params=40_000), streams, tmp_path, save_every=0, report=stop_after(5))
    with pytest.raises(BadInput, match="is the state of another run or protocol"):
        train(make_spec(), streams, tmp_path)


def test_a_corpus_too_small_for_the_recipe_is_bad_input_unless_epochs_are_allowed(
    make_spec: Make, heldout: Stream, tmp_path: Path
) -> None:
    small = {"web": heldout}  # 250 sequences of 16
    with pytest.raises(BadInput, match=r"web: 5\.12k tokens asked for by recipe 'web', 4k there, 1 epoch\(s\) allowed"):
        train(make_spec(), small, tmp_path)
    twice = make_spec(protocol=Protocol(context=16, batch=256, epochs=2))
    assert train(twice, small, tmp_path).manifest.epochs["web"] == pytest.approx(320 / 250)
