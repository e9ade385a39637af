"""``synthmix stats`` and ``compare-tokenizers``: what training and held-out text say of each other."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    CACHE,
    Address,
    AsJson,
    Cache,
    EngineKind,
    Quiet,
    TokenizerOption,
    Vocab,
    Workers,
    opened,
    opened_engine,
    parse_mixtures,
    parse_named,
    parsed,
    shared_tokenizer,
    telling,
)
from synthmix.quantities import format_count

if TYPE_CHECKING:
    from synthmix.corpus import Corpus
    from synthmix.interval import Interval
    from synthmix.progress import Progress
    from synthmix.statistics.mixtures import ShareRow
    from synthmix.statistics.ranking import StatisticTable
    from synthmix.statistics.tokenizers import TokenizerRow
    from synthmix.statistics.types import Survey
    from synthmix.study.rare_tokens import RareRow
    from synthmix.study.trained_bits import TrainedBits
    from synthmix.table import Table


def stats(
    corpora: Annotated[list[str] | None, typer.Argument(help="Corpora or plain files.", show_default=False)] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Equal-sized samples; unset: the smallest corpus's size.")] = None,
    shares: Annotated[
        str | None, typer.Option(help="Shares of each further corpus in the first: '0 1/3 2/3 1'; unset: twelfths.")
    ] = None,
    mixture: Annotated[
        list[str] | None,
        typer.Option(help="A mixture of the corpora: mine=web:50%,hq:50%; repeatable.", show_default=False),
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
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Coverage, divergence, Zipf and Heaps exponents, costly n-grams and redundancy of text, on equal-sized samples.

    The first corpus is the natural one: the others are mixed into it for the curves over shares, from their counts
    alone, as are the mixtures that have a name. With --study, how well each statistic orders a study's recipes, its
    mixtures, and loss by training frequency, instead.

    Example: synthmix stats data/web.jsonl data/hq.jsonl --against data/wiki.jsonl --html stats.html
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count, parse_share
    from synthmix.statistics import Options, survey

    if study is not None:
        if corpora or against:
            raise BadInput("a study names its own corpora", key="--study", remedy="leave out CORPUS and --against")
        running = opened_engine(engine, address, workers)
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
    if mixture:
        asked["mixtures"] = parse_mixtures(mixture, [part.name for part in parse_named(corpora)])
    if smoothing:
        asked["smoothings"] = tuple(smoothing)
    options = Options(ngrams=ngrams, **asked)
    with telling(quiet=quiet) as progress, opened_engine(engine, address, workers) as running:
        training, heldout = both_sides(corpora, against, tokenizer, vocab, cache, progress)
        found = survey(training, heldout, options=options, each=running.each, progress=progress)
        if parquet is not None:
            write_parquet(found, parquet)
        if html is not None:
            from synthmix.report.statistics import write_statistics

            write_statistics(found, html)
        if cards is not None:
            write_cards(found, training, shares is not None, cards)
    from synthmix.report.statistics import survey_tables

    first = found.pairs[0].comparison.divergences[0].smoothing
    size = f"{format_count(found.tokens)} tokens of each corpus; vocabulary {found.vocab_size}; nats; smoothing {first}"
    tables = [table for table in survey_tables(found).values() if table.rows]
    show(asdict(found), size, *tables, _written(page=html, table=parquet, cards=cards), as_json=as_json)


def both_sides(
    corpora: Sequence[str],
    against: Sequence[str],
    tokenizer: str | None,
    vocab: str,
    cache: Path,
    progress: "Progress",
    option: str = "--against",
) -> "tuple[dict[str, Corpus], dict[str, tuple[Corpus, str]]]":
    """Training corpora by name, and held-out domains as (corpus, domain) by name; plain files are built on the way.

    Args:
        option: that names the held-out text.

    Raises:
        BadInput: a file on both sides, a corpus that holds nothing out, tokenizers that differ.
    """
    from synthmix.corpus.meta import is_corpus
    from synthmix.errors import BadInput

    trained, tests = parse_named(corpora), parse_named(against)
    shared = shared_tokenizer([part.path for part in (*trained, *tests)], tokenizer, vocab)
    mine = {os.path.realpath(part.path) for part in trained}
    heldout: dict[str, tuple[Corpus, str]] = {}
    for part in tests:
        if os.path.realpath(part.path) in mine and not is_corpus(part.path):
            raise BadInput(
                "stands on both sides, so it would cover itself",
                where=part.path,
                key=option,
                remedy="build a corpus of it with --heldout 5% and name that on both sides, or give other text",
            )
        test = opened(part.path, shared, cache, progress, name=part.name, heldout=1)
        if not test.heldout_domains:
            raise BadInput("holds nothing out", where=part.path, key=option, remedy="build it again with --heldout 5%")
        for domain in test.heldout_domains:
            heldout[part.name if len(test.heldout_domains) == 1 else f"{part.name}/{domain}"] = (test, domain)
    training = {part.name: opened(part.path, shared, cache, progress, name=part.name) for part in trained}
    return training, heldout


def of_study(study: Path, *, html: Path | None, parquet: Path | None, engine: Any, as_json: bool, quiet: bool) -> None:
    """Read a study's folder, compute the tables and print or write them.

    Raises:
        BadInput: no finished run, fewer than three recipes, a corpus or checkpoint that is damaged or gone.
    """
    from synthmix.report.statistics import mean_rows, mixtures_table
    from synthmix.report.study_statistics import ranking_table, rare_table, value_table
    from synthmix.study.finished_study import read_study
    from synthmix.study.mixture_texts import mixtures_of_study
    from synthmix.study.rare_tokens import rare_tokens
    from synthmix.study.text_measures import loss_groups, table_of_study
    from synthmix.study.value_scores import study_values

    found = read_study(study)
    with telling(quiet=quiet) as progress, engine as running:
        values = study_values(found, progress=progress)
        scores = values.measures(found, loss_groups(found)[1])
        mixed = mixtures_of_study(found, values, progress=progress)
        ranked = table_of_study(found, scores=scores, progress=progress)
        rare = rare_tokens(found, each=running.each, progress=progress)
    if parquet is not None:
        write_study(ranked, rare, parquet)
    if html is not None:
        from synthmix.report.study_statistics import write_study_statistics

        write_study_statistics(found.folder.name, ranked, rare, mixed, values.mixture, html)
    params, tokens = found.cells[-1]
    cell = f"{format_count(params)} parameters, {format_count(tokens)} tokens"
    blocks: list[str | Table] = [
        f"{len(found.records)} runs; the largest cell: {cell}",
        ranking_table(ranked),
        f"{ranked.sentence}\n{ranked.detail}",
        mixtures_table(mean_rows(mixed.rows)),
        *([value_table(values.mixture)] if values.mixture is not None else []),
        rare_table(rare),
        _written(page=html, table=parquet),
    ]
    value = {
        "table": asdict(ranked), "loss_by_frequency": [asdict(row) for row in rare],
        "mixtures": [asdict(row) for row in mixed.rows], "shares": [asdict(row) for row in mixed.curves],
        "value": None if values.mixture is None else values.mixture.model_dump(mode="json"),
    }  # fmt: skip
    from synthmix.cli.terminal import show

    show(value, *blocks, as_json=as_json)


def write_study(ranked: "StatisticTable", rare: "list[RareRow]", path: Path) -> None:
    """Two Parquet files: ``path`` (the correlations) and beside it ``<name>-by-frequency``."""
    from synthmix.files import write_bytes
    from synthmix.interval import Interval
    from synthmix.table import Table

    kinds: dict[str, type] = {"name": str, "kind": str, "higher": bool, "groups": int, "spearman": Interval}
    kinds |= {"kendall": Interval, "chooses": str, "regret": float}
    others: dict[str, type] = {"recipe": str, "domain": str, "bin": str, "tokens": int}
    others |= dict.fromkeys(("nats", "of_tokens", "of_loss", "gain"), float)
    beside = path.with_name(f"{path.stem}-by-frequency{path.suffix}")
    for where, columns, rows in ((path, kinds, ranked.rows), (beside, others, rare)):
        write_bytes(
            where, Table.of(where.stem, columns, [[getattr(r, name) for name in columns] for r in rows]).parquet()
        )


_DOCUMENTS = 5000  # of each corpus that are checked for what they over- and under-represent


def write_parquet(found: "Survey", path: Path) -> None:
    """Every number of the survey, a row each."""
    from synthmix.statistics.types import COLUMNS, flat_rows

    write_rows(flat_rows(found), COLUMNS, path)


def write_rows(rows: list[dict[str, Any]], columns: dict[str, type], path: Path) -> None:
    """Rows as Parquet with typed columns, atomically."""
    from synthmix.files import write_bytes
    from synthmix.table import Table

    table = Table.of(path.stem, columns, [tuple(row[name] for name in columns) for row in rows])
    write_bytes(path, table.parquet())


def write_cards(found: "Survey", training: "Mapping[str, Corpus]", shares: bool, folder: Path) -> list[Path]:
    """A card of each training corpus, and of each mixture when shares were asked for; synthetic text is checked for
    what it over- and under-represents against the first corpus."""
    from synthmix.files import write_text
    from synthmix.statistics.card import corpus_card, mixture_card
    from synthmix.statistics.representation import represented

    names, paths = list(training), []
    natural = list(training[names[0]].texts(limit=_DOCUMENTS))
    for name, corpus in training.items():
        other = None if name == names[0] else represented(name, list(corpus.texts(limit=_DOCUMENTS)), natural)
        paths.append(folder / f"{_safe(name)}.md")
        write_text(paths[-1], corpus_card(name, corpus, found, other))
    rows: dict[tuple[str, float], list[ShareRow]] = {}
    for row in found.shares if shares else []:
        rows.setdefault((row.synthetic, row.share), []).append(row)
    for (synthetic, share), mine in rows.items():
        if 0 < share < 1:
            paths.append(folder / f"{_safe(f'{share:.1%} {synthetic} in {names[0]}')}.md")
            write_text(paths[-1], mixture_card(names[0], training, mine, found))
    return paths


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace("%", "pct"))


MIXED = "mixed"


def compare_tokenizers(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=PATH: the natural text first, then synthetic ones.", show_default=False),
    ] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    study: Annotated[
        list[Path] | None, typer.Option(help="Trained models' bits per byte; a study's file or folder, repeatable.")
    ] = None,
    vocab: Annotated[str, typer.Option(help="Vocabulary sizes.")] = "1024 4096 16384",
    limit: Annotated[int, typer.Option(help="Documents of each text that are read.", min=10)] = 20_000,
    parquet: Annotated[Path | None, typer.Option(help="Write the table.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tokens and unigram bits per byte of tokenizers trained on each text, and on the natural text mixed half and half
    with each other one: what does a tokenizer trained on synthetic text cost on natural text?

    Example: synthmix compare-tokenizers natural=web.jsonl synthetic=hq.jsonl --against wiki.jsonl --vocab "1024 8192"
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count
    from synthmix.statistics.tokenizers import compare_tokenizers as compare
    from synthmix.study.trained_bits import trained_bits

    if not (texts and against) and not study:
        raise BadInput("nothing to compare", remedy="give texts and --against HELDOUT, or --study STUDY")
    sizes = [parsed(parse_count, size, "--vocab") for size in vocab.replace(",", " ").split()]
    bits = trained_bits(study or [])
    with telling(quiet=quiet) as progress:
        training, heldout = _given(texts or [], against or [], limit)
        rows = compare(training, heldout, sizes, progress=progress) if training and heldout else []
    table = _tokenizer_table(rows)
    if parquet is not None:
        from synthmix.files import write_bytes

        write_bytes(parquet, table.parquet())
    blocks = [*([table] if rows else []), *([_bits_table(bits)] if bits else [])]
    value = {"tokenizers": [asdict(row) for row in rows], "trained": [asdict(row) for row in bits]}
    show(value, *blocks, as_json=as_json)


def _given(texts: list[str], against: list[str], limit: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Training texts by name, the mixed ones too, and held-out texts by name."""
    from synthmix.cli.generators import held_texts

    parts = parse_named(texts)
    training = {part.name: train_texts_of(part.path, limit) for part in parts}
    for part in parts[1:]:
        real = parts[0].name
        training[f"{MIXED} {real} and {part.name}"] = _alternating(training[real], training[part.name])
    return training, {p.name: held_texts(p.path, limit) for p in parse_named(against)}


def train_texts_of(path: str, limit: int) -> list[str]:
    """The training text of a corpus, of generated text, or of a plain file."""
    from synthmix.corpus.load import Documents

    return [document.text for document in islice(Documents([path]), limit)]


def _alternating(a: list[str], b: list[str]) -> list[str]:
    """Documents in turn, as long as both last."""
    return [text for pair in zip(a, b, strict=False) for text in pair]


def _tokenizer_table(rows: "Sequence[TokenizerRow]") -> "Table":
    """A row a tokenizer and held-out text."""
    from synthmix.interval import Interval
    from synthmix.table import Column, Table

    columns = [
        *(Column("trained_on", kind=str), Column("vocab_size", "vocabulary", "d", kind=int)),
        *(Column("text", "held out", kind=str), Column("tokens_per_byte", "tokens a byte", ".4f", kind=Interval)),
        Column("cost", "more tokens", "+.1%", kind=Interval, missing="reference"),
        *(Column("bits_per_byte", "unigram bits a byte", ".3f", kind=Interval), Column("used", form=".1%", kind=float)),
        *(Column("mass_covered", form=".3%", kind=float), Column("kl", "KL(test\u2016train)", ".3f", kind=float)),
    ]
    body = [
        (
            *(row.trained_on, row.vocab_size, row.text, row.tokens_per_byte, row.cost, row.bits_per_byte, row.used),
            *(row.comparison.coverage_mass[1], row.comparison.divergences[0].kl_test_train),
        )
        for row in rows
    ]
    return Table("tokenizers", columns, body, note="90% intervals; training text cut to equal size")


def _bits_table(rows: "Sequence[TrainedBits]") -> "Table":
    """Bits per byte of trained models, a row a study, recipe and domain."""
    from synthmix.interval import Interval
    from synthmix.table import Column, Table

    columns = [
        *(Column("study"), Column("recipe"), Column("domain", "held out"), Column("vocabulary", align="right")),
        *(Column("params", form=format_count), Column("params_total", "params (total)", format_count)),
        *(Column("tokens", form=format_count), Column("seeds"), Column("bits", "bits a byte", ".4f", kind=Interval)),
    ]
    body = [
        (
            *(row.study, row.recipe, row.domain, f"{row.vocab_size} ({row.tokenizer[:6]})", row.params),
            *(row.params_total, row.tokens, row.seeds, _spread(row)),
        )
        for row in rows
    ]
    title = "Trained models at each study's largest cell, least to most of the seeds in brackets"
    return Table("trained_bits", columns, body, title)


def _spread(row: "TrainedBits") -> "Interval":
    from synthmix.interval import Interval

    low, high = (row.low, row.high) if row.seeds > 1 else (None, None)
    return Interval(low=low, mid=row.bits_per_byte, high=high)


def _written(**paths: Path | None) -> str:
    return "\n".join(f"{what}: {path}" for what, path in paths.items() if path)
