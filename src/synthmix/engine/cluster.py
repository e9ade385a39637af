"""A Ray cluster: each item a task with its cores, its share of a GPU and its memory."""

import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from synthmix.engine.contract import POLL_SECONDS, gibibytes, label_of, least_of, memory_of, nothing, too_large
from synthmix.engine.places import PACKED, usable_cores
from synthmix.engine.worker import guarded, prepare
from synthmix.errors import BadInput, Failure, SynthmixError
from synthmix.files import disk_errors, write_text

Item = TypeVar("Item")
Result = TypeVar("Result")
RETRIES = 2  # of a task whose worker or node is lost (CHOSEN)
LARGE = 2**31  # bytes: above, a worker ends with its task, since its heap would keep them
ANSWER_SECONDS = 20  # that an address has to answer
STORE_BYTES = 128 * 2**20  # of a Ray of our own: items and results are small, the text lies on disk
LOOK_SECONDS = 60  # that a node has to look


class RayEngine(Generic[Item, Result]):
    """Tasks on a Ray cluster, or on a Ray of this process's own. See :class:`synthmix.engine.contract.Engine`.

    The study's folder must be one that every node sees. Tasks that a node takes with it run again elsewhere, and
    go on from their saved state.

    Args:
        address: ``auto``, ``host:port``, ``ray://host:port``; None: a new Ray on this machine.
        workers: tasks at once; None: as many as the cluster has room for, also while it grows.
        per_gpu: tasks that share a GPU.

    Raises:
        BadInput: Ray is missing, no cluster at the address, or more workers than it has room for.
    """

    def __init__(
        self, address: str | None = None, *, workers: int | None = None, threads: int = 1, per_gpu: int | None = None
    ) -> None:
        self._ray, self._ours = connect(address, workers and workers * threads)
        self.threads, self._asked, self._most = threads, workers, 0.0
        cores, gpus = (int(sum(each["Resources"].get(kind, 0) for each in alive(self._ray))) for kind in ("CPU", "GPU"))
        self.per_gpu = per_gpu or max(1, min(PACKED, cores // max(1, gpus)))
        room = gpus * self.per_gpu if gpus else cores // threads
        self._resources = {"num_cpus": 1 if gpus else threads, "num_gpus": 1 / self.per_gpu if gpus else 0}
        if not room or (workers or 1) > room:
            self.close()
            has = f"the cluster has {cores} core(s) and {gpus} GPU(s)"
            raise BadInput(
                f"{workers or 1} workers of {threads} thread(s), and {has}", key="workers", remedy="ask for fewer"
            )
        self.workers = workers or room

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close(at_once=kind is not None)

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster; tasks of this process end with its connection. A Ray that was there before stays."""
        if self._ours and self._ray.is_initialized():
            self._ray.shutdown()
        self._ours = False

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        """Make sure that every node sees ``folder``, and the files that tasks will read.

        Raises:
            BadInput: one does not, or does not answer.
        """
        check_folder(self._ray, folder, reads)

    def each(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Item, Result | SynthmixError]]:
        """Yield ``(item, result)`` as they finish; see :meth:`synthmix.engine.contract.Engine.each`."""
        self._most = most_on_a_node(self._ray, "memory")
        for item in items:
            if least_of(item) > self._most:
                raise too_large(item, f"the largest node has {gibibytes(self._most)}")
        waiting, running = list(reversed(items)), dict[Any, Item]()
        try:
            while waiting or running:
                while waiting and (self._asked is None or len(running) < self._asked):
                    item = waiting.pop()
                    running[self._submit(task, item)] = item
                done, _ = self._ray.wait(list(running), timeout=POLL_SECONDS)
                tick()
                for reference in done:
                    item = running.pop(reference)
                    yield item, self._outcome(reference, label_of(item))
        finally:
            for reference in running if self._ray.is_initialized() else ():
                self._ray.cancel(reference, force=True)

    def _submit(self, task: Callable[[Item], Result], item: Item) -> Any:
        memory = min(memory_of(item), int(self._most))
        options = self._resources | {"max_retries": RETRIES, "retry_exceptions": False}
        if memory:
            options |= {"memory": memory}
        if memory > LARGE:
            options |= {"max_calls": 1}
        return (
            self._ray.remote(run_there).options(**options).remote(task, item, label_of(item), self.threads, os.getcwd())
        )

    def _outcome(self, reference: Any, label: str) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            cause = getattr(error, "cause", None)
            raise (cause if isinstance(cause, Exception) else error) from error
        except (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ) as error:
            return Failure(
                f"its worker or node was lost {RETRIES + 1} times ({type(error).__name__})",
                where=label,
                remedy="finished runs stay: check the cluster (ray status) and run the same command again",
            )


def run_there(task: Callable[[Any], Any], item: Any, label: str, threads: int, folder: str) -> Any:
    """On the node: the task's result, or its ``SynthmixError`` as a value. ``folder``: from which the caller's relative
    paths count."""
    with suppress(OSError):  # what is read is looked for by :func:`check_folder`
        os.chdir(folder)
    prepare(threads)
    value, goes_on = guarded(task, item, label)
    if not goes_on:
        os._exit(1)  # Ray counts the worker as lost and tries again, on another device
    return value


def import_ray() -> Any:
    """The module ``ray``, quiet and without statistics sent home.

    Raises:
        BadInput: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # what it prints would stand in the JSON on stdout
    try:
        import ray
    except ImportError:
        raise BadInput(
            "Ray is not installed", key="engine", remedy='run pip install "synthmix[cluster]", or use --engine local'
        ) from None
    return ray


def connect(address: str | None, cores: int | None) -> tuple[Any, bool]:
    """``(ray, ours)``: connected to the cluster at ``address``, or to a new Ray on ``cores`` cores of this machine;
    ``ours`` when this call made the connection, so that closing it is ours too.

    Raises:
        BadInput: Ray is missing, or no cluster answers at the address.
    """
    ray = import_ray()
    if ray.is_initialized():
        return ray, False
    _silence()
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        there = len(usable_cores())
        options |= {
            "num_cpus": min(cores or there, there),
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        with _on_loopback():
            ray.init(address="local", **options)  # without "local" a RAY_ADDRESS in the environment would be joined
        return ray, True
    if address != "auto":
        _check_answers(address)
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, ImportError) as error:
        raise _dead(address, error) from None
    return ray, True


def _silence() -> None:
    """Keep Ray's messages off stdout, where the JSON of ``--json`` stands, also when a script imported it before
    :func:`import_ray` could tell it so."""
    from ray._private import ray_logging

    for each in (ray_logging.stdout_deduplicator, ray_logging.stderr_deduplicator):
        each.skip_re = each.skip_re or re.compile(".")


@contextmanager
def _on_loopback() -> Iterator[None]:
    """A Ray that is started here listens on the loopback address alone: whoever reaches its ports can run code.

    Ray does so where it allows no clusters (macOS, Windows); an address of 127.0.0.1 that is asked for it replaces by
    one that other machines can reach, so its own switch is what is left.
    """
    from ray._private import ray_constants

    clusters = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters


def _check_answers(address: str) -> None:
    """Ray itself waits for minutes; this is over in seconds."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise BadInput(
            "is not an address", where=address, key="address", remedy="write auto, host:port or ray://host:port"
        )
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _dead(address, error) from None
    if address.startswith("ray://"):
        return
    check = "import sys; from ray.scripts.scripts import cli; cli(['health-check', '--address', sys.argv[1]])"
    try:
        found = subprocess.run(
            [sys.executable, "-c", check, address], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _dead(address, f"no answer within {ANSWER_SECONDS} s") from None
    if found.returncode:
        lines = found.stderr.strip().splitlines()
        raise _dead(address, lines[-1] if lines else "not a Ray head")


def _dead(address: str, error: object) -> BadInput:
    first = (str(error).strip().splitlines() or [""])[0][:160]
    return BadInput(
        f"no Ray cluster answers ({first})",
        where=address,
        key="address",
        remedy="start one with 'ray start --head', or use --engine local",
    )


def alive(ray: Any) -> list[dict[str, Any]]:
    """Nodes that are up: their ``NodeID``, ``NodeManagerHostname`` and ``Resources``."""
    return [node for node in ray.nodes() if node["Alive"]]


def most_on_a_node(ray: Any, resource: str) -> float:
    """The largest amount of a resource that one node has: more can never be scheduled."""
    return max((node["Resources"].get(resource, 0) for node in alive(ray)), default=0)


def check_folder(ray: Any, folder: Path, reads: Sequence[str] = ()) -> None:
    """Write a marker into ``folder`` and have every node look for it, and for one file of each folder in ``reads``.

    Raises:
        BadInput: a node does not see the folder, or does not answer.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    marker = folder.resolve() / f".seen.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    wanted = [str(marker), *{os.path.dirname(path): os.path.abspath(path) for path in reads}.values()]
    with disk_errors(folder):
        write_text(marker, "")
    try:
        asked = {}
        for node in alive(ray):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            remote = ray.remote(_unseen).options(num_cpus=0, scheduling_strategy=there)
            asked[remote.remote(wanted)] = node["NodeManagerHostname"]
        done, late = ray.wait(list(asked), num_returns=len(asked), timeout=LOOK_SECONDS)
        missing = {asked[reference]: ray.get(reference) for reference in done}
    finally:
        marker.unlink(missing_ok=True)
    if late:
        names = ", ".join(asked[reference] for reference in late)
        raise BadInput(f"node {names} does not answer", where=folder, remedy="check the cluster (ray status)")
    first = next((path for path in missing.values() if path is not None), None)
    if first is not None:
        names = ", ".join(node for node, path in missing.items() if path == first)
        own = first == str(marker)
        raise BadInput(
            f"node {names} does not see this {'folder' if own else 'file'}",
            where=folder if own else first,
            remedy="put it on a file system that all nodes share, under the same path",
        )


def _unseen(paths: Sequence[str]) -> str | None:
    """The first of ``paths`` that this node does not see."""
    return next((path for path in paths if not os.path.exists(path)), None)
