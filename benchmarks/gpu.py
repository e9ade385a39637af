"""What has not run on a GPU for this project, in one run on one: under ten minutes on one device, one JSON.

    python benchmarks/gpu.py --to gpu.json [--quick] [--only losses speed ...] [--seconds 570]

Parts: ``losses`` (the same run on the CPU and here, float32 and bf16, compiled or not), ``resume`` (a run that is cut
has the weights of an unbroken one), ``speed`` (tokens/s, share of the peak, and the memory estimate against
the measured peak), ``workers`` (several processes on each GPU: where each computes, tokens/s together) and
``processes`` (DDP and FSDP2 under torchrun against one process). Without a GPU the same parts run on the CPU and the
JSON says so: that tests the script, and nothing of a GPU. docs/gpu.md lists what each part closes.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

CLOSE = {"float32": 5e-3, "bf16": 5e-2}  # nats that a training loss may differ by, of one run in two places (CHOSEN)
ROOM = 1.25  # times the estimate that the measured memory may reach (CHOSEN: the estimate's own error on a CPU is .2)


@dataclass(frozen=True)
class Plan:
    """How much is done. ``steps``: of the runs that are compared; ``sizes``: that are timed, ``seconds`` each;
    ``per_gpu``: workers on a device."""

    params: int = 1_000_000
    steps: int = 60
    context: int = 128
    batch: int = 4096
    vocab: int = 4096
    sizes: tuple[int, ...] = (1_000_000, 20_000_000, 150_000_000)
    sequences: int = 64
    seconds: float = 8.0
    per_gpu: tuple[int, ...] = (1, 2, 4)


QUICK = Plan(25_000, 16, 16, 256, 300, (25_000,), 8, 0.5, (1, 2))


class Text:
    """Tokens by a rule that a model can learn: a stream of :func:`synthmix.training.trainer.train_run`."""

    def __init__(self, vocab: int) -> None:
        import numpy as np

        rng = np.random.default_rng(0)
        follows = rng.integers(vocab, size=(vocab, 4))
        choice, tokens = rng.integers(4, size=2**18), np.empty(2**18, dtype=np.int64)
        tokens[0] = 0
        for i in range(1, len(tokens)):
            tokens[i] = follows[tokens[i - 1], choice[i]]
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, start: int, stop: int) -> Any:
        return self.tokens[start:stop]


@cache
def text_of(vocab: int) -> Text:
    """The text of a vocabulary."""
    return Text(vocab)


def spec_of(plan: Plan) -> Any:
    """The run that is compared."""
    from synthmix.training.protocol import Protocol
    from synthmix.training.spec import RunSpec

    return RunSpec(
        params=plan.params,
        recipe="text",
        shares={"text": Fraction(1)},
        corpora={"text": "c0ffee"},
        tokenizer="70ce",
        vocab=plan.vocab,
        steps=plan.steps,
        seed=0,
        protocol=Protocol(context=plan.context, batch=plan.batch, epochs=64),
    )


def trained(plan: Plan, precision: str, folder: Path, stop: int | None = None, parallel: str | None = None) -> Any:
    """Train the run, from its saved state where there is one: its losses every step, a hash of its weights, its loss on
    held-out text. ``stop``: the step at which it is cut."""
    from synthmix.evaluation.losses import HeldOut, evaluate_model
    from synthmix.training import trainer
    from synthmix.training.parallel import open_world

    text = text_of(plan.vocab)

    def report(step: int, steps: int, loss: float) -> None:
        if step == stop:
            raise KeyboardInterrupt

    with open_world(parallel) as world:
        run = trainer.train_run(
            spec_of(plan), {"text": text}, folder, precision=precision, report=report, save_every=0.0, world=world
        )
        if not world.is_main:
            return None
        held = {"text": HeldOut(text, 1.0)}
        loss = evaluate_model(run.model, held, context=plan.context, precision=precision, max_tokens=8192)["text"].nats
        weights = hashlib.blake2b(digest_size=8)
        for name, value in sorted(run.model.state_dict().items()):
            weights.update(name.encode() + value.detach().float().cpu().numpy().tobytes())
    return {"losses": [nats for _, nats in run.trace], "held_out": loss, "weights": weights.hexdigest()}


def apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest distance of two runs' losses, nats."""
    pairs = zip([*one["losses"], one["held_out"]], [*other["losses"], other["held_out"]], strict=True)
    return max(abs(a - b) for a, b in pairs)


def elsewhere(call: dict[str, Any], launcher: tuple[str, ...] = (), **environment: str) -> Any:
    """``trained`` in a process of its own; what it gives.

    Raises:
        RuntimeError: it failed, with its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, *launcher, __file__, "--child", json.dumps(call), "--to", str(answer)]
        ran = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=400, check=False
        )
        if ran.returncode != 0 or not answer.exists():
            raise RuntimeError((ran.stderr.strip() or ran.stdout.strip() or "no answer").splitlines()[-1])
        return json.loads(answer.read_text())


def losses(plan: Plan, gpu: bool) -> dict[str, Any]:
    """Each precision here, compiled and not, against float32 on the CPU."""
    call = {"plan": asdict(plan), "precision": "float32"}
    base = elsewhere(call, CUDA_VISIBLE_DEVICES="", SYNTHMIX_COMPILE="0")
    found: dict[str, Any] = {"cpu float32": {"held_out": base["held_out"]}}
    ways = [("float32", "0"), ("bf16", "0"), *([("bf16", "1")] if gpu else [])]
    for precision, compiled in ways:
        mine = elsewhere(call | {"precision": precision}, SYNTHMIX_COMPILE=compiled)
        far = apart(mine, base)
        name = f"{'gpu' if gpu else 'cpu'} {precision}{', compiled' if compiled == '1' else ''}"
        found[name] = {"held_out": mine["held_out"], "nats_apart": far, "close": far <= CLOSE[precision]}
    return found | {"ok": all(each.get("close", True) for each in found.values())}


def resume(plan: Plan, gpu: bool) -> dict[str, Any]:
    """Cut at its middle and gone on with, in float32 and bf16."""
    found: dict[str, Any] = {}
    for precision in ("float32", "bf16"):
        with tempfile.TemporaryDirectory() as folder:
            whole = trained(plan, precision, Path(folder) / "whole")
            with suppress(KeyboardInterrupt):
                trained(plan, precision, Path(folder) / "cut", stop=plan.steps // 2)
            again = trained(plan, precision, Path(folder) / "cut")
        found[precision] = {"same_weights": again["weights"] == whole["weights"], "nats_apart": apart(again, whole)}
    return found | {"ok": all(each["same_weights"] for each in found.values())}


@dataclass(frozen=True)
class Probe:
    """What a worker trains, for how long."""

    params: int
    sequences: int
    context: int
    vocab: int
    seconds: float
    compiled: bool


def steps(probe: Probe) -> dict[str, Any]:
    """Tokens/s of one process, where it computes, and its peak of memory beside the estimate."""
    import torch

    from synthmix.training import compiled
    from synthmix.training.device import best_device, device_name
    from synthmix.training.memory import run_memory
    from synthmix.training.model import make_model, optimizer_for, train_step
    from synthmix.training.shape import shape_for

    device, shape = best_device(), shape_for(probe.params)
    model = make_model(shape, probe.vocab, probe.context, seed=0).to(device)
    fast = {"sequences": probe.sequences, "context": probe.context, "precision": "bf16"}
    if probe.compiled:
        compiled.prepare(model, flops=1e30, **fast)
    model.train()
    optimizer = optimizer_for(model, 1e-3, 0.1, (0.9, 0.95))
    batch = torch.randint(probe.vocab, (probe.sequences, probe.context + 1), device=device)
    for _ in range(2):
        train_step(model, optimizer, batch, "bf16", 1.0)
    if device == "cuda":
        torch.cuda.synchronize()
    begun, done = time.time(), 0
    while time.time() - begun < probe.seconds or not done:
        train_step(model, optimizer, batch, "bf16", 1.0)
        done += 1
    if device == "cuda":
        torch.cuda.synchronize()
    tokens = probe.sequences * probe.context
    estimate = run_memory(shape, probe.vocab, tokens, probe.context, "bf16", device=device, compiled=probe.compiled)
    return {
        "tokens_per_second": done * tokens / (time.time() - begun),
        "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "device": device_name(),
        "peak_memory": torch.cuda.max_memory_reserved() if device == "cuda" else None,
        "estimated_memory": estimate,
    }


def speed(plan: Plan, gpu: bool) -> dict[str, Any]:
    """Each size, compiled on a GPU; the memory that it took against the estimate."""
    from synthmix.training.capabilities import mfu
    from synthmix.training.shape import shape_for

    found: dict[str, Any] = {}
    for params in plan.sizes:
        told = steps(Probe(params, plan.sequences, plan.context, plan.vocab, plan.seconds, gpu))
        flops = shape_for(params).flops_per_token(plan.vocab, plan.context)
        told["mfu"] = mfu(told["tokens_per_second"], flops, told["device"])
        if told["peak_memory"] is not None:
            told["memory_ok"] = told["peak_memory"] <= ROOM * told["estimated_memory"]
        found[str(params)] = told
    return found | {"ok": all(each.get("memory_ok", True) for each in found.values())}


def workers(plan: Plan, gpu: bool) -> dict[str, Any]:
    """Several workers on each device: each computes where it was placed."""
    from synthmix.engine import LocalEngine
    from synthmix.engine.places import find_places, visible_gpus

    found: dict[str, Any] = {}
    placed = True
    for each in plan.per_gpu:
        places, _ = find_places(None if gpu else each, 1, each if gpu else None)
        probe = Probe(plan.sizes[0], plan.sequences, plan.context, plan.vocab, plan.seconds, gpu)
        with LocalEngine[Probe, dict[str, Any]](len(places), per_gpu=each if gpu else None) as engine:
            told = [value for _, value in engine.each(steps, [probe] * len(places))]
        failed = [str(value) for value in told if isinstance(value, Exception)]
        if failed:
            return found | {"ok": False, "error": failed[0]}
        asked = sorted(place.gpu or "" for place in places)
        here = sorted(value["visible"] or "" for value in told) if gpu else asked
        placed &= here == asked
        found[f"{each} on a device"] = {
            "workers": len(told),
            "tokens_per_second": sum(value["tokens_per_second"] for value in told),
            "devices": here,
        }
    return found | {"gpus": [one.name for one in visible_gpus()], "ok": placed}


def processes(plan: Plan, gpu: bool) -> dict[str, Any]:
    """One run under torchrun, on every GPU (two processes of a CPU), against one process."""
    from synthmix.engine.places import usable_cores, visible_gpus

    count = len(visible_gpus()) if gpu else min(2, len(usable_cores()))
    count = max(n for n in range(1, count + 1) if plan.batch // plan.context % n == 0)
    call = {"plan": asdict(plan), "precision": "float32"}
    base = elsewhere(call, SYNTHMIX_COMPILE="0")
    found: dict[str, Any] = {"processes": count}
    for parallel in ("ddp", "fsdp"):
        launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count))
        try:
            far = apart(elsewhere(call | {"parallel": parallel}, launcher, SYNTHMIX_COMPILE="0"), base)
            found[parallel] = {"nats_apart": far, "close": far <= CLOSE["float32"]}
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            found[parallel] = {"close": False, "error": str(error)}
    if gpu and count == 1:
        found["note"] = "one GPU: NCCL with one process only, nothing is exchanged"
    return found | {"ok": all(found[parallel]["close"] for parallel in ("ddp", "fsdp"))}


PARTS: dict[str, Callable[[Plan, bool], dict[str, Any]]] = {
    "losses": losses, "resume": resume, "speed": speed, "workers": workers, "processes": processes,
}  # fmt: skip


def machine() -> dict[str, Any]:
    """What it ran on."""
    import platform

    import torch

    from synthmix.engine.places import usable_cores, visible_gpus
    from synthmix.study.execute import versions
    from synthmix.training.device import device_name, faster_precision

    gpu = torch.cuda.is_available()
    return {
        "device": device_name(),
        "gpus": [asdict(one) for one in visible_gpus()],
        "capability": list(torch.cuda.get_device_capability()) if gpu else None,
        "cuda": torch.version.cuda,
        "precision": faster_precision(),
        "cores": len(usable_cores()),
        "system": platform.platform(),
        "versions": versions(),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path("gpu.json"))
    parser.add_argument("--quick", action="store_true", help="small: to test the script")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=570, help="no part is begun after so many")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child is not None:
        call = json.loads(given.child)
        plan = Plan(**{k: tuple(v) if isinstance(v, list) else v for k, v in call["plan"].items()})
        with tempfile.TemporaryDirectory() as folder:
            shared = Path(os.environ.get("SYNTHMIX_GPU_FOLDER", folder))
            told = trained(plan, call["precision"], shared, parallel=call.get("parallel"))
        if told is not None:
            given.to.write_text(json.dumps(told))
        return 0
    import torch

    gpu, begun = torch.cuda.is_available(), time.monotonic()
    plan = QUICK if given.quick else Plan()
    result: dict[str, Any] = {"format": "synthmix-gpu-1", "gpu": gpu, "quick": given.quick, "machine": machine()}
    result["parts"] = {}
    for name in given.only:
        if time.monotonic() - begun > given.seconds:
            result["parts"][name] = {"ok": None, "error": "not begun: the time was up"}
            continue
        started = time.monotonic()
        try:
            told = PARTS[name](plan, gpu)
        except Exception as error:  # noqa: BLE001 - whatever fails on a device is what is to be told
            told = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        result["parts"][name] = told | {"seconds": round(time.monotonic() - started, 1)}
        print(f"{name}: {'ok' if told['ok'] else 'NOT ok'} {told.get('error', '')}".rstrip(), flush=True)
    result["seconds"] = round(time.monotonic() - begun, 1)
    given.to.write_text(json.dumps(result, indent=1))
    print(f"{given.to} is written" + ("" if gpu else ": there is no GPU here, and it says nothing of one"))
    return 0 if all(part["ok"] for part in result["parts"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
