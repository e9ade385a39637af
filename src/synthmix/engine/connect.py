"""From an address to a running Ray, or to one line that says why not."""

import os
import socket
import subprocess
import sys
from typing import Any

from synthmix.engine.places import usable_cores
from synthmix.errors import BadInput

SECONDS = 20  # that an address has to answer
STORE_BYTES = 128 * 2**20  # of a Ray of our own: items and results are small, the text lies on disk


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
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        there = len(usable_cores())
        options |= {
            "num_cpus": min(cores or there, there),
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
        # Else a RAY_ADDRESS in the environment would be joined.
        ray.init(address="local", **options)
        return ray, True
    if address != "auto":
        _check_answers(address)
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, ImportError) as error:
        raise _dead(address, error) from None
    return ray, True


def _check_answers(address: str) -> None:
    """Ray itself waits for minutes; this is over in seconds."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise BadInput(
            "is not an address", where=address, key="address", remedy="write auto, host:port or ray://host:port"
        )
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _dead(address, error) from None
    if address.startswith("ray://"):
        return
    check = "import sys; from ray.scripts.scripts import cli; cli(['health-check', '--address', sys.argv[1]])"
    try:
        found = subprocess.run(
            [sys.executable, "-c", check, address], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _dead(address, f"no answer within {SECONDS} s") from None
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
