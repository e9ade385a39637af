"""Options and arguments that commands share."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.errors import BadInput
from synthmix.names import REMEDY, name_fault, name_of_file
from synthmix.progress import Progress, Silent
from synthmix.quantities import parsed as parsed  # commands take it from here

if TYPE_CHECKING:
    from synthmix.corpus import Corpus, Tokenizer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Cache = Annotated[Path, typer.Option(help="Where corpora prepared from plain files are kept.")]
TokenizerOption = Annotated[
    str | None,
    typer.Option(
        "--tokenizer",
        help="tokenizer.json, folder or hub id; settings behind it: PATH,end=TOKEN,lossy=10%. Unset: that of a built "
        "corpus, else trained.",
    ),
]
Vocab = Annotated[str, typer.Option(help="Vocabulary, when a tokenizer is trained.")]
AllowKey = Annotated[
    list[str] | None,
    typer.Option("--allow-key", help="VARIABLE@SERVER: this key may go there; remembered; may be repeated."),
]
CACHE = Path(".synthmix")


@contextmanager
def telling(*, quiet: bool) -> Iterator[Progress]:
    """Progress on the terminal, or none."""
    if quiet:
        yield Silent()
        return
    from synthmix.cli.terminal import TerminalProgress

    with TerminalProgress() as progress:
        yield progress


def remember_keys(pairs: Sequence[str]) -> None:
    """Write down, in the user's configuration, where keys may be sent.

    Raises:
        BadInput: not VARIABLE@SERVER.
    """
    if not pairs:
        return
    from synthmix.generation.keys import Allowed, remember

    path = remember([Allowed.parse(pair, "--allow-key") for pair in pairs])
    typer.echo(f"{path}: remembered {', '.join(pairs)}", err=True)


@contextmanager
def as_options(*keys: str, **names: str) -> Iterator[None]:
    """What a function says of an argument is said of the option that it came from: ``max_tokens`` is ``--max-tokens``.

    Args:
        names: options that are called otherwise than the argument.
    """
    try:
        yield
    except BadInput as error:
        if error.key not in {*keys, *names}:
            raise
        option = "--" + names.get(error.key, error.key).replace("_", "-")
        raise BadInput(error.problem, where=error.where, key=option, remedy=error.remedy) from None


def field_values(conditions: Sequence[str]) -> dict[str, Any]:
    """``--where source=human --where source=web`` -> ``{"source": ["human", "web"]}``.

    A value that spells a number, ``true``, ``false`` or ``null`` stands for that as well as for the text: ``n=3`` keeps
    ``3`` and ``"3"``.

    Raises:
        BadInput: one is not FIELD=VALUE.
    """
    found: dict[str, list[Any]] = {}
    for condition in conditions:
        field, equals, value = condition.partition("=")
        if not equals:
            raise BadInput("is not FIELD=VALUE", key=f"--where {condition}", remedy="write --where source=human")
        if not field:
            raise BadInput("names no field", key=f"--where {condition}", remedy="write --where source=human")
        found.setdefault(field, []).extend([value, *_as_number(value)])
    return dict(found)


def _as_number(value: str) -> list[Any]:
    import json

    try:
        spelt = json.loads(value, parse_constant=lambda name: name)  # NaN equals nothing
    except (ValueError, RecursionError):
        return []
    return [spelt] if spelt is None or isinstance(spelt, bool | int | float) else []


EngineKind = Annotated[str, typer.Option("--engine", help="Where tasks run: local (this machine) or ray.")]
Address = Annotated[
    str | None, typer.Option(help="Of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT; unset: one of its own.")
]
Workers = Annotated[int | None, typer.Option(help="Tasks at once; unset: as many as there is room for.", min=1)]


def opened_engine(
    kind: str, address: str | None = None, workers: int | None = None, *, always: bool = True
) -> AbstractContextManager[Any]:
    """The engine of the three options; without ``always`` None, for this process, where none of them was given.

    Raises:
        BadInput: see :func:`synthmix.engine.open_engine`.
    """
    from synthmix.engine import open_engine

    if not always and (kind, address, workers) == ("local", None, None):
        return nullcontext()
    return open_engine(kind, workers=workers, address=address)


@dataclass(frozen=True)
class Part:
    """One source on the command line: ``[SHARE:][NAME=]PATH``."""

    name: str
    path: str
    share: Fraction


def parse_parts(arguments: Sequence[str]) -> list[Part]:
    """``67%:web=data/web.jsonl 33%:data/hq.jsonl`` -> parts; a single one without a share is all of it.

    Raises:
        BadInput: a share is missing or is none, or a name is given twice.
    """
    from synthmix.quantities import parse_share

    parts: list[Part] = []
    for argument in arguments:
        head, colon, rest = argument.partition(":")
        given = bool(colon) and not rest.startswith("//") and "/" not in head.replace("1/", "").replace("2/", "")
        if not given and len(arguments) > 1:
            raise BadInput("has no share", where=argument, remedy=f"write 50%:{argument}")
        share = parsed(parse_share, head, argument) if given else Fraction(1)
        parts.append(_part(rest if given else argument, share))
    return _once(parts, "give names: 50%:a=FILE 50%:b=FILE")


def parse_named(arguments: Sequence[str]) -> list[Part]:
    """``web=data/web.jsonl data/hq.jsonl`` -> parts without shares of their own.

    Raises:
        BadInput: a name is given twice.
    """
    return _once([_part(argument) for argument in arguments], "give names: a=FILE b=FILE")


def parse_mixtures(arguments: Sequence[str], sources: Sequence[str] | None = None) -> dict[str, dict[str, Fraction]]:
    """``mine=web:50%,hq:30%,qa:20%`` -> shares of the sources by the mixture's name.

    ``sources``: that there are; None: not known yet.

    Raises:
        BadInput: a source that is not there, shares that do not add up to one, a name given twice or a source's own.
    """
    from synthmix.mixture.recipe import make_recipe
    from synthmix.quantities import listed, parse_share

    found: dict[str, dict[str, Fraction]] = {}
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        key = f"--mixture {argument}"
        if not equals or not name:
            raise BadInput("is not NAME=SOURCE:SHARE,...", key=key, remedy="write --mixture mine=web:50%,hq:50%")
        if name in found or name in (sources or ()):
            raise BadInput(f"{name} is given twice", key=key, remedy="give it another name")
        shares: dict[str, Fraction] = {}
        for part in rest.split(","):
            source, colon, share = part.strip().rpartition(":")
            if not colon or (sources is not None and source not in sources):
                problem = f"no source {source!r}" if colon else f"'{part}' is not SOURCE:SHARE"
                remedy = (
                    "write --mixture mine=web:50%,hq:50%" if sources is None else f"there are {listed(list(sources))}"
                )
                raise BadInput(problem, key=key, remedy=remedy)
            if source in shares:
                raise BadInput(f"{source} is given twice", key=key, remedy="give each source one share")
            shares[source] = parsed(parse_share, share, key)
        found[name] = dict(make_recipe(name, shares, where="--mixture").shares)
    return found


def _part(argument: str, share: Fraction = Fraction(1)) -> Part:
    given, equals, rest = argument.partition("=")
    name, path = (given, rest) if equals else (name_of_file(given) or "corpus", given)
    if (fault := name_fault(name)) is not None:
        raise BadInput(fault, key=argument, remedy=REMEDY if equals else f"give a name: NAME={given}")
    return Part(name, path, share)


def _once(parts: list[Part], remedy: str) -> list[Part]:
    for i, part in enumerate(parts):
        if part.name in {other.name for other in parts[:i]}:
            raise BadInput("is given twice", key=part.name, remedy=remedy)
    return parts


def shared_tokenizer(paths: Sequence[str], asked: str | None, vocab: str) -> "Tokenizer":
    """:func:`synthmix.corpus.load.shared_tokenizer`, its ``vocab`` an option."""
    from synthmix.corpus.load import shared_tokenizer as shared

    with as_options("vocab"):
        return shared(paths, asked, vocab)


def built_tokenizer(paths: Sequence[str]) -> "Tokenizer | None":
    """That of the first built corpus among ``paths``."""
    from synthmix.corpus.load import built_tokenizer as built

    return built(paths)


def opened(
    path: str,
    tokenizer: "Tokenizer",
    cache: Path,
    progress: Progress,
    *,
    name: str | None = None,
    heldout: Fraction | int = 0,
    against: Sequence["Corpus"] = (),
) -> "Corpus":
    """A corpus folder opened, or a plain file prepared on the way."""
    from synthmix.corpus import open_or_build

    return open_or_build(
        path, cache, tokenizer=tokenizer, name=name, heldout=heldout, against=against, progress=progress
    )
