"""``synthmix stats``: what training and held-out text say of each other."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, Vocab, opened, shared_tokenizer, telling

if TYPE_CHECKING:
    from synthmix.corpus import Corpus
    from synthmix.progress import Progress

EngineOption = Annotated[str, typer.Option("--engine", help="Where counting runs: local or ray.")]
Workers = Annotated[int | None, typer.Option(help="Processes; unset: one a core.", min=1)]


def stats(
    corpora: Annotated[list[str] | None, typer.Argument(help="Corpora or plain files.", show_default=False)] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Equal-sized samples; unset: the smallest corpus's size.")] = None,
    shares: Annotated[
        str | None, typer.Option(help="Shares of each further corpus in the first: '0 1/3 2/3 1'; unset: twelfths.")
    ] = None,
    ngrams: Annotated[int, typer.Option(help="Longest n-grams that are counted.", min=1, max=5)] = 2,
    smoothing: Annotated[
        list[str] | None, typer.Option(help="additive:ALPHA or good-turing; may be repeated, the first headlines.")
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="A study's file or folder: statistics against measured loss.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with all figures.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write every number as one long table.")] = None,
    cards: Annotated[
        Path | None, typer.Option(help="Folder for a Hugging Face card of each corpus, and of each of --shares.")
    ] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    engine: EngineOption = "local",
    workers: Workers = None,
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Coverage, divergence, Zipf and Heaps exponents, costly n-grams and redundancy of text, on equal-sized samples.

    The first corpus is the natural one: the others are mixed into it for the curves over shares, from their counts
    alone. With --study, how well each statistic orders a study's recipes, and loss by training frequency, instead.

    Example: synthmix stats data/web.jsonl data/hq.jsonl --against data/wiki.jsonl --html stats.html
    """
    from synthmix.cli.common import parsed
    from synthmix.cli.stats_text import survey_text
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count, parse_share
    from synthmix.statistics import Options, survey

    if study is not None:
        from synthmix.cli.study_statistics import of_study

        if corpora or against:
            raise BadInput("a study names its own corpora", key="--study", remedy="leave out CORPUS and --against")
        running = _engine(engine, workers)
        of_study(study, html=html, parquet=parquet, engine=running, as_json=as_json, quiet=quiet)
        return
    if not corpora or not against:
        raise BadInput(
            "nothing to compare", remedy="write synthmix stats CORPUS... --against HELDOUT, or --study STUDY"
        )
    asked: dict[str, Any] = {}
    if tokens is not None:
        asked["tokens"] = parsed(parse_count, tokens, "--tokens")
    if shares is not None:
        asked["shares"] = tuple(parsed(parse_share, one, "--shares") for one in shares.replace(",", " ").split())
    if smoothing:
        asked["smoothings"] = tuple(smoothing)
    options = Options(ngrams=ngrams, **asked)
    with telling(quiet=quiet) as progress, _engine(engine, workers) as running:
        training, heldout = both_sides(corpora, against, tokenizer, vocab, cache, progress)
        found = survey(training, heldout, options=options, each=running.each, progress=progress)
        if parquet is not None:
            from synthmix.cli.stats_files import write_parquet

            write_parquet(found, parquet)
        if html is not None:
            from synthmix.report.statistics_page import write_statistics

            write_statistics(found, html)
        if cards is not None:
            from synthmix.cli.stats_files import write_cards

            write_cards(found, training, shares is not None, cards)
    text = survey_text(found)
    text += "".join(
        f"\n{what}: {path}" for what, path in (("page", html), ("table", parquet), ("cards", cards)) if path
    )
    show(asdict(found), text, as_json=as_json)


def both_sides(
    corpora: Sequence[str],
    against: Sequence[str],
    tokenizer: str | None,
    vocab: str,
    cache: Path,
    progress: "Progress",
) -> "tuple[dict[str, Corpus], dict[str, tuple[Corpus, str]]]":
    """Training corpora by name, and held-out domains as (corpus, domain) by name; plain files are built on the way.

    Raises:
        BadInput: a file on both sides, a corpus that holds nothing out, tokenizers that differ.
    """
    from synthmix.cli.common import parse_named
    from synthmix.corpus.meta import is_corpus
    from synthmix.errors import BadInput

    trained, tests = parse_named(corpora), parse_named(against)
    shared = shared_tokenizer([part.path for part in (*trained, *tests)], tokenizer, vocab)
    mine = {Path(part.path).resolve() for part in trained}
    heldout: dict[str, tuple[Corpus, str]] = {}
    for part in tests:
        if Path(part.path).resolve() in mine and not is_corpus(part.path):
            raise BadInput(
                "stands on both sides, so it would cover itself",
                where=part.path,
                key="--against",
                remedy="build a corpus of it with --heldout 5% and name that on both sides, or give other text",
            )
        test = opened(part.path, shared, cache, progress, name=part.name, heldout=1)
        if not test.heldout_domains:
            raise BadInput(
                "holds nothing out", where=part.path, key="--against", remedy="build it again with --heldout 5%"
            )
        for domain in test.heldout_domains:
            heldout[part.name if len(test.heldout_domains) == 1 else f"{part.name}/{domain}"] = (test, domain)
    training = {part.name: opened(part.path, shared, cache, progress, name=part.name) for part in trained}
    return training, heldout


def _engine(kind: Any, workers: int | None) -> Any:
    from synthmix.engine import open_engine

    return open_engine(kind, workers=workers)
