"""Training loops that benchmarks/training.py compares, each in a process of its own that waits between its turns."""

import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Loop:
    """What a process trains, and how. ``threads`` 0: all. ``own``: our module and step, else transformers'."""

    name: str
    threads: int = 0
    own: bool = False
    bf16: bool = False
    attention: str | None = None  # None: transformers' default
    heap: bool = False
    compile: bool = False


@dataclass(frozen=True)
class Work:
    """The same for all: a size, and the batch's shape."""

    params: int
    vocab: int
    context: int
    batch: int
    seed: int = 0


class Contender:
    """A process with a loop in it: ``turn`` runs it for some seconds, ``losses`` trains on given batches."""

    def __init__(self, loop: Loop, work: Work) -> None:
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there, loop, work))
        self.process.start()
        there.close()

    def ready(self) -> None:
        """Wait until it is built, compiled and warm."""
        self.here.recv()

    def turn(self, seconds: float) -> None:
        """Begin a turn."""
        self.here.send(("rate", seconds))

    def result(self) -> Any:
        """Of the turn: tokens/s, by the median step."""
        return self.here.recv()

    def losses(self, batches: Any) -> list[float]:
        """Train from the start on ``batches``; the loss of each."""
        self.here.send(("losses", batches))
        return list(self.here.recv())

    def close(self) -> None:
        """End the process."""
        self.here.send(("end", None))
        self.process.join()


def _serve(pipe: Connection, loop: Loop, work: Work) -> None:
    import torch

    from synthmix.training.device import keep_heap, use_threads

    if loop.heap:
        keep_heap()
    use_threads(loop.threads or os.cpu_count() or 1)
    generator = torch.Generator().manual_seed(0)
    batch = torch.randint(work.vocab, (work.batch // work.context, work.context + 1), generator=generator)
    step = _build(loop, work)
    for _ in range(3):
        step(batch)
    pipe.send("ready")
    while True:
        asked, argument = pipe.recv()
        if asked == "end":
            return
        if asked == "losses":
            step = _build(loop, work)
            pipe.send([step(torch.from_numpy(each)) for each in argument])
            continue
        taken, end = [], time.perf_counter() + argument
        while time.perf_counter() < end or len(taken) < 3:
            begun = time.perf_counter()
            step(batch)
            taken.append(time.perf_counter() - begun)
        pipe.send(work.batch / statistics.median(taken))


def _build(loop: Loop, work: Work) -> Any:
    """A function that takes one step on a batch and returns its loss."""
    import torch

    from synthmix.training.compiled import prepare
    from synthmix.training.model import as_transformers, make_model, optimizer_for, train_step
    from synthmix.training.shape import shape_for

    precision = "bf16" if loop.bf16 else "float32"
    model = make_model(shape_for(work.params), work.vocab, work.context, work.seed).train()
    if loop.own:
        os.environ["SYNTHMIX_COMPILE"] = str(int(loop.compile))
        rows = work.batch // work.context
        prepare(model, flops=0, sequences=rows, context=work.context, precision=precision)
        ours = optimizer_for(model, 2e-3, 0.1, (0.9, 0.95))
        return lambda batch: train_step(model, ours, batch, precision, 1.0)
    theirs = as_transformers(model).train()
    theirs.set_attn_implementation(loop.attention or "sdpa")
    groups = optimizer_for(theirs, 2e-3, 0.1, (0.9, 0.95)).param_groups
    # What one writes first: AdamW as it comes (the same rates and decay as ours, so that losses can be compared).
    optimizer = torch.optim.AdamW(
        [{"params": group["params"], "weight_decay": group["weight_decay"]} for group in groups],
        lr=2e-3,
        betas=(0.9, 0.95),
    )
    forward = torch.compile(theirs) if loop.compile else theirs

    def step(batch: Any) -> float:
        ids, targets = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
        with torch.autocast("cpu", torch.bfloat16, enabled=loop.bf16):
            loss = forward(input_ids=ids, labels=ids, shift_labels=targets).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    return step
