"""Types of synthetic text: Jinja files with a front matter, named, versioned and hashed.

A file opens with YAML between two lines ``---`` (:class:`Front`); a block ``system`` and a block ``user`` follow::

    ---
    name: headline
    version: 1
    kind: rewrite
    ---
    {% block system %}You write headlines.{% endblock %}
    {% block user %}{{ text }}{% endblock %}

The source text is a value, never a template: braces in it are braces. Templates run in Jinja's sandbox.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synthmix.errors import BadInput
from synthmix.files import content_hash, placed
from synthmix.reading import parse_yaml, read_whole
from synthmix.validation import validated

_FENCED = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?\n", re.DOTALL | re.MULTILINE)
VARIABLES = {
    "rewrite": ("text", "words", "domain", "part", "parts"),
    "seeded": ("keywords", "audience", "level", "domain"),
}
_FOLDER = Path(__file__).parent / "templates"
_BLOCKS = ("system", "user")


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
                raise ValueError(f"{name}: {list(bounds)} is not a range")
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
    raw = parse_yaml(fenced[1], where=where, problem="the front matter is not YAML")
    return validated(Front, raw if isinstance(raw, dict) else {}, where=where), source[fenced.end() :]


@dataclass(frozen=True)
class Template:
    """A loaded type of synthetic text. ``body`` is the Jinja source, ``where`` the file that it came from."""

    front: Front
    body: str
    where: str

    @property
    def name(self) -> str:
        return self.front.name

    @property
    def version(self) -> str:
        return self.front.version

    @property
    def kind(self) -> Literal["rewrite", "seeded"]:
        return self.front.kind

    @cached_property
    def hash(self) -> str:
        """Of kind and body: what decides the prompts. Line ends and outer space do not count."""
        return content_hash([self.kind, "\n".join(self.body.strip().splitlines())])

    @property
    def id(self) -> str:
        """``name@version:hash``, as provenance records it."""
        return f"{self.name}@{self.version}:{self.hash}"

    def messages(self, variables: Mapping[str, Any]) -> tuple[dict[str, str], ...]:
        """The messages of one request: a system one (unless it is blank) and a user one.

        Raises:
            BadInput: the template fails on these variables.
        """
        from jinja2 import TemplateError

        found = []
        try:
            for role in _BLOCKS:
                content = "".join(self._compiled.blocks[role](self._compiled.new_context(dict(variables)))).strip()
                if content:
                    found.append({"role": role, "content": content})
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise BadInput(f"cannot be filled in ({error})", where=self.where, remedy="fix the template") from None
        if not found or found[-1]["role"] != "user":
            raise BadInput("the block 'user' came out empty", where=self.where, remedy="fix the template")
        return tuple(found)

    @cached_property
    def instructions(self) -> str:
        """The template's own words, with nothing filled in: what an answer must not repeat."""
        return re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "\n", self.body, flags=re.DOTALL)

    @cached_property
    def _compiled(self) -> Any:
        return _environment().from_string(self.body)

    def __reduce__(self) -> tuple[Any, ...]:  # what Jinja compiled stays in its process
        return Template, (self.front, self.body, self.where)


def builtin_templates() -> list[str]:
    """Names of the types that come with the package, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.jinja"))


def load_template(name_or_path: str | Path) -> Template:
    """A built-in type by its name, or a template file by its path.

    Raises:
        BadInput: neither; a file without front matter, with a wrong key in it, without one of the two blocks, with a
            syntax error (the line is named), or with a variable that prompts do not have (it is named).
    """
    builtin = _FOLDER / f"{name_or_path}.jinja"
    path = builtin if str(name_or_path) in builtin_templates() else Path(placed(name_or_path))
    if not path.is_file():
        have = ", ".join(builtin_templates())
        raise BadInput(f"no such template; built in: {have}", where=name_or_path, remedy="or name a file")
    source = read_whole(path)
    where = str(name_or_path) if path is builtin else str(path)
    front, body = read_front(source, where)
    template = Template(front, body, where)
    _check(template, first_line=source.count("\n") - body.count("\n"))
    return template


def _check(template: Template, first_line: int) -> None:
    from jinja2 import TemplateSyntaxError, meta

    try:
        used = meta.find_undeclared_variables(_environment().parse(template.body))
    except TemplateSyntaxError as error:
        raise BadInput(f"{error.message}", where=f"{template.where}:{error.lineno + first_line}") from None
    allowed = VARIABLES[template.kind]
    unknown = sorted(used - set(allowed))
    if unknown:
        raise BadInput(
            f"unknown variable {unknown[0]!r}",
            where=template.where,
            remedy=f"a {template.kind} template has {', '.join(allowed)}",
        )
    for role in _BLOCKS:
        if role not in template._compiled.blocks:
            raise BadInput(f"has no block {role!r}", where=template.where, remedy=f"add {{% block {role} %}}")


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
