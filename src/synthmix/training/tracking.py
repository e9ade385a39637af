"""What a run tells while it trains: its progress file, and curves for TensorBoard, Weights & Biases or MLflow.

Nothing secret is written: settings of the run only, and logins are those tools' own.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from synthmix.errors import BadInput, Failure
from synthmix.files import disk_errors, write_json
from synthmix.training.capabilities import mfu
from synthmix.training.device import device_name
from synthmix.training.spec import RunSpec

PROGRESS_SECONDS = 1.0


class Tracker(Protocol):
    """Told of a run's curves. ``tokens``: how far the run is, the x axis."""

    def log(self, tokens: int, values: Mapping[str, float | None]) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Event files below ``folder``."""

    def __init__(self, folder: Path, run_name: str, config: Mapping[str, Any]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise _missing("tensorboard", "tensorboard") from None
        with disk_errors(folder):
            self._writer = SummaryWriter(str(folder / run_name))
            self._writer.add_text("config", "\n".join(f"- {key}: {value}" for key, value in config.items()))

    def log(self, tokens: int, values: Mapping[str, float | None]) -> None:
        for name, value in _known(values).items():
            self._writer.add_scalar(name, value, tokens)

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A run of the project named after the folder."""

    def __init__(self, folder: Path, run_name: str, config: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError:
            raise _missing("wandb", "wandb") from None
        folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=folder.resolve().name,
            name=run_name,
            id=run_name,
            resume="allow",
            dir=str(folder),
            config=dict(config),
        )

    def log(self, tokens: int, values: Mapping[str, float | None]) -> None:
        self._run.log({**_known(values), "tokens": tokens}, step=tokens)

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """A run of the experiment named after the folder, at MLFLOW_TRACKING_URI or below ``folder``."""

    def __init__(self, folder: Path, run_name: str, config: Mapping[str, Any]) -> None:
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise _missing("mlflow", "mlflow") from None
        folder.mkdir(parents=True, exist_ok=True)
        name = folder.resolve().name
        place = os.environ.get("MLFLOW_TRACKING_URI") or (folder.resolve() / "mlflow").as_uri()
        self._client = MlflowClient(tracking_uri=place)
        experiment = self._client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self._client.create_experiment(name)
        self._run = self._client.create_run(number, run_name=run_name).info.run_id
        for key, value in config.items():
            self._client.log_param(self._run, key, str(value))

    def log(self, tokens: int, values: Mapping[str, float | None]) -> None:
        for name, value in _known(values).items():
            self._client.log_metric(self._run, name, value, step=tokens)

    def close(self) -> None:
        self._client.set_terminated(self._run)


class Trackers:
    """Several at once; none costs nothing."""

    def __init__(self, trackers: Sequence[Tracker] = ()) -> None:
        self.trackers = tuple(trackers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def log(self, tokens: int, values: Mapping[str, float | None]) -> None:
        """Tell all of them; what is None is unknown and left out."""
        for tracker in self.trackers:
            tracker.log(tokens, values)

    def close(self) -> None:
        """Close all of them, also when one fails."""
        with ExitStack() as stack:
            for tracker in self.trackers:
                stack.callback(tracker.close)


KINDS: dict[str, Callable[[Path, str, Mapping[str, Any]], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
}


def open_trackers(names: Sequence[str], folder: Path, run_name: str, config: Mapping[str, Any]) -> Trackers:
    """Trackers by name (``tensorboard``, ``wandb``, ``mlflow``) for one run; no names, no trackers.

    Args:
        folder: where local files go; its name is the project's. run_name: of the curve.
        config: the run's settings, shown beside its curves.

    Raises:
        BadInput: another name, or one that is not installed.
        Failure: the tool cannot start (no login, no server).
    """
    for name in names:
        if name not in KINDS:
            raise BadInput(f"there is no tracker '{name}'", key="--log", remedy=f"write {', '.join(KINDS)}")
    opened: list[Tracker] = []
    try:
        for name in dict.fromkeys(names):
            opened.append(_opened(name, folder, run_name, config))
    except BaseException:
        Trackers(opened).close()
        raise
    return Trackers(opened)


def _opened(name: str, folder: Path, run_name: str, config: Mapping[str, Any]) -> Tracker:
    try:
        return KINDS[name](folder, run_name, config)
    except (BadInput, Failure, OSError):
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise Failure(f"cannot start ({first})", key=f"--log {name}", remedy=f"set up {name}, or drop it") from error


def _missing(name: str, package: str) -> BadInput:
    how = 'pip install "synthmix[track]"' if package == "tensorboard" else f"pip install {package}"
    return BadInput(f"{name} is not installed", key=f"--log {name}", remedy=f"run {how}")


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None}


def _tries(path: Path) -> int:
    """How often the run was begun before, and not ended: its progress is still there."""
    try:
        return max(1, int(json.loads(path.read_text()).get("tries", 1)))
    except (OSError, ValueError, AttributeError, TypeError):
        return 0


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
        self.node, self.tries = socket.gethostname(), _tries(folder / "progress.json") + 1

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
            {
                "tokens": tokens,
                "of": self.last * protocol.batch,
                "loss": loss,
                "pid": os.getpid(),
                "node": self.node,
                "tries": self.tries,
            },
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
