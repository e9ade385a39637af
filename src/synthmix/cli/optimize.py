"""``synthmix optimize``: the best mixture of many sources, from any runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.laws import Level, Metrics
from synthmix.cli.options import AsJson, parsed
from synthmix.cli.runs import Columns, MappingFile, SkipBad, Sources

if TYPE_CHECKING:
    from synthmix.results.mixtures import Group

_NAMED = "SOURCE=VALUE, repeatable"


def optimize(
    runs: Sources,
    columns: Columns = "",
    mapping: MappingFile = None,
    law: Annotated[str, typer.Option(help="A law over shares; see synthmix compare.")] = "effective_tokens",
    params: Annotated[str | None, typer.Option(help="Non-embedding parameters; unset: the runs' own.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Training tokens; unset: the runs' own.")] = None,
    supply: Annotated[list[str] | None, typer.Option(help=f"Unique tokens there are: hq=5B; {_NAMED}.")] = None,
    epochs: Annotated[list[str] | None, typer.Option(help=f"How often a source may repeat: web=4; {_NAMED}.")] = None,
    most_epochs: Annotated[float, typer.Option(help="How often the others may repeat.", min=1.0)] = 4.0,
    price: Annotated[list[str] | None, typer.Option(help=f"Money per million tokens: hq=0.4; {_NAMED}.")] = None,
    budget_money: Annotated[float | None, typer.Option(help="Money for priced sources, at most.", min=0.0)] = None,
    least: Annotated[list[str] | None, typer.Option(help=f"Lower bound of a share: web=20%; {_NAMED}.")] = None,
    most: Annotated[list[str] | None, typer.Option(help=f"Upper bound of a share: qa=30%; {_NAMED}.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Several sources together: synthetic=hq+qa<=60%; repeatable.")
    ] = None,
    weight: Annotated[list[str] | None, typer.Option(help="DOMAIN=WEIGHT of the objective; unset: all alike.")] = None,
    natural: Annotated[
        list[str] | None, typer.Option(help="Natural text: web, or web=80% and books=20%; repeatable.")
    ] = None,
    mixture: Annotated[
        list[str] | None, typer.Option(help="One of your own beside it: now=web:70%,hq:30%; repeatable.")
    ] = None,
    metrics: Metrics = None,
    skip_bad: SkipBad = False,
    draws: Annotated[int, typer.Option(help="Draws of the posterior.", min=20)] = 200,
    level: Level = 0.9,
    html: Annotated[Path | None, typer.Option(help="Write a page with the pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """The best mixture of many sources under what there is of each, with intervals, and what is as good.

    Of a study with designed mixtures (its file, folder or results.json) its own question and bounds hold where no
    option says otherwise.

    Example: synthmix optimize mine.yaml --tokens 200B

    Example: synthmix optimize runs.csv --columns "shares=mix.*" --tokens 100B --supply hq=5B --natural web
    """
    from synthmix.cli.terminal import show
    from synthmix.decisions.optimize import optimize as decide
    from synthmix.quantities import parse_count
    from synthmix.report import mixture_sentences as sentences

    found = decide(
        _folders(runs), columns=columns, mapping=mapping, law=law, params=params, tokens=tokens,
        supply=_named(supply, "--supply", parse_count),
        epochs=_named(epochs, "--epochs", float), most_epochs=most_epochs, prices=_named(price, "--price", float),
        budget_money=budget_money, least=_named(least, "--least", _share), most=_named(most, "--most", _share),
        groups=[parsed(_group, text, "--group") for text in group or []],
        objective=_named(weight, "--weight", float) or None, natural=_natural(natural),
        mixtures=_mixtures(mixture), metric=metrics,
        skip_bad=skip_bad, draws=draws, level=level,
    )  # fmt: skip
    blocks: list[Any] = [sentences.headline(found), *sentences.tables(found)]
    if html is not None:
        from synthmix.report.mixture_page import write_mixture_page

        write_mixture_page(found, html)
        blocks.append(f"page: {html}")
    show(found.model_dump(mode="json"), *blocks, as_json=as_json)


def _folders(runs: list[str]) -> list[str]:
    """Study files as the folders of their studies."""
    from synthmix.study.finished_study import study_folder

    return [str(study_folder(Path(each))) if each.lower().endswith((".yaml", ".yml")) else each for each in runs]


def _named(given: list[str] | None, option: str, parse: Any) -> dict[str, Any]:
    from synthmix.errors import BadInput

    found: dict[str, Any] = {}
    for text in given or []:
        name, equals, value = text.rpartition("=")
        if not equals or not name or name in found:
            raise BadInput("is given twice" if name in found else "is not NAME=VALUE", key=f"{option} {text}")
        found[name] = parsed(parse, value, f"{option} {name}")
    return found


def _share(text: str) -> float:
    from synthmix.quantities import parse_share

    return float(parse_share(text))


def _natural(given: list[str] | None) -> dict[str, float] | str | None:
    if not given:
        return None
    return given[0] if len(given) == 1 and "=" not in given[0] else _named(given, "--natural", _share)


def _mixtures(given: list[str] | None) -> dict[str, dict[str, float]]:
    from synthmix.cli.options import parse_mixtures

    found = parse_mixtures(given or [])
    return {name: {source: float(share) for source, share in shares.items()} for name, shares in found.items()}


def _group(text: str) -> "Group":
    """``synthetic=hq+qa<=60%`` or ``natural=web+books>=30%``."""
    from synthmix.results.mixtures import Group

    name, equals, rest = text.partition("=")
    for sign in ("<=", ">="):
        sources, found, bound = rest.partition(sign)
        if equals and found:
            ends = {"most": _share(bound)} if sign == "<=" else {"least": _share(bound)}
            return Group(name=name, sources=tuple(each.strip() for each in sources.split("+")), **ends)
    raise ValueError(f"'{text}' is no group; write synthetic=hq+qa<=60%")
