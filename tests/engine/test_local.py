"""Worker processes: persistent, fitted into the memory, gone with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.engine import LocalEngine, local
from synthmix.engine.local import Job, Worker, gibibytes, next_answers
from synthmix.engine.places import Place
from synthmix.errors import Failure

PID = "__import__('os').getpid()"
WORKERS_THAT_SLEEP = """
import time
from synthmix.engine import LocalEngine

def tell():
    print(*(worker.process.pid for worker in engine._pool), flush=True)

with LocalEngine(2) as engine:
    for item, got in engine.each(abs, [-1, -2]):
        pass
    for _ in engine.each(time.sleep, [600, 600], tick=tell):
        pass
"""
WITHOUT_A_GUARD = """
from dataclasses import dataclass
from os import getpid
from synthmix.engine import LocalEngine

print("begun")

@dataclass(frozen=True)
class Item:
    value: int

def doubled(item):
    return Item(2 * item.value), getpid()

with LocalEngine(1) as engine:
    for item, (found, pid) in engine.each(doubled, [Item(3)]):
        print(found == Item(6), pid != getpid())
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine[Any, Any]]:
    with LocalEngine[Any, Any](2) as made:
        yield made


def _saves_when_told(folder: str) -> None:
    from synthmix.termination import after_this_step, came

    with after_this_step():
        (Path(folder) / "begun").touch()
        while not came():
            time.sleep(0.01)
        time.sleep(0.2)
        (Path(folder) / "saved").touch()


def _deaf(folder: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (Path(folder) / "begun").touch()
    time.sleep(600)


@pytest.mark.parametrize(("task", "saved"), [(_saves_when_told, True), (_deaf, False)])
def test_a_worker_that_is_ended_at_once_may_save_first_but_not_for_ever(
    task: Callable[[str], None], saved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "GRACE_SECONDS", 25.0 if saved else 0.5)
    worker = Worker(Place("cpu"), 1)
    worker.give(Job(task, str(tmp_path), "task", 0))
    while not (tmp_path / "begun").exists():
        assert worker.process.poll() is None
        time.sleep(0.02)
    worker.end(at_once=True)
    assert (tmp_path / "saved").exists() == saved
    assert worker.process.returncode == (128 + signal.SIGTERM if saved else -signal.SIGKILL)


def test_workers_stay_for_the_next_call(engine: LocalEngine[Any, Any]) -> None:
    first = {pid for _, pid in engine.each(eval, [PID] * 8)}
    again = {pid for _, pid in engine.each(eval, [PID] * 8)}
    assert len(first | again) <= 2


def test_workers_that_fill_the_machine_are_pinned(engine: LocalEngine[Any, Any]) -> None:
    assert engine._pool is not None
    for worker in engine._pool:
        place = worker.place
        if place.cores and hasattr(os, "sched_getaffinity"):
            assert os.sched_getaffinity(worker.process.pid) == set(place.cores)


def test_a_worker_killed_between_two_calls_is_replaced(engine: LocalEngine[Any, Any]) -> None:
    list(engine.each(abs, [-1]))
    assert engine._pool is not None
    process = engine._pool[0].process
    process.kill()
    process.wait(60)
    assert sorted(engine.each(abs, [-5, -6])) == [(-6, 6), (-5, 5)]
    assert engine._pool[0].process is not process


def test_tasks_start_only_while_they_fit_in_memory(engine: LocalEngine[Any, Any], needing: Any, tmp_path: Path) -> None:
    """Each says it needs 60 % of the memory and finds no other begun: one at a time, on two workers."""
    lock = tmp_path / "lock"
    alone = f"(lambda p: (p.mkdir(), sum(range(10 ** 6)), p.rmdir()))(__import__('pathlib').Path({str(lock)!r}))"
    most = max(engine._room.values())
    found = [outcome for _, outcome in engine.each(eval, [needing(alone, int(0.6 * most)) for _ in range(4)])]
    assert len(found) == 4, "a second one at the same time would find the folder there and raise"
    assert engine._pool is not None
    assert sum(worker.held for worker in engine._pool) <= most


def test_memory_that_idle_workers_keep_is_given_back(engine: LocalEngine[Any, Any], needing: Any) -> None:
    assert engine._pool is not None
    most = max(engine._room.values())
    for worker in engine._pool:
        worker.held = int(0.4 * most)
    before = {worker.process.pid for worker in engine._pool}
    [(_, pid)] = engine.each(eval, [needing(PID, int(0.9 * most))])
    assert pid not in before, "started anew"
    assert sum(worker.held for worker in engine._pool) <= most


def test_an_error_in_the_caller_ends_workers_in_their_middle() -> None:
    made = LocalEngine[Any, Any](1)

    def interrupted() -> None:
        with made:
            next(iter(made.each(time.sleep, [0, 600])))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert made._pool is None, "closed at once: this test does not take ten minutes"


def test_an_answer_that_nobody_waits_for_does_not_hold_up_the_end() -> None:
    engine = LocalEngine[Any, Any](1)
    begun = engine.each(eval, ["1", "b'x' * 10 ** 7"])  # more than a pipe holds
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    engine.close()


@pytest.mark.parametrize("way", ["file", "stdin", "-c"])
def test_a_script_without_a_guard_works(tmp_path: Path, way: str) -> None:
    """It runs once, and what it defines itself reaches the worker: the same holds for a notebook."""
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_A_GUARD)
    arguments = {"file": [str(script)], "stdin": ["-"], "-c": ["-c", WITHOUT_A_GUARD]}[way]
    stdin = WITHOUT_A_GUARD if way == "stdin" else None
    ran = subprocess.run([sys.executable, *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "begun\nTrue True\n", "")


def test_a_worker_imports_from_where_its_parent_does(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "beside.py").write_text("def triple(x):\n    return 3 * x\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'lib')!r})\nimport beside\n"
    script += (
        "from synthmix.engine import LocalEngine\nwith LocalEngine(1) as e: print(list(e.each(beside.triple, [2])))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ran.stdout, ran.stderr) == ("[(2, 6)]\n", "")


def test_a_process_that_cannot_start_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmix.engine.local.START", "raise SystemExit(3)")
    made = LocalEngine[Any, Any](1)
    with pytest.raises(Failure, match="a worker process could not start; its own error stands above"):
        list(made.each(abs, [-1]))
    assert made._pool is None


def test_a_task_that_cannot_travel_leaves_a_working_engine(engine: LocalEngine[Any, Any]) -> None:
    with pytest.raises(TypeError, match="pickle"):
        list(engine.each(abs, [threading.Lock()]))
    assert list(engine.each(abs, [-5])) == [(-5, 5)]


def test_a_result_that_cannot_travel_is_told(engine: LocalEngine[Any, Any]) -> None:
    with pytest.raises(RuntimeError, match="pickle"):
        list(engine.each(eval, ["__import__('threading').Lock()"]))


def test_a_lost_gpu_is_told_for_each_task(engine: LocalEngine[Any, Any]) -> None:
    from synthmix.engine.places import Place

    worker = Worker(Place("7", gpu="7"), 1)
    try:
        worker.give(Job(abs, -1, "a run", 0))
        answers: list[Any] = []
        while not answers:
            answers = next_answers([worker], 5.0)
        [(_, failure)] = answers
        assert isinstance(failure, Failure)
        assert str(failure).startswith("a run: the device failed or is gone (GPU 7); finished runs stay")
    finally:
        worker.end(at_once=False)


def test_memory_is_told_in_gibibytes() -> None:
    assert gibibytes(1.5 * 2**30) == "1.5 GiB"


def test_workers_end_with_their_parent_even_by_kill_9(tmp_path: Path) -> None:
    script = tmp_path / "sleepers.py"
    script.write_text(WORKERS_THAT_SLEEP)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    # The workers hold the same pipe: it ends when the last of them has ended.
    parent.communicate(timeout=120)
    assert parent.returncode == -signal.SIGKILL
