"""One run on two real processes (gloo), DDP and FSDP2, against the same run on one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthmix.errors import BadInput, Failure
from synthmix.training.checkpoint import STATE
from synthmix.training.device import LostDevice, device_errors
from synthmix.training.model import make_model, optimizer_for, train_step
from synthmix.training.parallel import ALONE, World, open_world, world_step
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import Session, Stream, Trained, train_run

KINDS = ("ddp", "fsdp")
Make = Callable[..., RunSpec]


@pytest.fixture(scope="module")
def alone(make_spec: Make, streams: Mapping[str, Stream], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run on one process, unbroken."""
    return train_run(make_spec(), streams, tmp_path_factory.mktemp("alone"), precision="float32")


@pytest.fixture(scope="module")
def two(make_spec: Make, streams: Mapping[str, Stream], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left, see two_processes.py."""
    folder = tmp_path_factory.mktemp("two")
    spec = make_spec()
    half = Session(spec, streams, owner=spec.id, precision="float32", eos=None)
    half.advance(12, save_to=folder / "unused")
    for kind in KINDS:
        half.save(folder / kind / "from-one" / STATE)
    odd = make_spec(protocol=Protocol(context=16, batch=240))
    given = {"spec": spec.model_dump(mode="json"), "odd": odd.model_dump(mode="json")}
    (folder / "given.json").write_text(json.dumps(given))
    save_file(
        {name: torch.from_numpy(s.read(0, len(s)).astype("int64")) for name, s in streams.items()}, folder / "tokens"
    )
    script = Path(__file__).with_name("two_processes.py")
    run = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ran = subprocess.run([sys.executable, "-m", *run], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def found(two: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((two / "found.json").read_text())
    return made


def furthest(trained: Trained, path: Path) -> float:
    """Largest difference between a weight of the model and the one in the file."""
    saved = load_file(path)
    named = dict(trained.model.named_parameters())
    assert set(saved) == set(named)
    return max(float((saved[name] - named[name].detach()).abs().max()) for name in saved)


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_give_the_losses_of_one(found: dict[str, Any], alone: Trained, two: Path, kind: str) -> None:
    trace = found[kind]["trace"]
    assert [tokens for tokens, _ in trace] == [tokens for tokens, _ in alone.trace]
    assert max(abs(a - b) for (_, a), (_, b) in zip(trace, alone.trace, strict=True)) < 1e-3
    assert furthest(alone, two / kind / "whole.safetensors") < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_go_on_from_one_process_s_state(
    found: dict[str, Any], alone: Trained, two: Path, kind: str
) -> None:
    assert found[kind]["steps"] == list(range(13, 21)), "the main process alone reports"
    assert furthest(alone, two / kind / "from-one.safetensors") < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_one_process_goes_on_from_the_state_of_two_that_trained_in_micro_batches(
    make_spec: Make, streams: Mapping[str, Stream], alone: Trained, two: Path, kind: str, found: dict[str, Any]
) -> None:
    steps: list[int] = []
    resumed = train_run(
        make_spec(),
        streams,
        two / kind / "to-one",
        precision="float32",
        report=lambda step, *_: steps.append(step),
    )
    assert steps == list(range(13, 21))
    assert max(abs(a - b) for (_, a), (_, b) in zip(resumed.trace, alone.trace, strict=True)) < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_go_on_from_their_own_state_exactly(two: Path, kind: str) -> None:
    whole, again = (load_file(two / kind / f"{name}.safetensors") for name in ("whole", "middle"))
    assert all(torch.equal(whole[name], again[name]) for name in whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_that_does_not_divide_is_bad_input(found: dict[str, Any], kind: str) -> None:
    assert found[kind]["odd"] == (
        "BadInput: training.batch: 15 sequences a step do not divide among 2 processes; "
        "start 1 process(es), or make a batch of 16 sequences"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_processes_agree(found: dict[str, Any], kind: str) -> None:
    assert found[kind]["agreed"] is True
    assert found[kind]["mean"] == 0.5
    assert {"ddp": "Together", "fsdp": "Sharded"}[kind] == found[kind]["kind"]


def test_micro_batches_give_the_step_of_the_whole_batch(make_spec: Make) -> None:
    shape, batch = make_spec().shape, torch.randint(64, (10, 17), generator=torch.Generator().manual_seed(1))
    results = []
    for micro in (None, 10, 4, 1):
        model = make_model(shape, 64, 16, seed=0)
        optimizer = optimizer_for(model, 1e-2, 0.1, (0.9, 0.95))
        losses = [world_step(ALONE, model, optimizer, batch, "float32", 1.0, micro) for _ in range(3)]
        results.append((losses, [p.detach() for p in model.parameters()]))
    model = make_model(shape, 64, 16, seed=0)
    optimizer = optimizer_for(model, 1e-2, 0.1, (0.9, 0.95))
    assert results[0][0] == [train_step(model, optimizer, batch, "float32", 1.0) for _ in range(3)]
    for losses, weights in results[1:]:
        assert losses == pytest.approx(results[0][0], abs=1e-5)
        for a, b in zip(weights, results[0][1], strict=True):
            assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize(("size", "sequences", "remedy"), [(4, 6, "start 3 process"), (8, 4, "start 4 process")])
def test_more_processes_than_sequences_are_bad_input(size: int, sequences: int, remedy: str) -> None:
    world = World()
    world.size = size
    with pytest.raises(BadInput, match=f"training.batch: {sequences} sequences a step do not divide.*{remedy}"):
        world.share(sequences)


def test_the_slices_are_the_batch_in_its_order() -> None:
    rows: list[int] = []
    for rank in range(4):
        world = World()
        world.rank, world.size = rank, 4
        rows += world.share(12)
    assert rows == list(range(12))


@pytest.mark.parametrize(
    ("environment", "parallel", "message"),
    [
        (
            {},
            "fsdp",
            "--parallel: needs processes that a launcher started; run torchrun --nproc-per-node 2 -m synthmix",
        ),
        ({}, "pipeline", "--parallel: there is no 'pipeline'; write ddp or fsdp"),
        ({"WORLD_SIZE": "2"}, None, "RANK: is ''; start with a launcher"),
        (
            {"WORLD_SIZE": "999", "RANK": "0", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "999"},
            None,
            r"--nproc-per-node: 999 processes on \d+ (core|GPU)\(s\); start \d+",
        ),
    ],
)
def test_a_start_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], parallel: Any, message: str
) -> None:
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=message), open_world(parallel):
        pass


def test_alone_is_the_world_of_a_process_that_no_launcher_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with open_world() as world:
        assert world is ALONE
        with world.main_first():
            assert world.agree(True)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError("CUDA error: unspecified launch failure\nmore"), LostDevice, "run: the device failed or is gone"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), Failure, "run: out of memory"),
        (MemoryError(), Failure, r"run: out of memory \(MemoryError\)"),
        (RuntimeError("[gloo] Connection closed by peer [127.0.0.1]"), Failure, "another process of this run is gone"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), RuntimeError, "mat1 and mat2"),
    ],
)
def test_torch_s_errors_about_devices_are_one_line(error: Exception, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught, device_errors("run"):
        raise error
    assert type(caught.value) is kind
