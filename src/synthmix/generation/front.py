"""The front matter of a template file: what the type is called and what its answers should look like."""

import re
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synthmix.errors import BadInput
from synthmix.validation import validated

_FENCED = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?\n", re.DOTALL | re.MULTILINE)


class Front(BaseModel):
    """The front matter.

    Attributes:
        kind: ``rewrite`` shows a passage (``text``, its ``words``, ``part`` of ``parts``, ``domain``); ``seeded`` shows
            ``keywords`` (a list), ``audience`` and ``level``, and asks for a new text.
        max_tokens: suggested limit of one answer.
        ratio: lowest and highest words of the answer per word of its source that the filters let through.
        words: lowest and highest words of an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    version: Annotated[str, BeforeValidator(str)] = Field(default="1", pattern=r"^[A-Za-z0-9_.-]+$")
    kind: Literal["rewrite", "seeded"] = "rewrite"
    description: str = ""
    max_tokens: int | None = Field(default=None, ge=1)
    ratio: tuple[float, float] | None = None
    words: tuple[int, int] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Front":
        for name in ("ratio", "words"):
            bounds = getattr(self, name)
            if bounds is not None and not 0 <= bounds[0] <= bounds[1]:
                raise ValueError(f"{name}: {list(bounds)} is no range")
        if self.ratio is not None and self.kind == "seeded":
            raise ValueError("ratio: a seeded text has no source to be measured against; give words")
        return self


def read_front(source: str, where: str) -> tuple[Front, str]:
    """The front matter of a file's text, and the body behind it.

    Raises:
        BadInput: there is none, it is not YAML, or a key of it is unknown, missing or wrong.
    """
    fenced = _FENCED.match(source)
    if fenced is None:
        raise BadInput("has no front matter", where=where, remedy="begin the file with ---, name: ..., ---")
    try:
        raw = yaml.safe_load(fenced[1])
    except yaml.YAMLError as error:
        raise BadInput(f"the front matter is not YAML ({error})", where=where) from None
    return validated(Front, raw if isinstance(raw, dict) else {}, where=where), source[fenced.end() :]
