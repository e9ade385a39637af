"""The mapping file: which column of a foreign table is what, what is calculated, which rows count, in which units."""

import fnmatch
import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.reading import parse_yaml, read_whole
from synthmix.validation import validated

Unit = Literal["nats", "bits", "bits_per_byte", "percent", "score", "perplexity"]
Rows = Literal["run", "last", "every"]

#: Our column -> names under which it is found without being told. Case does not count, and ``/``, ``.``, ``-`` and
#: spaces are as ``_``. The order counts only for the columns of :data:`KEPT`.
ALIASES: dict[str, tuple[str, ...]] = {
    "N": ("n", "params", "parameters", "n_params", "num_params", "model_size", "n_no_embed", "non_embedding_params"),
    "N_total": ("n_total", "total_params", "params_total"),
    "D": (
        "d",
        "tokens",
        "training_tokens",
        "train_tokens",
        "n_tokens",
        "consumed_tokens",
        "tokens_seen",
        "num_input_tokens_seen",
    ),
    "loss": ("loss", "val_loss", "validation_loss", "valid_loss", "eval_loss", "test_loss", "lm_loss"),
    "share": ("share", "synthetic_share"),
    "unique": ("unique", "unique_tokens"),
    "quality": ("quality",),
    "weight": ("weight",),
    "seed": ("seed",),
    "recipe": ("recipe",),
    "run": ("run", "run_id", "runname", "run_name", "id", "name"),
    "step": ("step", "steps", "global_step", "iteration"),
    "group": ("group",),
    "stage": ("stage",),
    "synthetic": ("synthetic",),
    "flops": ("flops",),
    "seconds": ("seconds",),
    "vocab": ("vocab", "vocab_size", "vocabulary", "vocabulary_size"),
    "diverged": ("diverged",),
}
#: Taken where they are there, never asked for.
KEPT = ("run", "step", "group", "stage", "synthetic", "flops", "seconds", "N_total", "vocab", "diverged")
#: Patterns that name several columns at once.
PATTERNS = ("shares", "metrics")
#: Prefixes of the columns that a table may have any number of.
OPEN = ("share.", "unique.", "loss.", "bits.", "task.")


class Mixture(BaseModel):
    """Shares that stand in one cell: ``0.9 web + 0.1 qa``, ``web:0.9,qa:0.1``, ``mix-0.9-web-0.1-qa``, ``web-qa``.

    Attributes:
        of: the column or expression that holds it (key ``from``).
        separator: what parts its pieces. A number is the share of the name beside it; names without any share equally.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    of: str = Field(alias="from")
    separator: str = "+"


class Mapping(BaseModel):
    """What a mapping file says; every key may be left out.

    Attributes:
        columns: our column -> a column, an expression over columns, or a constant.
        shares: pattern of the columns that hold the shares of sources, or pattern -> name (``*`` is what it matched).
        metrics: pattern, patterns, or pattern -> name of further measurements.
        mixture: shares that stand in one cell.
        where: an expression; only rows for which it holds are read.
        rows: ``run``: a row is a run; ``last``: a row is a step, and the last one of each run counts; ``every``: all
            steps count, as one correlated group a run.
        units: our column or pattern -> its unit. higher_is_better: patterns of metrics that grow.
        natural, synthetic: patterns of sources. rest: the source that has what the other shares leave.
        normalise_shares: divide the shares of a row by their sum.
        decimal: the decimal point, where cells are written ``1,5``.
        format: how the source is read, where its name and content do not say.
    """

    model_config = ConfigDict(extra="forbid")
    columns: dict[str, str | int | float] = Field(default={})
    shares: dict[str, str] = Field(default={})
    metrics: dict[str, str] = Field(default={})
    mixture: Mixture | None = None
    where: str | None = None
    rows: Rows | None = None
    units: dict[str, Unit] = Field(default={})
    higher_is_better: list[str] = Field(default=[])
    natural: list[str] = Field(default=[])
    synthetic: list[str] = Field(default=[])
    rest: str | None = None
    normalise_shares: bool = False
    decimal: Literal[".", ","] | None = None
    format: str | None = None

    @field_validator("shares", "metrics", mode="before")
    @classmethod
    def _patterns(cls, value: Any, info: Any) -> Any:
        """A pattern, or several: shares are named by what ``*`` stands for, metrics as their columns are."""
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return dict.fromkeys(value, "*" if info.field_name == "shares" else "")
        return value

    @field_validator("natural", "synthetic", "higher_is_better", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("columns")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        for key in value:
            if key not in ALIASES and not key.startswith(OPEN):
                raise ValueError(
                    f"{key!r} is no column of the runs table; known: {', '.join(ALIASES)}, {'X, '.join(OPEN)}X"
                )
        return value

    def with_columns(self, told: Map[str, str]) -> "Mapping":
        """This one, with what ``--columns`` says instead where both say something."""
        columns = {**self.columns, **{key: name for key, name in told.items() if key not in PATTERNS}}
        changes: dict[str, Any] = {"columns": columns}
        changes |= {key: {told[key]: "*" if key == "shares" else ""} for key in PATTERNS if key in told}
        return self.model_copy(update=changes)

    def unit(self, column: str) -> Unit | None:
        """The unit that is told for one of our columns; the longest pattern that matches it counts."""
        found = [pattern for pattern in self.units if fnmatch.fnmatchcase(column, pattern)]
        return self.units[max(found, key=len)] if found else None

    def grows(self, column: str) -> bool | None:
        """Whether a metric is told to be better when it is higher; None: nothing is told."""
        return True if any(fnmatch.fnmatchcase(column, pattern) for pattern in self.higher_is_better) else None


def read_mapping(path: str | Path) -> Mapping:
    """A mapping file (YAML).

    Raises:
        BadInput: missing, not YAML, an unknown key or a value of the wrong kind.
    """
    path = Path(placed(path))
    held = parse_yaml(read_whole(path), where=path)
    if not isinstance(held, dict) or not held:
        raise BadInput("names no column", where=path, remedy="write columns: {N: params, D: tokens, loss: val_loss}")
    return mapping_of(held, where=path)


def mapping_of(held: Map[str, Any], *, where: str | Path = "mapping") -> Mapping:
    """A mapping from plain data.

    Raises:
        BadInput: an unknown key, a value of the wrong kind, or nothing in it.
    """
    found = validated(Mapping, dict(held), where=where)
    if found == Mapping():
        raise BadInput("names no column", where=where, remedy="write columns: {N: params, D: tokens, loss: val_loss}")
    return found


def told(columns: str | Map[str, str]) -> dict[str, str]:
    """``N=params,loss=run a, lr=1e-3 - loss``: a comma parts two only where a known key and ``=`` follow.

    Raises:
        BadInput: an unknown key, or one that is named twice or without a column.
    """
    if isinstance(columns, Map):
        pairs = [(str(key), str(name)) for key, name in columns.items()]
    else:
        keys = (*ALIASES, *PATTERNS)
        known = "|".join(re.escape(key) for key in keys) + "|" + "|".join(re.escape(each) + r"[^=,]+" for each in OPEN)
        parts = re.split(rf",(?=\s*(?:{known})\s*=)", columns)
        pairs = [
            (key.strip(), name.strip()) for key, _, name in (part.partition("=") for part in parts if part.strip())
        ]
    found: dict[str, str] = {}
    for key, name in pairs:
        fits = key in ALIASES or key in PATTERNS or key.startswith(OPEN)
        if not fits or not name or key in found:
            remedy = f"write N=params,D=tokens,loss=val_loss; known: {', '.join((*ALIASES, *PATTERNS))}"
            raise BadInput(f"'{key}={name}' names no column", key="columns", remedy=remedy)
        found[key] = name
    return found


def matched(pattern: str, name: str, columns: Sequence[str]) -> list[tuple[str, str, str]]:
    """Our name, the column, and what the star stands for, for every column that a pattern matches.

    ``eval/*`` as ``task.*``: the star of the name is what that of the pattern stood for; an empty name keeps the
    column's.
    """
    stars = re.compile("(.*)".join(re.escape(part) for part in pattern.split("*")))
    found = []
    for column in columns:
        match = stars.fullmatch(column)
        if match is not None:
            star = ".".join(part for part in match.groups() if part) or column
            found.append((name.replace("*", star) if name else column, column, star))
    return found


def usual(name: str) -> str:
    """A column's name as :data:`ALIASES` write it."""
    return re.sub(r"[\s/.\-]+", "_", name.strip().lower())
