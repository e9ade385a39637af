"""``synthmix gap``: what a mixture lacks for the domains that it will be evaluated on."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.options import (
    CACHE,
    AsJson,
    Cache,
    Part,
    Quiet,
    TokenizerOption,
    Vocab,
    parse_named,
    parse_parts,
    parsed,
    telling,
)

if TYPE_CHECKING:
    from synthmix.corpus import Corpus
    from synthmix.corpus.sources import Document
    from synthmix.generation.aim import Aim, Drawn
    from synthmix.generation.settings import GenerateConfig
    from synthmix.progress import Progress
    from synthmix.table import Table

SPARE = 4  # times as many tokens of seeds as are asked for: filters drop some, and some types write less than they read
_SHARE = re.compile(r"[\d./]+%?:")


def gap(
    have: Annotated[
        list[str] | None,
        typer.Option(help="[SHARE:][NAME=]PATH of a corpus or file of the mixture; repeatable.", show_default=False),
    ] = None,
    need: Annotated[
        list[str] | None,
        typer.Option(help="[NAME=]PATH of text like what it is evaluated on; repeatable.", show_default=False),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(help="A study's file: its best mixture against its held-out domains; a section of its report."),
    ] = None,
    synthetic: Annotated[
        list[str] | None, typer.Option(help="Name of a source that a model wrote; repeatable.", show_default=False)
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="Budget of the mixture; unset: what there is.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A trained model, whose losses weigh the words; unset: an n-gram learner's.")
    ] = None,
    context: Annotated[
        int, typer.Option(help="With --checkpoint: tokens of a window, as in its training.", min=2)
    ] = 128,
    top: Annotated[int, typer.Option(help="Words, and words in a row, that are kept.", min=1)] = 200,
    html: Annotated[Path | None, typer.Option(help="Write a page with the figures.")] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """What the mixture lacks for the reference: the words, phrases and topics that carry its loss and are rarely shown,
    the natural documents that carry them, and where each synthetic source ends at the budget.

    Example: synthmix gap --have 70%:data/web.jsonl --have 30%:data/hq.jsonl --synthetic hq --need data/wiki.jsonl
    --tokens 40B --html gap.html

    Example: synthmix gap --study study.yaml
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.gaps.measure import gap as measured
    from synthmix.quantities import parse_count
    from synthmix.report.gap import SHOWN, cutoff_sentence, gap_headline, gap_tables, write_gap

    budget = None if tokens is None else parsed(parse_count, tokens, "--tokens")
    if study is not None and (have or need or checkpoint):
        raise BadInput(
            "names its own texts and models", key="--study", remedy="leave out --have, --need and --checkpoint"
        )
    with telling(quiet=quiet) as progress:
        if study is not None:
            from synthmix.study.gap import gap_of_study

            found, _ = gap_of_study(study, tokens=budget, top=top, progress=progress)
        elif not have or not need:
            raise BadInput(
                "nothing to compare", remedy="write synthmix gap --have CORPUS --need REFERENCE, or --study FILE"
            )
        else:
            sides = gap_sides(have, need, synthetic, tokenizer, vocab, cache, progress)
            found = measured(
                *sides.texts, shares=sides.shares, synthetic=sides.synthetic, tokens=budget, checkpoint=checkpoint,
                context=context, top=top, progress=progress,
            )  # fmt: skip
    blocks: list[str | Table] = [gap_headline(found)]
    tables = gap_tables(found, SHOWN)
    if found.state == "none":
        tables = {name: tables[name] for name in ("sources", "cutoffs")}
    blocks += [table for table in tables.values() if table.rows]
    blocks.append("\n".join(cutoff_sentence(found, one) for one in found.cutoffs))
    blocks.append("\n".join(f"warning {warning.code}: {warning.message}" for warning in found.warnings))
    if html is not None:
        write_gap(found, html)
        blocks.append(f"page: {html}")
    show(found.model_dump(mode="json"), *blocks, as_json=as_json)


@dataclass(frozen=True)
class Sides:
    """What two lists of arguments name: the mixture's corpora and the held-out domains, the shares (None: by size), and
    the sources that a model wrote."""

    texts: "tuple[dict[str, Corpus], dict[str, tuple[Corpus, str]]]"
    shares: dict[str, Fraction] | None
    synthetic: list[str]


def gap_sides(
    have: Sequence[str],
    need: Sequence[str],
    synthetic: Sequence[str] | None,
    tokenizer: str | None,
    vocab: str,
    cache: Path,
    progress: "Progress",
    option: str = "--need",
) -> Sides:
    """Both sides of a gap; generated folders and corpora that say so are synthetic, beside those that are named.

    Raises:
        BadInput: what :func:`.both_sides` raises.
    """
    from synthmix.cli.statistics import both_sides
    from synthmix.corpus.load import GENERATED

    mixture, shares = _mixture(have)
    sides = both_sides(
        [f"{part.name}={part.path}" for part in mixture], need, tokenizer, vocab, cache, progress, option
    )
    wrote = {part.name for part in mixture if (Path(part.path) / GENERATED).exists()}
    wrote |= {name for name, corpus in sides[0].items() if corpus.meta.kind == "synthetic"}
    return Sides(sides, shares, sorted({*wrote, *(synthetic or [])}))


def seeds_toward(
    config: "GenerateConfig",
    documents: "Iterable[Document]",
    heldout: Iterable[str],
    have: Sequence[str],
    toward: Sequence[str],
    progress: "Progress",
) -> "tuple[Aim, Drawn] | str":
    """What a generation job should write, and its seeds; where there is no gap, the sentence that says so.

    Raises:
        BadInput: what the gap and the draw raise.
    """
    from synthmix.gaps.aiming import MOST, aim_of
    from synthmix.gaps.measure import gap as measured
    from synthmix.generation.aim import draw_seeds
    from synthmix.generation.filters import heldout_index
    from synthmix.report.gap import gap_headline

    sides = gap_sides(have, toward, None, None, "4096", CACHE, progress, "--toward")
    found = measured(*sides.texts, shares=sides.shares, synthetic=sides.synthetic, top=MOST, progress=progress)
    if found.state == "none":
        return f"{gap_headline(found)} Nothing was generated."
    aim = aim_of(found)
    drawn = draw_seeds(
        documents,
        aim,
        tokens=math.inf if config.tokens is None else SPARE * config.tokens / config.rollouts,
        passage=config.chunk_tokens,
        seed=config.seed,
        avoid=heldout_index(heldout, config.filters.contamination_words),
    )
    return aim, drawn


def _mixture(have: Sequence[str]) -> tuple[list[Part], dict[str, Fraction] | None]:
    """The sources, and their shares where any of them has one."""
    if not any(_SHARE.match(one) for one in have):
        return parse_named(have), None
    parts = parse_parts(have)
    return parts, {part.name: part.share for part in parts}
