"""The nodes of a Ray cluster: what they have, and whether they see a folder."""

import os
import socket
import uuid
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import disk_errors, write_text

SECONDS = 60  # that a node has to look


def alive(ray: Any) -> list[dict[str, Any]]:
    """Nodes that are up: their ``NodeID``, ``NodeManagerHostname`` and ``Resources``."""
    return [node for node in ray.nodes() if node["Alive"]]


def most_on_a_node(ray: Any, resource: str) -> float:
    """The largest amount of a resource that one node has: more can never be scheduled."""
    return max((node["Resources"].get(resource, 0) for node in alive(ray)), default=0)


def check_folder(ray: Any, folder: Path) -> None:
    """Write a marker into ``folder`` and have every node look for it.

    Raises:
        BadInput: a node does not see the folder, or does not answer.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    marker = folder.resolve() / f".seen.{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    with disk_errors(folder):
        write_text(marker, "")
    try:
        asked = {}
        for node in alive(ray):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            remote = ray.remote(_sees).options(num_cpus=0, scheduling_strategy=there)
            asked[remote.remote(str(marker))] = node["NodeManagerHostname"]
        done, late = ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS)
        blind = [asked[reference] for reference in done if not ray.get(reference)]
    finally:
        marker.unlink(missing_ok=True)
    if blind or late:
        names = ", ".join(blind or [asked[reference] for reference in late])
        raise BadInput(
            f"node {names} does not {'see this folder' if blind else 'answer'}",
            where=folder,
            remedy="put the study on a file system that all nodes share",
        )


def _sees(marker: str) -> bool:
    return Path(marker).exists()
