"""What both engines promise: one body of tests, worker processes and a real Ray of two nodes on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.engine import Engine, open_engine
from synthmix.engine.cluster import import_ray
from synthmix.errors import BadInput, Failure
from synthmix.training.shape import Shape, shape_for

pytestmark = pytest.mark.smoke

PID = "__import__('os').getpid()"
DIE = "__import__('os').kill(__import__('os').getpid(), 9)"


NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
SPARE = {**NODE, "resources": {"spare": 1}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import_ray()
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
    made.add_node(**SPARE)
    yield made
    made.shutdown()


@pytest.fixture(scope="module", params=["local", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine[Any, Any]]:
    address = request.getfixturevalue("cluster").address if request.param == "ray" else None
    with open_engine(request.param, workers=2, address=address) as made:
        yield made


def test_every_item_comes_back_with_its_result(engine: Engine[Any, Any]) -> None:
    assert sorted(engine.each(abs, [-3, 2, -1])) == [(-3, 3), (-1, 1), (2, 2)]
    assert list(engine.each(abs, [])) == []
    assert engine.workers == 2


def test_tasks_run_in_other_processes(engine: Engine[Any, Any]) -> None:
    pids = {pid for _, pid in engine.each(eval, [PID] * 6)}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def test_relative_paths_are_the_caller_s(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_engine("ray", workers=1, address=cluster.address) as engine:
        assert [found for _, found in engine.each(eval, ["__import__('os').getcwd()"])] == [str(tmp_path)]


def test_a_worker_has_one_thread(engine: Engine[Any, Any]) -> None:
    encoding = "__import__('synthmix.corpus.fast_bpe', fromlist=['']).usable_cores()"
    found = dict(engine.each(eval, ["__import__('torch').get_num_threads()", encoding]))
    assert set(found.values()) == {1}
    assert len(found) == 2


def test_an_item_s_own_error_is_its_result_and_the_others_go_on(engine: Engine[Any, Any]) -> None:
    found = dict(engine.each(shape_for, [25_000, 7, 100_000]))
    assert isinstance(found[25_000], Shape)
    assert isinstance(found[100_000], Shape)
    error = found[7]
    assert isinstance(error, BadInput)
    assert str(error) == "params: 7 parameters are too few; the minimum is 25k"
    assert (error.where, error.key, error.remedy) == (None, "params", "the minimum is 25k")


def test_a_bug_in_a_task_is_not_swallowed(engine: Engine[Any, Any]) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        list(engine.each(int, ["no number"]))
    assert list(engine.each(abs, [-5])) == [(-5, 5)], "and the engine goes on"


def test_tick_is_called_while_waiting(engine: Engine[Any, Any]) -> None:
    ticks: list[int] = []
    list(engine.each(abs, [1, 2], tick=lambda: ticks.append(1)))
    assert ticks


def test_a_killed_worker_s_task_is_tried_again(engine: Engine[Any, Any], kill_once: Any, tmp_path: Path) -> None:
    code = kill_once(tmp_path / "killed")
    assert dict(engine.each(eval, [code, "1 + 1", "2 + 2"])) == {code: True, "1 + 1": 2, "2 + 2": 4}
    assert (tmp_path / "killed").exists(), "it did kill its worker"


def test_a_task_that_always_kills_its_worker_is_a_failure_that_names_it(
    engine: Engine[Any, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    found = dict(engine.each(eval, [DIE, "3"]))
    assert found["3"] == 3
    assert isinstance(found[DIE], Failure)
    assert str(found[DIE]).startswith(repr(DIE))
    assert "finished runs stay" in str(found[DIE])
    # Ray tells of lost workers on stdout, where ``--json`` has its value.
    assert list(engine.each(abs, [-1])) == [(-1, 1)]
    assert capfd.readouterr().out == ""


def test_out_of_memory_is_a_failure_that_names_the_task(engine: Engine[Any, Any]) -> None:
    [(item, failure)] = engine.each(eval, ["bytearray(2 ** 62)"])
    assert isinstance(failure, Failure)
    assert str(failure).startswith(f"{item!r}: out of memory")


def test_a_lost_device_is_a_failure(engine: Engine[Any, Any]) -> None:
    code = "(_ for _ in ()).throw(RuntimeError('CUDA error: the launch timed out'))"
    [(_, failure)] = engine.each(eval, [code])
    assert isinstance(failure, Failure)
    assert "finished runs stay" in str(failure)


def test_leaving_a_call_in_its_middle_leaves_a_working_engine(engine: Engine[Any, Any]) -> None:
    begun = engine.each(abs, [-1, -2, -3, -4])
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    assert sorted(engine.each(abs, [-7, -8])) == [(-8, 8), (-7, 7)]


def test_too_little_memory_is_said_before_the_start(engine: Engine[Any, Any], needing: Any, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    items = [needing(f"open({str(begun)!r}, 'w')", 0), needing("1", 2**60)]
    with pytest.raises(BadInput, match=r"<1>: needs 1.07e\+09 GiB of memory, "):
        list(engine.each(eval, items))
    assert not begun.exists()


def test_the_folder_is_seen(engine: Engine[Any, Any], tmp_path: Path) -> None:
    engine.check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_node_s_task_runs_again_on_another(cluster: Any, tmp_path: Path) -> None:
    """The first attempt waits for its node to be taken away; the second finds its trace and ends."""
    [node] = cluster.worker_nodes
    begun = (
        "(lambda p, os, t: [(p / str(os.getpid())).touch(), "
        "[t.sleep(0.05) for _ in range(1200) if len(list(p.iterdir())) < 2], len(list(p.iterdir()))][-1])"
        f"(__import__('pathlib').Path({str(tmp_path)!r}), __import__('os'), __import__('time'))"
    )
    taken: list[Any] = []

    def take_away() -> None:
        if not taken and list(tmp_path.iterdir()):
            taken.append(node)
            cluster.remove_node(node)
            cluster.add_node(**SPARE)

    with open_engine("ray", address=cluster.address) as engine:
        engine._resources["resources"] = {"spare": 1}  # type: ignore[attr-defined]
        assert [found for _, found in engine.each(eval, [begun], tick=take_away)] == [2]
    assert taken
