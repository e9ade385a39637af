"""What torchrun starts for test_parallel.py: both worlds of two processes, one process group.

Each world trains a run unbroken, goes on from one process's state, stops in its middle (its state is gone on with by
itself, and by one process in the test), and meets a batch that does not divide. What came out is written as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from synthmix.errors import SynthmixError
from synthmix.training.checkpoint import STATE
from synthmix.training.parallel import Sharded, Together, open_world
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import Session, train_run


class Tokens:
    """Tokens in memory, read as a corpus's stream is."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.ids[start:stop]


def keep(model: Any, path: Path) -> None:
    save_file({name: parameter.detach().clone() for name, parameter in model.named_parameters()}, path)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    given = json.loads((folder / "given.json").read_text())
    spec, odd = (RunSpec.model_validate(given[name]) for name in ("spec", "odd"))
    streams = {name: Tokens(ids.numpy()) for name, ids in load_file(folder / "tokens").items()}
    found: dict[str, Any] = {}
    with open_world("ddp") as opened:
        for name, world in (("ddp", opened), ("fsdp", Sharded(opened.rank, opened.size))):
            at = folder / name
            steps: list[int] = []
            whole = train_run(spec, streams, at / "whole", precision="float32", world=world)
            resumed = train_run(
                spec,
                streams,
                at / "from-one",
                precision="float32",
                world=world,
                report=lambda step, *_, steps=steps: steps.append(step),
            )
            half = Session(spec, streams, owner=spec.id, precision="float32", eos=None, world=world)
            half.advance(12, save_to=at / "unused")
            half.save(at / "middle" / STATE)
            parts = Session(spec, streams, owner=spec.id, precision="float32", eos=None, world=world)
            parts.micro = 3
            parts.advance(12, save_to=at / "unused")
            parts.save(at / "to-one" / STATE)
            again = train_run(spec, streams, at / "middle", precision="float32", world=world)
            try:
                train_run(odd, streams, at / "odd", precision="float32", world=world)
                odd_error = ""
            except SynthmixError as error:
                odd_error = f"{type(error).__name__}: {error}"
            agreed = world.agree(world.is_main)
            mean = world.mean(float(world.rank))
            if world.is_main:
                found[name] = {
                    "kind": type(world).__name__,
                    "trace": whole.trace,
                    "steps": steps,
                    "odd": odd_error,
                    "agreed": agreed,
                    "mean": mean,
                }
                keep(whole.model, at / "whole.safetensors")
                keep(resumed.model, at / "from-one.safetensors")
                keep(again.model, at / "middle.safetensors")
        assert isinstance(opened, Together)
        if opened.is_main:
            (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
