"""``synthmix stats`` and ``report``: from text and results to statements."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, Vocab, opened, shared_tokenizer, telling


def stats(
    corpora: Annotated[list[str], typer.Argument(help="Corpora or plain files.", show_default=False)],
    against: Annotated[list[str], typer.Option(help="Held-out text; may be repeated.", show_default=False)],
    tokens: Annotated[str | None, typer.Option(help="Equal-sized samples; unset: the smallest corpus's size.")] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Unigram coverage and KL divergence of each corpus against held-out text, on equal-sized samples.

    Example: synthmix stats data/web.jsonl data/hq.jsonl --against data/wiki.jsonl
    """
    from synthmix.cli.common import parse_parts, parsed
    from synthmix.cli.plan_text import table
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count
    from synthmix.statistics import count_unigrams, statistic

    trained, tests = parse_parts([f"1:{c}" for c in corpora]), parse_parts([f"1:{a}" for a in against])
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([part.path for part in (*trained, *tests)], tokenizer, vocab)
        heldout = {}
        for part in tests:
            test = opened(part.path, shared, cache, progress, name=part.name, heldout=1)
            for domain in test.heldout_domains:
                name = part.name if len(test.heldout_domains) == 1 else f"{part.name}/{domain}"
                heldout[name] = count_unigrams(test.heldout(domain), shared.vocab_size)
        pools = {part.name: opened(part.path, shared, cache, progress, name=part.name) for part in trained}
        smallest = min(corpus.train_counts.tokens for corpus in pools.values())
        size = smallest if tokens is None else parsed(parse_count, tokens, "--tokens")
        if size > smallest:
            raise BadInput(f"the smallest corpus has {smallest} tokens", key="--tokens", remedy="ask for fewer")
        found = [
            statistic(name, domain, count_unigrams(corpus.train, shared.vocab_size, stop=size), test)
            for name, corpus in pools.items()
            for domain, test in heldout.items()
        ]
    rows = [
        [s.recipe, s.domain, f"{s.coverage_mass:.4%}", f"{s.coverage_types:.2%}", f"{s.kl_test_train:.4f}"]
        for s in found
    ]
    text = table(["corpus", "held out", "mass covered", "types covered", "KL(test||train)"], rows)
    text += f"\nnats; {size} tokens of each corpus; smoothing {found[0].smoothing}"
    show({"tokens": size, "statistics": [s.model_dump() for s in found]}, text, as_json=as_json)


def report(
    results: Annotated[Path, typer.Argument(help="A study's results.json, or its folder.", show_default=False)],
    to: Annotated[Path | None, typer.Option("--to", help="Folder to write to; unset: beside the results.")] = None,
    as_json: AsJson = False,
) -> None:
    """Render the page and the tables from a study's results; reads nothing else.

    Example: synthmix report studies/quickstart --to public/
    """
    from synthmix.cli.terminal import show
    from synthmix.report import headline, write_report

    path = results / "results.json" if results.is_dir() else results
    found = read_results(path)
    page = write_report(found, to or path.parent).resolve()
    show({"report": str(page), "headline": headline(found)}, f"{headline(found)}\n\nReport: {page}", as_json=as_json)


def read_results(path: Path) -> Any:
    """Read and validate ``results.json``.

    Raises:
        BadInput: missing, damaged, or of another version.
    """
    from pydantic import ValidationError

    from synthmix.errors import BadInput
    from synthmix.files import read_json
    from synthmix.results import Results

    try:
        return Results.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        remedy = "write it again with synthmix study report"
        raise BadInput(f"is no results file ({first['msg']})", where=path, key=key, remedy=remedy) from None
