"""The evidence table: what others measured of synthetic text against natural text, an effect a row, facts alone.

``data/effects/`` has a CSV file a source, ``data/throughputs/`` what generation took, ``data/studies.csv`` where each
source is to be found (docs/guides/add-evidence.md).
"""

import csv
import io
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from synthmix.errors import BadInput
from synthmix.quantities import parse_number
from synthmix.reading import read_whole
from synthmix.results import Part
from synthmix.validation import Model, validated

Unit = Literal["nats", "score", "speedup", "share"]
REMEDY = "docs/guides/add-evidence.md has every column"
_WHERE = "evidence"


def _empty(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _number(value: Any) -> Any:
    return parse_number(value) if isinstance(value, str) else value


Positive = Annotated[
    float | None, Field(gt=0, allow_inf_nan=False), BeforeValidator(lambda value: _number(_empty(value)))
]
Stated = Annotated[str, Field(min_length=1)]


class Effect(Part):
    """One published effect.

    Attributes:
        study: its source, a row of ``studies.csv``. recipe: as its authors name it.
        kind: the kind of synthetic text. generator, generator_params: what wrote it.
        base: the natural text that it was mixed with, and that it is compared with.
        N, D: parameters and training tokens, as its source counts them. share: synthetic part of the tokens; None: not
            said.
        metric: what was measured. unit: ``nats`` (a loss, lower is better), ``score`` (0 to 1, higher is better),
            ``speedup`` (tokens of natural text alone over the mixture's, for the same result), ``share`` (the source's
            own best share).
        effect: mixture minus natural text alone, in that unit; of ``speedup`` and ``share`` the value itself.
        se: its standard error; None: not known, and ``se_note`` says why, or what it is of.
        runs: behind the mixture's value. obtained: how the figure was got.
    """

    study: Stated
    kind: Stated
    recipe: Stated
    generator: str = ""
    generator_params: Positive = None
    base: Stated
    N: Positive = None
    D: Positive = None
    share: Annotated[float | None, Field(gt=0, le=1), BeforeValidator(lambda value: _number(_empty(value)))] = None
    metric: Stated
    unit: Unit
    effect: Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
    se: Positive = None
    se_note: Stated
    runs: int = Field(default=1, ge=1)
    obtained: Stated

    @model_validator(mode="after")
    def _within(self) -> "Effect":
        if self.unit == "score" and abs(self.effect) > 1:
            raise ValueError("effect: a score lies between 0 and 1; write 2 points as 0.02")
        if self.unit == "share" and not 0 <= self.effect <= 1:
            raise ValueError("effect: a best share lies between 0 and 1")
        if self.unit == "speedup" and not self.effect > 0:
            raise ValueError("effect: a speed-up is above 0")
        return self

    @property
    def gain(self) -> float:
        """The effect with the sign that is better."""
        return -self.effect if self.unit == "nats" else self.effect


class Study(Part):
    """A source of effects: who measured, where it stands, what it is about, and what was read of it."""

    study: Stated
    source: Stated
    link: Stated
    about: Stated
    read_from: Stated


class Throughput(Part):
    """What generating one corpus took.

    Attributes:
        tokens_in, tokens_out: read and written. gpu_hours: together. gpu: which one; empty: not said.
    """

    study: Stated
    kind: Stated
    set: Stated
    generator: Stated
    generator_params: Positive = None
    gpu: str = ""
    tokens_in: Positive = None
    tokens_out: Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
    gpu_hours: Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]

    @property
    def hours_per_billion(self) -> float:
        """GPU-hours for a billion tokens written."""
        return self.gpu_hours / self.tokens_out * 1e9


def _rows(text: str, kind: type[Model], where: str | Path) -> Iterator[Model]:
    reader = csv.DictReader(io.StringIO(text))
    for number, row in enumerate(reader, 2):
        if None in row or None in row.values():
            problem = f"line {number}: has not as many cells as the heading"
            raise BadInput(problem, where=where, remedy=REMEDY)
        given = {key: value for key, value in row.items() if value is not None and value.strip()}
        yield validated(kind, given, where=where, problem=f"line {number}: is no row of evidence", remedy=REMEDY)


def _folder(name: str) -> list[Traversable]:
    found = (each for each in (files(__package__) / "data" / name).iterdir() if each.name.endswith(".csv"))
    return sorted(found, key=lambda each: each.name)


def read_effects(path: str | Path) -> tuple[Effect, ...]:
    """Effects of a CSV file with the table's columns.

    Raises:
        BadInput: no such file, no row, or a row that does not fit, by its line.
    """
    found = tuple(_rows(read_whole(path), Effect, path))
    if not found:
        raise BadInput("has no row", where=path, remedy=REMEDY)
    return found


@cache
def effects() -> tuple[Effect, ...]:
    """All effects that come with the package."""
    return tuple(row for each in _folder("effects") for row in _rows(each.read_text("utf-8"), Effect, each.name))


@cache
def studies() -> dict[str, Study]:
    """Sources by their name in the table."""
    text = (files(__package__) / "data" / "studies.csv").read_text("utf-8")
    return {row.study: row for row in _rows(text, Study, "studies.csv")}


@cache
def throughputs() -> tuple[Throughput, ...]:
    """What generation took, as published."""
    return tuple(
        row for each in _folder("throughputs") for row in _rows(each.read_text("utf-8"), Throughput, each.name)
    )


def kinds(rows: tuple[Effect, ...] | None = None) -> tuple[str, ...]:
    """Kinds that something is published about, those with the most rows first."""
    counts: dict[str, int] = {}
    for row in effects() if rows is None else rows:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    return tuple(sorted(counts, key=lambda kind: (-counts[kind], kind)))
