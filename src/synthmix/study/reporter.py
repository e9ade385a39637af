"""What a worker tells while it trains: its progress file, and the curves that were asked for."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from synthmix.files import write_json
from synthmix.training.device import device_name
from synthmix.training.peaks import mfu
from synthmix.training.spec import RunSpec
from synthmix.training.tracking import open_trackers

PROGRESS_SECONDS = 1.0


class Reporter:
    """Writes how far a run is to ``progress.json`` in ``folder``, about once a second; ``tell`` hears the tokens, and
    the trackers named in ``log`` (:mod:`synthmix.training.tracking`) get loss, rate, tokens/s and MFU.

    Args:
        last: the step at which this piece of work ends. devices: that train it together.

    Raises:
        BadInput: a tracker that is not there or not installed.
    """

    def __init__(
        self,
        folder: Path,
        spec: RunSpec,
        last: int,
        tell: Callable[[int], None],
        log: tuple[str, ...] = (),
        devices: int = 1,
    ) -> None:
        self.folder, self.spec, self.last, self.tell = folder, spec, last, tell
        self.told, self.step = time.monotonic(), -1
        settings = spec.model_dump(mode="json", exclude={"protocol"}) | {"peak": spec.peak}
        settings |= spec.protocol.model_dump(mode="json")
        self.trackers = open_trackers(log, folder.parent.parent / "logs", folder.name, settings)
        self.device, self.devices = device_name() if log else "", devices

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.trackers.close()

    def __call__(self, step: int, steps: int, loss: float) -> None:
        now, protocol = time.monotonic(), self.spec.protocol
        if now - self.told <= PROGRESS_SECONDS and step != self.last:
            return
        tokens = step * protocol.batch
        write_json(
            self.folder / "progress.json",
            {"tokens": tokens, "of": self.last * protocol.batch, "loss": loss, "pid": os.getpid()},
        )
        self.tell(tokens)
        if self.trackers.trackers:
            speed = (step - self.step) * protocol.batch / (now - self.told) if 0 <= self.step < step else None
            flops = self.spec.shape.flops_per_token(self.spec.vocab, protocol.context)
            self.trackers.log(
                tokens,
                {
                    "loss": loss,
                    "rate": protocol.rate(step - 1, self.spec.steps, self.spec.peak),
                    "tokens_per_second": speed,
                    "mfu": mfu(speed, flops, self.device, self.devices) if speed else None,
                },
            )
        self.told, self.step = now, step
