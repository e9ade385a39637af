import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synthmix.engine import LocalEngine
from synthmix.errors import BadInput, Failure
from synthmix.training.shape import Shape, shape_for

WORKERS_THAT_SLEEP = """
import sys, time
from synthmix.engine import LocalEngine

def tell():
    if engine._pool._processes:
        print(*engine._pool._processes, flush=True)

with LocalEngine(2) as engine:
    for item, got in engine.each(abs, [-1, -2]):
        pass
    for _ in engine.each(time.sleep, [600, 600], tick=tell):
        pass
"""


@pytest.fixture(scope="module")
def engine() -> Any:
    with LocalEngine[Any, Any](2) as made:
        yield made


def test_every_item_comes_back_with_its_result(engine: LocalEngine[Any, Any]) -> None:
    assert sorted(engine.each(abs, [-3, 2, -1])) == [(-3, 3), (-1, 1), (2, 2)]
    assert list(engine.each(abs, [])) == []


def test_workers_are_other_processes_and_stay_for_the_next_call(engine: LocalEngine[Any, Any]) -> None:
    asked = "__import__('os').getpid()"
    first = {pid for _, pid in engine.each(eval, [asked] * 8)}
    assert os.getpid() not in first
    assert len(first) <= 2
    again = {pid for _, pid in engine.each(eval, [asked] * 8)}
    assert len(first | again) <= 2


def test_a_worker_has_one_thread(engine: LocalEngine[Any, Any]) -> None:
    assert [n for _, n in engine.each(eval, ["__import__('torch').get_num_threads()"])] == [1]


def test_an_item_s_own_error_is_its_result_and_the_others_go_on(engine: LocalEngine[Any, Any]) -> None:
    found = dict(engine.each(shape_for, [25_000, 7, 100_000]))
    assert isinstance(found[25_000], Shape)
    assert isinstance(found[100_000], Shape)
    assert isinstance(found[7], BadInput)
    assert str(found[7]) == "params: 7 parameters make no Llama; ask for 25k or more"


def test_a_bug_in_a_task_is_not_swallowed(engine: LocalEngine[Any, Any]) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(engine.each(int, ["no number"]))


def test_tick_is_called_while_waiting(engine: LocalEngine[Any, Any]) -> None:
    ticks: list[int] = []
    list(engine.each(abs, [1, 2], tick=lambda: ticks.append(1)))
    assert ticks


def test_a_killed_worker_is_a_failure_and_the_next_call_has_new_ones() -> None:
    with LocalEngine[Any, Any](1) as engine:
        with pytest.raises(Failure, match="a worker process was killed, perhaps for want of memory; run the same"):
            list(engine.each(signal.raise_signal, [signal.SIGKILL]))
        assert list(engine.each(abs, [-5])) == [(-5, 5)]


def test_a_worker_killed_between_two_calls_is_a_failure_too() -> None:
    with LocalEngine[Any, Any](1) as engine:
        [(_, pid)] = engine.each(eval, ["__import__('os').getpid()"])
        assert engine._pool is not None
        process = engine._pool._processes[pid]
        os.kill(pid, signal.SIGKILL)
        process.join(60)
        with pytest.raises(Failure, match="a worker process was killed"):
            list(engine.each(abs, [-5]))


def test_an_error_in_the_caller_ends_workers_in_their_middle() -> None:
    made = LocalEngine[Any, Any](1)

    def interrupted() -> None:
        with made:
            next(iter(made.each(time.sleep, [0, 600])))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert made._pool is None, "closed at once: this test does not take ten minutes"


def test_workers_end_with_their_parent_even_by_kill_9(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", WORKERS_THAT_SLEEP], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    # The workers hold the same pipe: it ends when the last of them has ended.
    parent.communicate(timeout=120)
    assert parent.returncode == -signal.SIGKILL
