"""``synthmix corpus``: build, sample, show."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.options import (
    Address,
    AsJson,
    EngineKind,
    Quiet,
    TokenizerOption,
    Vocab,
    Workers,
    field_values,
    opened_engine,
    parsed,
    shared_tokenizer,
    telling,
)

app = typer.Typer(help="Text as memory-mapped token shards.", no_args_is_help=True)


@app.command()
def build(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Files or globs: text, JSONL, Parquet (.gz, .bz2, .xz, .zst, s3://, gs://); "
            "tokens in .bin, .npy, .ds, .arrow, .mds."
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="Folder of the new corpus, or s3://, gs://.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Its name; unset: the folder's.")] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    heldout: Annotated[str, typer.Option(help="Share of the documents to hold out, by hash.")] = "0",
    format: Annotated[
        str | None, typer.Option(help="How to read the files; unset: by suffix. text, jsonl, parquet or tokens.")
    ] = None,
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    domain_field: Annotated[str | None, typer.Option(help="Field that holds the document's domain.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Keep records with FIELD=VALUE; may be repeated.")] = None,
    markup: Annotated[
        bool, typer.Option("--strip-markup", help="Take off reasoning and turns of a model; drop what is not certain.")
    ] = False,
    against: Annotated[list[str] | None, typer.Option(help="Corpora whose held-out text must not be in it.")] = None,
    origin: Annotated[str, typer.Option(help="Where the text comes from (kept in the metadata).")] = "",
    license: Annotated[str, typer.Option(help="Its license (kept in the metadata).")] = "",
    synthetic: Annotated[bool, typer.Option("--synthetic", help="The text was written by a model.")] = False,
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate", help="Remove near-duplicates within the training part, too.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option("--update", help="Read only files that are new or changed since --to was built."),
    ] = False,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tokenise text once: split by document, duplicates across the split removed, packed into shards.

    Example: synthmix corpus build "data/web/*.jsonl.gz" --to corpora/web --heldout 2%

    Example: synthmix corpus build "data/web/*.jsonl.gz" --to corpora/web --heldout 2% --update

    Example: synthmix corpus build "data/web/*.parquet" --to corpora/web --heldout 2% --deduplicate

    Example: synthmix corpus build tokens.bin --tokenizer tokenizer.json --to corpora/mapped

    Example: synthmix corpus build "s3://team/web/*.parquet" --to s3://team/corpora/web --heldout 0.1%

    Example: synthmix corpus build "/shared/web/*.parquet" --to /shared/corpora/web --engine ray --address auto
    """
    from synthmix.cli.terminal import show
    from synthmix.corpus import Corpus, Source, build_corpus, lost_text
    from synthmix.quantities import format_count, parse_share

    source = Source(
        files=files,
        format=parsed(_kind, format, "--format"),
        text=text,
        domain_field=domain_field,
        where=field_values(where or []) or None,
        markup="strip" if markup else "keep",
    )
    share = parsed(parse_share, heldout, "--heldout")
    others = [Corpus.open(path) for path in against or []]
    with telling(quiet=quiet) as progress, opened_engine(engine, address, workers, always=False) as where_it_runs:
        corpus = build_corpus(
            source,
            to,
            name=name or os.path.basename(os.path.abspath(to)),
            tokenizer=shared_tokenizer([*files, *(against or [])], tokenizer, vocab),
            heldout=share,
            against=others,
            kind="synthetic" if synthetic else "natural",
            origin=origin,
            license=license,
            progress=progress,
            engine=where_it_runs,
            update=update,
            deduplicate=deduplicate,
        )
    counts, meta = corpus.train_counts, corpus.meta
    removed = sum(meta.removed.values())
    reasons = ", ".join(f"{n} {why}" for why, n in meta.removed.items() if n).replace("_", " ")
    show(
        {"folder": to, **meta.model_dump(mode="json")},
        f"{to}: {format_count(counts.tokens)} training tokens in {counts.documents} documents, "
        f"{sum(c.documents for c in meta.heldout_counts.values())} documents held out, {removed} removed "
        f"({reasons or 'none'})",
        *([f"The tokenizer loses text: {lost}"] if (lost := lost_text(meta.lost, meta.name)) else []),
        as_json=as_json,
    )


def _kind(given: str | None) -> Any:
    if given not in (None, "text", "jsonl", "parquet", "tokens"):
        raise ValueError(f"{given!r} is none of text, jsonl, parquet, tokens")
    return given


@app.command()
def sample(
    to: Annotated[Path, typer.Option("--to", help="Folder to write the sample to.", show_default=False)],
    domains: Annotated[list[str] | None, typer.Option("--domain", help="Only these domains; may be repeated.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the embedded sample: the documentation on this machine, one JSONL file a domain, and a manifest.

    Example: synthmix corpus sample --to data/sample
    """
    from synthmix.cli.terminal import show
    from synthmix.corpus import absent_domains, write_sample

    with telling(quiet=quiet) as progress:
        manifest = write_sample(to, domains=domains or "all", progress=progress)
    lines = [f"{to}: {', '.join(sorted(path.name for path in to.glob('*.jsonl*')))}"]
    if absent_domains() and not domains:
        lines.append(f"Not installed here, so left out: {', '.join(absent_domains())}")
    show({"folder": str(to), **manifest}, "\n".join(lines), as_json=as_json)


@app.command()
def show(
    corpus: Annotated[str, typer.Argument(help="A corpus folder, or s3://, gs://.", show_default=False)],
    documents: Annotated[int, typer.Option(help="How many documents to print.", min=0)] = 2,
    verify: Annotated[bool, typer.Option("--verify", help="Check every shard against its checksum.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a corpus holds and print its first documents.

    Example: synthmix corpus show corpora/web --verify
    """
    from synthmix.cli.terminal import show as print_result
    from synthmix.corpus import Corpus, lost_text
    from synthmix.table import Column, Table

    found = Corpus.open(corpus)
    if verify:
        found.verify()
    parts = [("train", *item) for item in found.meta.train.items()]
    parts += [("held out", *item) for item in found.meta.heldout_counts.items()]
    rows = [(part, domain, c.documents, c.tokens, c.bytes) for part, domain, c in parts]
    texts = list(found.texts("train", limit=documents)) if found.meta.train else []
    columns = [Column(name) for name in ("part", "domain", "documents", "tokens", "bytes")]
    print_result(
        found.meta.model_dump(mode="json"),
        Table("corpus", columns, rows),
        *([f"The tokenizer loses text: {lost}"] if (lost := lost_text(found.meta.lost, found.name)) else []),
        *(f"--- document {i + 1}\n{one[:600]}" for i, one in enumerate(texts)),
        as_json=as_json,
    )
