"""Other processes that compute: processor time between two looks."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LONGEST = 40  # characters of a command that are shown


@dataclass(frozen=True)
class Look:
    """Processor seconds of each other process so far, by its number, and its name."""

    at: float
    seconds: dict[int, float]
    names: dict[int, str]


@dataclass(frozen=True)
class Busy:
    """A process and the cores that it kept busy between two looks."""

    pid: int
    name: str
    cores: float


def look(proc: Path = PROC) -> Look:
    """All processes but this one that can be seen; none where the system has no /proc."""
    seconds, names = {}, {}
    tick = os.sysconf("SC_CLK_TCK")
    for path in proc.glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text(errors="replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended meanwhile, or is not ours to see
            continue
        fields = rest.split()
        pid = int(path.parent.name)
        if pid != os.getpid() and len(fields) > 12:
            seconds[pid] = (int(fields[11]) + int(fields[12])) / tick
            names[pid] = _command(path.parent) or head.partition("(")[2]
    return Look(time.monotonic(), seconds, names)


def _command(process: Path) -> str:
    """The first words of what was started, as far as we may see it."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    said = " ".join(" ".join([Path(words[0]).name, *words[1:]]).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def busy_between(one: Look, other: Look) -> list[Busy]:
    """The processes of both looks that kept a tenth of a core busy or more, the busiest first."""
    apart = max(other.at - one.at, 1e-9)
    found = [
        Busy(pid, other.names[pid], round((spent - one.seconds[pid]) / apart, 2))
        for pid, spent in other.seconds.items()
        if pid in one.seconds
    ]
    return sorted((each for each in found if each.cores >= 0.1), key=lambda each: -each.cores)
