"""``synthmix generate``: text from any LLM."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import Address, AsJson, EngineKind, Quiet, Workers, telling

Count = str | None


def generate(
    source: Annotated[
        list[str],
        typer.Option("--from", help="Corpus folder, file, glob or 'sample'; may be repeated.", show_default=False),
    ],
    to: Annotated[Path, typer.Option("--to", help="Folder of the job and its text.", show_default=False)],
    model: Annotated[
        str,
        typer.Option(help="Name at the endpoint; without one a folder or hub id, run here.", show_default=False),
    ],
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
        list[str] | None, typer.Option(help="HeldoutTexts-out text: what shares long n-grams with it is dropped.")
    ] = None,
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    chunk_tokens: Annotated[str, typer.Option(help="Longest piece of a document in one request.")] = "300",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    price_in: Annotated[float, typer.Option(help="Money per million input tokens.", min=0)] = 0.0,
    price_out: Annotated[float, typer.Option(help="Money per million output tokens.", min=0)] = 0.0,
    budget_tokens: Annotated[Count, typer.Option(help="Never use more tokens, input and output together.")] = None,
    budget_money: Annotated[float | None, typer.Option(help="Never spend more.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Variable that holds the key; unset: OPENAI_API_KEY.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 300.0,
    retries: Annotated[int, typer.Option(help="Further tries of a request.", min=0)] = 8,
    concurrency: Annotated[int, typer.Option(help="Most requests at once to an endpoint.", min=1)] = 512,
    batch: Annotated[int, typer.Option(help="Prompts at once when the model runs here.", min=1)] = 16,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed for good.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Five finished examples, and what the whole job will take.")
    ] = False,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Text from any LLM: rewrite a corpus, or write anew from its keywords. The same command resumes.

    Example: synthmix generate --type hq --from data/web.jsonl --to corpora/hq --model llama-3-8b
    --endpoint http://localhost:8000/v1 --tokens 40M
    """
    from synthmix.cli.generate_text import config_from, preview_lines, summary_lines
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput

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
    }
    if engine not in ("local", "ray"):
        raise BadInput(f"{engine!r} is neither local nor ray", key="--engine")
    if engine == "ray" and not endpoint:
        raise BadInput("shares out requests to endpoints", key="--engine ray", remedy="name them with --endpoint")
    config = config_from(given, sampling or [], filters or [])

    from synthmix.corpus.load import Documents, HeldoutTexts
    from synthmix.generation.job import generate_corpus
    from synthmix.generation.preview import preview_corpus

    read, held = Documents(source, text=text), HeldoutTexts(heldout or [], source)
    about = {"name": ", ".join(source)}
    with telling(quiet=quiet) as progress:
        if preview:
            found = preview_corpus(config, read, held, to, progress)
            show(found.model_dump(mode="json"), preview_lines(found, to), as_json=as_json)
            return
        if engine == "local" and workers is None:
            summary = generate_corpus(config, read, held, to, progress, retry_failed=retry_failed, about=about)
        else:
            from synthmix.engine import open_engine

            with open_engine(engine, workers=workers, address=address) as where:
                summary = generate_corpus(
                    config, read, held, to, progress, retry_failed=retry_failed, engine=where, about=about
                )
    show({"folder": str(to), **summary.model_dump(mode="json")}, summary_lines(summary), as_json=as_json)
