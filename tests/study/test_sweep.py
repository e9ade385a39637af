"""What becomes of a sweep's runs that do not end well."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput, Failure, SynthmixError
from synthmix.progress import Silent
from synthmix.study.execute import RunTask
from synthmix.study.tune import run_sweep
from synthmix.training.device import Diverged
from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec


class Scripted:
    """An engine whose outcomes are written down: by peak rate."""

    workers = threads = 1

    def __init__(self, outcomes: dict[float, str | SynthmixError]) -> None:
        self.outcomes = outcomes

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def each(
        self, task: Callable[[Any], Any], items: Sequence[RunTask], *, tick: Callable[[], Any] = lambda: None
    ) -> Iterator[tuple[RunTask, str | SynthmixError]]:
        for item in items:
            yield item, self.outcomes[item.spec.peak]

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        pass

    def close(self, *, at_once: bool = False) -> None:
        pass


def tasks(folder: Path, rates: Sequence[float]) -> list[RunTask]:
    specs = [
        RunSpec(
            params=25_000, recipe="tune", shares={"text": "1"}, corpora={"text": "0"}, tokenizer="0", vocab=300,
            steps=10, seed=0, protocol=Protocol(context=16, batch=256, learning_rate=rate),
        )
        for rate in rates
    ]  # fmt: skip
    return [RunTask(spec, folder, {}, folder / "tokenizer.json", (), None, "float32") for spec in specs]


def test_a_loss_that_is_not_finite_is_the_rates_fault(tmp_path: Path) -> None:
    three = tasks(tmp_path, [0.01, 0.1, 1.0])
    engine = Scripted({0.01: "done", 0.1: "done", 1.0: Diverged("the loss is nan at step 3 of 10")})
    assert run_sweep(three, engine, Silent()) == {three[2].run}


def test_any_other_failure_is_told_after_the_rest_is_done(tmp_path: Path) -> None:
    engine = Scripted({0.01: Failure("the disk is full", where="runs"), 0.1: "done"})
    with pytest.raises(Failure, match="runs: the disk is full"):
        run_sweep(tasks(tmp_path, [0.01, 0.1]), engine, Silent())


def test_a_run_in_another_process_is_named(tmp_path: Path) -> None:
    (one,) = tasks(tmp_path, [0.01])
    with pytest.raises(BadInput, match=f"{one.run}: another process trains this run"):
        run_sweep([one], Scripted({0.01: "busy"}), Silent())
