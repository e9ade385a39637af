"""``synthmix generate``, ``quality`` and ``look``: text from any LLM, measured, and read by people."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    Address,
    AllowKey,
    AsJson,
    EngineKind,
    Quiet,
    Workers,
    field_values,
    parse_named,
    remember_keys,
    telling,
)
from synthmix.errors import BadInput
from synthmix.reading import parse_yaml

if TYPE_CHECKING:
    from synthmix.corpus.sources import Document
    from synthmix.generation.output import Summary
    from synthmix.generation.preview import Preview
    from synthmix.generation.settings import GenerateConfig
    from synthmix.table import Table

Count = str | None


def generate(
    context: typer.Context,
    to: Annotated[Path, typer.Option("--to", help="Folder of the job and its text.", show_default=False)],
    source: Annotated[
        list[str] | None,
        typer.Option("--from", help="Corpus folder, file, glob or 'sample'; may be repeated.", show_default=False),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Name at the endpoint; without one a folder or hub id, run here.", show_default=False),
    ] = None,
    kind: Annotated[str, typer.Option("--type", help="hq, qa, textbook, faq, table, tutorial, math, dialogue.")] = "hq",
    template: Annotated[Path | None, typer.Option(help="A template file, instead of --type.")] = None,
    endpoint: Annotated[
        list[str] | None, typer.Option(help="OpenAI-compatible server, up to /v1; several share the work.")
    ] = None,
    tokens: Annotated[Count, typer.Option(help="Stop at so many tokens of written text; unset: all of --from.")] = None,
    documents: Annotated[Count, typer.Option(help="Use only the first documents of --from.")] = None,
    rollouts: Annotated[int, typer.Option(help="Answers per document.", min=1)] = 1,
    sampling: Annotated[
        list[str] | None,
        typer.Option(help="temperature=0.8 or 'temperature={uniform: [0.6, 1.0]}'; may be repeated."),
    ] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="copied=0.5, language=null, ...; may be repeated.")
    ] = None,
    heldout: Annotated[
        list[str] | None, typer.Option(help="Held-out text: what shares long n-grams with it is dropped.")
    ] = None,
    toward: Annotated[
        list[str] | None,
        typer.Option(help="[NAME=]PATH of a reference: seeds are drawn by what the mixture lacks for it; repeatable."),
    ] = None,
    have: Annotated[
        list[str] | None,
        typer.Option(help="With --toward: [SHARE:][NAME=]PATH of the mixture; repeatable; unset: --from."),
    ] = None,
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    chunk_tokens: Annotated[str, typer.Option(help="Longest piece of a document in one request.")] = "300",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    price_in: Annotated[float, typer.Option(help="Money per million input tokens.", min=0)] = 0.0,
    price_out: Annotated[float, typer.Option(help="Money per million output tokens.", min=0)] = 0.0,
    budget_tokens: Annotated[Count, typer.Option(help="Never use more tokens, input and output together.")] = None,
    budget_money: Annotated[float | None, typer.Option(help="Never spend more.")] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Variable that holds the key for --endpoint; unset: OPENAI_API_KEY, for OpenAI.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 300.0,
    retries: Annotated[int, typer.Option(help="Further tries of a request.", min=0)] = 8,
    concurrency: Annotated[int, typer.Option(help="Most requests at once to an endpoint.", min=1)] = 512,
    batch: Annotated[int, typer.Option(help="Prompts at once when the model runs here.", min=1)] = 16,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed for good.")] = False,
    max_wait: Annotated[float, typer.Option(help="Longest wait in seconds that a server may ask for.")] = 300.0,
    allow_key: AllowKey = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Five finished examples, and what the whole job will take.")
    ] = False,
    loop: Annotated[
        Path | None,
        typer.Option("--loop", help="Rounds over the arms of this file (YAML), until nothing is worth its price."),
    ] = None,
    budget: Annotated[Count, typer.Option(help="Of --loop: tokens that are read and written, never passed.")] = None,
    money: Annotated[float | None, typer.Option(help="Of --loop: money, never passed, instead of --budget.")] = None,
    worth: Annotated[
        float | None, typer.Option(help="Of --loop: what .01 nats are worth, in the budget's unit; unset: any gain is.")
    ] = None,
    stop_confidence: Annotated[
        float, typer.Option(help="Of --loop: to stop, every arm must be below its price with it.")
    ] = 0.9,
    status: Annotated[bool, typer.Option("--status", help="Of --loop: its decisions so far; asks nothing.")] = False,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Text from any LLM: rewrite a corpus, or write anew from its keywords. The same command resumes.

    Example: synthmix generate --type hq --from data/web.jsonl --to corpora/hq --model llama-3-8b
    --endpoint http://localhost:8000/v1 --tokens 40M

    With --toward the seeds are passages of --from that carry the words which the mixture lacks for the reference, whose
    own text is shown to no generator.

    Example: synthmix generate --type hq --from data/web.jsonl --to corpora/toward --model llama-3-8b
    --endpoint http://localhost:8000/v1 --toward data/wiki.jsonl --have 70%:data/web.jsonl --have 30%:data/hq.jsonl

    With --loop the budget goes, round after round, to the arm (kind, generator, seeds) whose next tokens add most to
    the text there is for their price; every decision is written to decisions.json with its figures.

    Example: synthmix generate --loop loop.yaml --to corpora/filled --budget 20M --worth 500k

    Example: synthmix generate --loop loop.yaml --to corpora/filled --status
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput

    if loop is not None or status:
        from synthmix.cli.generation_loop import run_loop

        only_given(context, LOOP, "is for a single job", "write it into the file of --loop")
        remember_keys(allow_key or [])
        run_loop(loop, to, budget, money, worth, stop_confidence, status, as_json=as_json, quiet=quiet)
        return
    only_given(context, None, "is for --loop", "name the file of arms: --loop loop.yaml")
    if source is None or model is None:
        missing = "--from" if source is None else "--model"
        raise BadInput("is missing", key=missing, remedy=f"add {missing}; or give the arms of a --loop")
    given: dict[str, Any] = {
        "generate": str(template) if template is not None else kind,
        "model": model,
        "endpoint": endpoint or [],
        "tokens": tokens,
        "documents": documents,
        "rollouts": rollouts,
        "chunk_tokens": chunk_tokens,
        "seed": seed,
        "price_in": price_in,
        "price_out": price_out,
        "budget_tokens": budget_tokens,
        "budget_money": budget_money,
        "key_env": key_env,
        "timeout": timeout,
        "retries": retries,
        "concurrency": concurrency,
        "batch": batch,
        "max_wait": max_wait,
    }
    if engine not in ("local", "ray"):
        raise BadInput(f"{engine!r} is neither local nor ray", key="--engine")
    if engine == "ray" and not endpoint:
        raise BadInput("shares out requests to endpoints", key="--engine ray", remedy="name them with --endpoint")
    config = config_from(given, sampling or [], filters or [])

    from synthmix.corpus.load import Documents, HeldoutTexts
    from synthmix.generation.job import generate_corpus
    from synthmix.generation.keys import server_of
    from synthmix.generation.preview import preview_corpus

    if have and not toward:
        raise BadInput("is for --toward", key="--have", remedy="name a reference: --toward FILE")
    read: Iterable[Document] = Documents(source, text=text)
    held = HeldoutTexts([*(heldout or []), *(part.path for part in parse_named(toward or []))], source)
    remember_keys(allow_key or [])
    # Both named by the user, here and now; what a study file names is not.
    allowed = [f"{key_env}@{url}" for url in map(server_of, endpoint or [])] if key_env else []
    about, aim = {"name": ", ".join(source)}, None
    with telling(quiet=quiet) as progress:
        if toward:
            from synthmix.cli.gap import seeds_toward

            found_seeds = seeds_toward(config, read, held, have or source, toward, progress)
            if isinstance(found_seeds, str):
                show({"folder": None, "gap": "none"}, found_seeds, as_json=as_json)
                return
            aim, drawn = found_seeds
            read, about = drawn.documents, {**about, **drawn.told(aim)}
        if preview:
            found = preview_corpus(config, read, held, to, progress, allow_keys=allowed, aim=aim)
            show(found.model_dump(mode="json"), preview_lines(found, to), as_json=as_json)
            return
        if engine == "local" and workers is None:
            summary = generate_corpus(
                config, read, held, to, progress, retry_failed=retry_failed, about=about, allow_keys=allowed, aim=aim
            )
        else:
            from synthmix.engine import open_engine

            with open_engine(engine, workers=workers, address=address) as where:
                summary = generate_corpus(
                    config,
                    read,
                    held,
                    to,
                    progress,
                    retry_failed=retry_failed,
                    engine=where,
                    about=about,
                    allow_keys=allowed,
                    aim=aim,
                )
    show({"folder": str(to), **summary.model_dump(mode="json")}, summary_lines(summary), as_json=as_json)


_OPTIONS = {"generate": "--type"}
LOOP = ("loop", "budget", "money", "worth", "stop_confidence", "status")  # options of --loop alone
BOTH = ("to", "allow_key", "as_json", "quiet")


def only_given(context: typer.Context, allowed: Sequence[str] | None, problem: str, remedy: str) -> None:
    """See that of the command's options only those ``allowed`` were given, and :data:`BOTH`; None: all but
    :data:`LOOP`.

    Raises:
        BadInput: another one was, by its name.
    """
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        wrong = name in LOOP if allowed is None else name not in (*allowed, *BOTH)
        if wrong and source is not None and source.name != "DEFAULT":
            raise BadInput(problem, key=parameter.opts[0], remedy=remedy)


SHOWN = 1500  # characters of a prompt or a text


def config_from(given: Mapping[str, Any], sampling: Sequence[str], filters: Sequence[str]) -> "GenerateConfig":
    """The settings that options stand for.

    Raises:
        BadInput: an option that does not fit, by its name.
    """
    from pydantic import ValidationError

    from synthmix.generation.settings import GenerateConfig
    from synthmix.validation import misfit

    named = {"sampling": _named_values(sampling, "--sampling"), "filters": _named_values(filters, "--filter")}
    try:
        return GenerateConfig.model_validate({**given, **named})
    except ValidationError as error:
        found = misfit(error)
        if not found.path:
            raise BadInput(found.message) from None
        first, *below = found.path
        option = {"filters": "--filter"}.get(first) or _OPTIONS.get(first, "--" + first.replace("_", "-"))
        raise BadInput(found.message, key=" ".join([option, *below[:1]])) from None


def _named_values(options: Sequence[str], name: str) -> dict[str, Any]:
    """``["temperature=0.8"]`` -> ``{"temperature": 0.8}``; values are YAML."""
    found: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise BadInput("is not NAME=VALUE", key=f"{name} {option}", remedy=f"write {name} temperature=0.8")
        found[key.strip()] = parse_yaml(value, where=f"{name} {key}", problem=f"{value!r} is no value")
    return found


def summary_lines(summary: "Summary") -> str:
    """A job's outcome in words."""
    from synthmix.quantities import format_count, format_seconds

    documents, tokens = summary.documents, summary.tokens
    lines = [
        f"{summary.folder}: {documents.written} documents of {format_count(tokens.written)} tokens written, "
        f"{documents.filtered} filtered, {documents.failed} failed, {documents.resumed} resumed",
        f"{format_count(tokens.input)} tokens in and {format_count(tokens.output)} out, "
        f"cost {summary.cost:.2f}, {format_seconds(summary.seconds)}",
    ]
    reasons = [f"{row['documents']} {row['reason'].replace('_', ' ')}" for row in summary.dropped if row["documents"]]
    lines += [f"filtered: {', '.join(reasons)}"] if reasons else []
    if summary.failed_file:
        lines.append(f"{summary.requests.failed} requests failed, see {summary.folder / summary.failed_file}")
    if summary.requests.uncounted:
        lines.append(
            f"{summary.requests.uncounted} answers came without a count of tokens: they count with the most that "
            "they may have cost"
        )
    if summary.stopped == "budget":
        lines.append(f"stopped by the budget; {documents.unfinished} documents begun and not finished")
    lines.append(f"mix it as files: {summary.folder}/data/*.jsonl.gz")
    return "\n".join(lines)


def preview_lines(preview: "Preview", to: Path) -> str:
    """The examples, one under the other, and the estimate."""
    from synthmix.quantities import format_count, format_seconds

    lines = []
    for number, one in enumerate(preview.examples, start=1):
        fate = f"would be dropped: {', '.join(one.dropped)}" if one.dropped else "kept"
        lines.append(
            f"=== example {number}: {one.document} ({one.input_tokens} tokens in, {one.output_tokens} out, "
            f"cost {one.cost:.6f}, {format_seconds(one.seconds)}, {one.finish}; {fate})"
        )
        for prompt in one.prompts[:1]:
            lines += [f"--- {message['role']}\n{_cut(message['content'])}" for message in prompt]
        if len(one.prompts) > 1:
            lines.append(f"... and {len(one.prompts) - 1} more requests for its other pieces")
        lines.append(f"--- text\n{_cut(one.text)}\n")
    whole = preview.whole
    lines.append(
        f"whole job: {format_count(whole.documents)} documents, {format_count(whole.requests)} requests, about "
        f"{format_count(whole.input_tokens)} tokens in and {format_count(whole.output_tokens)} out, "
        f"{format_count(whole.written_tokens)} of them written; cost {whole.cost:.2f}; "
        f"{format_seconds(whole.seconds)} at {whole.at_once} requests at once of {whole.seconds_each:.2g} s each"
    )
    lines.append(f"answers are kept in {to}: the job goes on from them")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} [... {len(text) - SHOWN} more characters]"


def quality(
    texts: Annotated[
        list[str],
        typer.Argument(help="[NAME=]PATH of folders of synthmix generate, corpora or files.", show_default=False),
    ],
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the page and the tables.")] = None,
    as_json: AsJson = False,
) -> None:
    """Diversity, faithfulness, lengths and refusals of generated text, against its sources and each other.

    Example: synthmix quality corpora/hq corpora/qa --to reports/quality

    Of corpora and plain files all that needs no source: what the texts were made from is known of generated folders.

    Example: synthmix quality web=data/web.jsonl data/hq.jsonl
    """
    from synthmix.cli.terminal import show
    from synthmix.generation.quality import compare_quality
    from synthmix.report.quality import measure_table, write_quality

    report = compare_quality({part.name: Path(part.path) for part in parse_named(texts)})
    found = report.model_dump(mode="json")
    if to is not None:
        write_quality(found, to)
    written = [f"{to}: page and tables"] if to is not None else []
    show(found, measure_table(found), "\n".join([*report.warnings, *written]), as_json=as_json)


def look(
    corpora: Annotated[
        list[str],
        typer.Argument(
            help="[NAME=]PATH of generated folders, corpora or files; or the sheet, with --ratings.",
            show_default=False,
        ),
    ],
    source: Annotated[str | None, typer.Option(help="What they were made from: a corpus, file or glob.")] = None,
    to: Annotated[Path, typer.Option("--to", help="The page; its key is written beside it.")] = Path("sheet.html"),
    count: Annotated[int, typer.Option(help="Items of the sheet.", min=1)] = 40,
    words: Annotated[int, typer.Option(help="Longest text shown; 0: whole texts.", min=0)] = 300,
    single: Annotated[bool, typer.Option("--single", help="One text at a time, half of them the source's.")] = False,
    by: Annotated[str | None, typer.Option(help="One file of all: the field that names the writer.")] = None,
    human: Annotated[str, typer.Option(help="With --by: its value for the sources.")] = "human",
    pair: Annotated[str, typer.Option(help="Field that names the source document.")] = "id",
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    where: Annotated[list[str] | None, typer.Option(help="Keep generated records with FIELD=VALUE.")] = None,
    fold: Annotated[
        list[str] | None, typer.Option(help="Typography to fold away: whitespace, punctuation; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws texts, order and sides.", min=0)] = 0,
    ratings: Annotated[
        list[str] | None, typer.Option(help="Files (globs, folders) that raters downloaded; may be repeated.")
    ] = None,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.9,
    html: Annotated[Path | None, typer.Option(help="With --ratings: write a page with the figures.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """A blind human evaluation sheet: texts beside their sources, one offline page; with --ratings how far the raters
    agree, what they found, and whether the automatic measures say the same.

    Example: synthmix look corpora/hq --source data/web.jsonl --count 40 --to sheet.html

    Then: synthmix look sheet.html --ratings "ratings-*.json" --html agreement.html
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput

    if ratings:
        if len(corpora) != 1:
            raise BadInput(f"{len(corpora)} sheets are named", key="--ratings", remedy="name one sheet")
        value, blocks = _rated(corpora[0], ratings, level, html)
        show(value, *blocks, as_json=as_json)
        return
    if html is not None:
        raise BadInput("is for ratings", key="--html", remedy="name the page with --to, or give --ratings FILES")
    if corpora[0].endswith((".html", ".key.json")):
        raise BadInput("is a sheet", where=corpora[0], remedy="give its ratings: --ratings FILES")
    with telling(quiet=quiet) as progress:
        value, lines = _made(
            corpora,
            to,
            source=source,
            count=count,
            words=words or None,
            single=single,
            by=by,
            human=human,
            pair=pair,
            text=text,
            where=where or [],
            fold=fold or [],
            seed=seed,
            progress=progress,
        )
    show(value, lines, as_json=as_json)


def _made(corpora: list[str], to: Path, *, where: list[str], fold: list[str], **how: Any) -> tuple[dict[str, Any], str]:
    from typing import get_args

    from synthmix.corpus.sources import Fold
    from synthmix.errors import BadInput
    from synthmix.human_eval.make import make_sheet
    from synthmix.human_eval.sheet import key_path

    for each in fold:
        if each not in get_args(Fold):
            raise BadInput(f"{each!r} cannot be folded", key="--fold", remedy=f"write {' or '.join(get_args(Fold))}")
    named = {part.name: part.path for part in parse_named(corpora)}
    sheet = make_sheet(named, to, where=field_values(where) or None, fold=fold, **how)  # type: ignore[arg-type]
    value = {
        "sheet": sheet.id,
        "page": str(to),
        "key": str(key_path(to)),
        "kind": sheet.kind,
        "items": len(sheet.items),
    }
    value["corpora"] = sheet.corpora
    beside = {"pair": "beside its source", "apart": "beside a text of the source", "single": "alone"}[sheet.kind]
    lines = [
        f"{to}: {len(sheet.items)} items of {', '.join(sheet.corpora)}, each text {beside} (sheet {sheet.id}).",
        f"{key_path(to)}: who wrote what; keep it, and send raters the page alone.",
        f"Then: synthmix look {to} --ratings FILE --ratings FILE",
    ]
    if len(sheet.items) < how["count"]:
        lines.insert(1, f"{how['count']} items were asked for; no more texts with a source of their own were found.")
    return value, "\n".join(lines)


def _rated(
    sheet: str, ratings: list[str], level: float, html: Path | None
) -> "tuple[dict[str, Any], list[str | Table]]":
    from synthmix.human_eval.agreement import agreement
    from synthmix.report.agreement import agreement_tables, lead, outcome_table, rho_table, under, write_agreement

    value = agreement(sheet, ratings, level=level).model_dump(mode="json")
    blocks: list[str | Table] = ["\n".join([f"{lead(value)}.", *under(value)]), outcome_table(value)]
    blocks += agreement_tables(value)
    if value["correlations"]:
        blocks.append(rho_table(value))
    if html is not None:
        write_agreement(value, html)
        value["page"] = str(html)
        blocks.append(f"page: {html}")
    return value, blocks
