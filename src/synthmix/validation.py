"""Data held to a model: the types of its fields, and what did not fit, in one line."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainSerializer, ValidationError

from synthmix.errors import BadInput
from synthmix.names import REMEDY, name_fault
from synthmix.quantities import parse_count, parse_share

Model = TypeVar("Model", bound=BaseModel)


def _name(value: str) -> str:
    fault = name_fault(value)
    if fault is not None:
        raise ValueError(f"{fault}; {REMEDY}")
    return value


def _text_kind(value: Any) -> Any:
    return "natural" if value == "real" else value


Name = Annotated[str, AfterValidator(_name)]
Count = Annotated[int, BeforeValidator(parse_count)]
Share = Annotated[Fraction, BeforeValidator(parse_share), PlainSerializer(str, return_type=str)]
#: ``real`` is what earlier versions wrote for natural text.
TextKind = Annotated[Literal["natural", "synthetic"], BeforeValidator(_text_kind)]


class Misfit(NamedTuple):
    """What did not fit: where in the data, in what words, and pydantic's name for it."""

    path: tuple[str, ...]
    message: str
    kind: str

    @property
    def key(self) -> str | None:
        """``a.b.0``; None: it is about the whole."""
        return ".".join(self.path) or None


def misfit(error: ValidationError) -> Misfit:
    """The first thing to mend: an unknown key before all others, for it is usually why another one is missing."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    message = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if first["type"] == "extra_forbidden":
        message = "unknown key"
    return Misfit(tuple(map(str, first["loc"])), message, first["type"])


def validated(
    kind: type[Model],
    raw: Any,
    *,
    where: str | Path,
    problem: str | None = None,
    remedy: str | None = None,
) -> Model:
    """``raw`` as a ``kind``.

    Args:
        where: what it was read from. problem: what is said of that when it does not fit; None: only what did not.

    Raises:
        BadInput: it does not fit; the line names the first key to mend.
    """
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        found = misfit(error)
        said = found.message if problem is None else f"{problem} ({found.message})"
        raise BadInput(said, where=where, key=found.key, remedy=remedy) from None
