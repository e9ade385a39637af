"""A finding, and the whole diagnosis."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from synthmix.doctor.busy import Busy
from synthmix.doctor.machine import Machine
from synthmix.doctor.packages import Extra, Package
from synthmix.training.abilities import Abilities

Level = Literal["broken", "slow", "note"]
LEVELS: tuple[Level, ...] = ("broken", "slow", "note")


@dataclass(frozen=True)
class Finding:
    """``broken``: synthmix does not work so; ``slow``: slower or smaller than the machine could; ``note``: good to
    know. ``what`` is a clause, ``remedy`` an instruction."""

    code: str
    level: Level
    what: str
    remedy: str | None = None


@dataclass(frozen=True)
class Speed:
    """Training of one run with all threads: ``params`` non-embedding; ``timed`` False: scaled by FLOPs from the largest
    timed size; ``seconds``: of 20 tokens a parameter."""

    params: int
    tokens_per_second: float
    timed: bool
    seconds: float


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`synthmix.diagnose` found; ``findings``: the worst first. ``abilities`` None: torch does not load."""

    version: str
    python: str
    machine: Machine
    abilities: Abilities | None
    largest: int | None
    busy: list[Busy]
    core: list[Package]
    extras: list[Extra]
    findings: list[Finding]
    speeds: list[Speed] | None

    @property
    def usable(self) -> bool:
        """Whether nothing that the core needs is broken."""
        return all(finding.level != "broken" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        extras = [{**asdict(extra), "installed": extra.installed} for extra in self.extras]
        return {"usable": self.usable, **asdict(self), "extras": extras}
