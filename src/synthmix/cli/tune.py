"""``synthmix tune``: is the learning rate's rule right for this text?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, opened, parsed, shared_tokenizer, telling

if TYPE_CHECKING:
    from synthmix.corpus import Corpus
    from synthmix.progress import Progress

SAMPLE = ["stdlib", "numpy", "scipy", "torch", "transformers"]  # the quickstart's


def tune(
    params: Annotated[list[str] | None, typer.Option(help="Sizes, two or more. Unset: 25k and 100k.")] = None,
    rates: Annotated[str, typer.Option(help="How many, or the peak rates: .002,.004,.008.")] = "5",
    tokens: Annotated[str, typer.Option(help="Budget of each run.")] = "400k",
    seeds: Annotated[int, typer.Option(help="Runs at each rate.", min=1)] = 2,
    source: Annotated[str | None, typer.Option("--from", help="Text or a corpus. Unset: the embedded sample.")] = None,
    context: Annotated[int, typer.Option(help="Tokens a sequence predicts.", min=8)] = 64,
    batch: Annotated[str | None, typer.Option(help="Tokens a step. Unset: by size and budget.")] = None,
    epochs: Annotated[float, typer.Option(help="How often the text may be gone through.", min=1)] = 1,
    to: Annotated[Path, typer.Option("--to", help="Folder of run records.")] = Path("runs"),
    plot: Annotated[Path | None, typer.Option(help="Write loss against rate as an HTML page.")] = None,
    level: Annotated[float, typer.Option(help="Of the intervals.", min=0.5, max=0.99)] = 0.9,
    workers: Annotated[int | None, typer.Option(help="Processes. Unset: one a core.", min=1)] = None,
    tokenizer: TokenizerOption = None,
    vocab: Annotated[str, typer.Option(help="Vocabulary, when a tokenizer is trained.")] = "2048",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sweep the learning rate at small sizes, find each one's best, and hold the rule 0.36 / width to them.

    Runs are records: a killed sweep resumes, and a finished one is not repeated. See docs/ladder.md.

    Example: synthmix tune --params 25k --params 100k --from data/web.jsonl --plot rates.html
    """
    from synthmix.cli.terminal import show
    from synthmix.cli.tuned import tuned_dict, tuned_plot, tuned_text
    from synthmix.engine import open_engine
    from synthmix.errors import BadInput
    from synthmix.files import write_text
    from synthmix.quantities import parse_count
    from synthmix.study.tune import rate_grids
    from synthmix.study.tune import tune as run

    sizes = [parsed(parse_count, size, "--params") for size in params or ["25k", "100k"]]
    asked = [parsed(float, rate, "--rates") for rate in rates.split(",")]
    if "," not in rates and not asked[0].is_integer():
        raise BadInput(f"{rates} is neither a number of rates nor a list", key="--rates", remedy="write .002,.004,.008")
    budget = parsed(parse_count, tokens, "--tokens")
    step = None if batch is None else parsed(parse_count, batch, "--batch")
    tried = asked if "," in rates else int(asked[0])
    rate_grids(sizes, tried)  # before any text is read
    with telling(quiet=quiet) as progress:
        corpus = _corpus(source, tokenizer, vocab, cache, progress)
        found = run(
            corpus,
            params=sizes,
            rates=tried,
            tokens=budget,
            seeds=seeds,
            context=context,
            batch=step,
            epochs=epochs,
            to=to,
            level=level,
            engine=open_engine(workers=workers),
            progress=progress,
        )
    if plot is not None:
        write_text(plot, tuned_plot(found).to_html(include_plotlyjs=True))
    show(tuned_dict(found), tuned_text(found), as_json=as_json)


def _corpus(source: str | None, tokenizer: str | None, vocab: str, cache: Path, progress: "Progress") -> "Corpus":
    from synthmix.corpus import Source, load_tokenizer, open_or_build, train_texts, train_tokenizer
    from synthmix.quantities import parse_count
    from synthmix.study.single import HELDOUT

    if source is not None:
        shared = shared_tokenizer([source], tokenizer, vocab)
        return opened(source, shared, cache, progress, name="text", heldout=HELDOUT)
    sample = Source(sample=SAMPLE)
    size = parsed(parse_count, vocab, "--vocab")
    shared = (
        load_tokenizer(tokenizer) if tokenizer else train_tokenizer(train_texts(sample, limit_bytes=20_000_000), size)
    )
    return open_or_build(sample, cache, tokenizer=shared, name="sample", heldout=HELDOUT, progress=progress)
