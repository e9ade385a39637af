"""Addresses that lead nowhere, and what Ray alone does."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synthmix.engine import cluster, open_engine
from synthmix.errors import BadInput


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_dead_address_is_bad_input(scheme: str) -> None:
    with pytest.raises(BadInput, match=r"address: no Ray cluster answers \(.*refused\); start one with 'ray start"):
        open_engine("ray", address=f"{scheme}127.0.0.1:{closed_port()}")


def test_an_address_that_is_not_ray_s_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(BadInput, match=r"no Ray cluster answers \(no answer within 0.5 s\)"):
            open_engine("ray", address=f"127.0.0.1:{silent.getsockname()[1]}")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("ray", {"address": "nonsense"}, "nonsense: address: is not an address; write auto, host:port or ray://"),
        ("ray", {"address": "host:"}, "is not an address"),
        ("local", {"address": "auto"}, "address: an address is a Ray cluster's; add --engine ray"),
        ("slurm", {}, "engine: there is no engine 'slurm'; write local or ray"),
        ("local", {"workers": 10_000}, "workers: 10000 workers asked for"),
    ],
)
def test_options_that_cannot_be(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        open_engine(kind, **options)


def test_without_ray_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match=r'Ray is not installed; run pip install "synthmix\[cluster\]"'):
        open_engine("ray")


class BlindRay:
    """A cluster of two nodes of which the second does not see ``blind`` (None: the folder)."""

    def __init__(self, blind: str | None = None) -> None:
        self.blind = blind

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"Alive": True, "NodeID": "a" * 56, "NodeManagerHostname": "one", "Resources": {"memory": 5.0}},
            {"Alive": True, "NodeID": "b" * 56, "NodeManagerHostname": "two", "Resources": {"memory": 9.0}},
            {"Alive": False, "NodeID": "c" * 56, "NodeManagerHostname": "gone", "Resources": {"memory": 99.0}},
        ]

    def remote(self, function: Any) -> "BlindRay":
        self.function = function
        return self

    def options(self, scheduling_strategy: Any, **_: Any) -> Any:
        self.node = scheduling_strategy.node_id
        return type("Remote", (), {"remote": lambda _, paths: self.looked(paths)})()

    def looked(self, paths: list[str]) -> Any:
        self.blind = self.blind or paths[0]
        return self.node, self.function(paths)

    def wait(self, references: list[Any], **_: Any) -> tuple[list[Any], list[Any]]:
        return references, []

    def get(self, reference: Any) -> bool:
        node, unseen = reference
        return self.blind if node.startswith("b") else unseen


def test_a_node_that_does_not_see_the_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=rf"{tmp_path}: node two does not see this folder; put it on a file system"):
        cluster.check_folder(BlindRay(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_does_not_see_a_file_that_is_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    file = str(tmp_path / "a.jsonl")
    with pytest.raises(BadInput, match=r"a\.jsonl: node two does not see this file; put it on a file system that all"):
        cluster.check_folder(BlindRay(file), tmp_path, [file])
    with pytest.raises(BadInput, match=r"b\.jsonl: node one, two does not see this file|b\.jsonl: node one does not"):
        cluster.check_folder(BlindRay(file), tmp_path, [str(tmp_path / "b.jsonl")])


def test_a_lost_node_offers_nothing() -> None:
    assert cluster.most_on_a_node(BlindRay(), "memory") == 9.0
    assert len(cluster.alive(BlindRay())) == 2


OWN = """
import glob, os, sys
import ray  # before synthmix can tell it what to keep to itself
from synthmix.engine import cluster, open_engine

cluster.RETRIES = 0

def listening():
    found = {}
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in open(name).read().splitlines()[1:]:
            cells = line.split()
            if cells[3] == "0A":
                found[f"socket:[{cells[9]}]"] = cells[1].split(":")[0]
    return found

def held(mine):
    for path in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if ray._private.worker._global_node.session_name in open(f"/proc/{path.split('/')[2]}/cmdline").read():
                yield mine.get(os.readlink(path))
        except OSError:
            pass

die = "__import__('os').kill(__import__('os').getpid(), 9)"
with open_engine("ray", workers=1) as engine:
    [(_, failure)] = engine.each(eval, [die])
    addresses = {address for address in held(listening()) if address}
    print(f"{type(failure).__name__} {sorted(addresses)}", file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks at Linux's list of sockets")
def test_a_ray_of_our_own_is_on_the_loopback_address_and_silent() -> None:
    ran = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    name, _, addresses = ran.stderr.splitlines()[-1].partition(" ")
    assert name == "Failure"
    assert addresses == "['0000000000000000FFFF00000100007F']", "127.0.0.1"
