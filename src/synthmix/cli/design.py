"""``synthmix design``: what a ladder of runs could answer, before any of it is trained."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.options import AsJson, parsed
from synthmix.cli.runs import Columns, MappingFile, SkipBad, taken


def design(
    study: Annotated[
        Path | None, typer.Argument(help="The study file; its ladder and question count.", show_default=False)
    ] = None,
    params: Annotated[str | None, typer.Option(help="The parameters asked about.")] = None,
    tokens: Annotated[str | None, typer.Option(help="The training tokens asked about.")] = None,
    sizes: Annotated[str | None, typer.Option(help="Without a study: 25k,75k,225k")] = None,
    budgets: Annotated[str | None, typer.Option(help="Training tokens of each size: 200k,400k,800k")] = None,
    shares: Annotated[str, typer.Option(help="Synthetic shares.")] = "0,1/3,2/3,1",
    sources: Annotated[str, typer.Option(help="Names of the synthetic sources.")] = "synthetic",
    seeds: Annotated[int, typer.Option(help="Of every cell.", min=1)] = 1,
    replicates: Annotated[
        int, typer.Option(help="Seeds of the smallest size, at its smallest and largest budget.", min=1)
    ] = 2,
    trunk: Annotated[bool, typer.Option("--trunk", help="The budgets share one stable phase (WSD).")] = False,
    cost: Annotated[str | None, typer.Option(help="Training FLOPs: the ladder of that cost that answers best.")] = None,
    runs: Annotated[
        list[str] | None, typer.Option("--runs", help="Earlier runs, whose laws are simulated (repeatable).")
    ] = None,
    columns: Columns = "",
    mapping: MappingFile = None,
    skip_bad: SkipBad = False,
    studies: Annotated[int, typer.Option(help="Simulated studies.", min=2)] = 20,
    proposals: Annotated[
        str, typer.Option(help="Ladders at these multiples of the cost; none: no ladder.")
    ] = "0.5,1,2",
    vocab: Annotated[str | None, typer.Option(help="The tokenizer's vocabulary; unset: the study's, or 50k.")] = None,
    seconds: Annotated[float, typer.Option(help="No simulated study is begun after so many.", min=0)] = 60,
    as_json: AsJson = False,
) -> None:
    """Simulate a study before it is run: the width of its answer, the chance of none, and the ladder that answers best.

    Truths are drawn from the laws of earlier runs (those of the study, or --runs), else from public priors; each
    simulated table is fitted and decided as a real one would be.

    Example: synthmix design examples/quickstart.yaml

    Example: synthmix design --params 1B --tokens 100B --sizes 25k,75k,225k --budgets 200k,400k,800k

    Example: synthmix design --params 1B --tokens 20B --cost 1e18 --runs earlier.csv
    """
    from synthmix.cli.study import naming
    from synthmix.cli.terminal import show
    from synthmix.design import Design, check_design, design_for
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count
    from synthmix.runs import read_runs
    from synthmix.study.design import check_study
    from synthmix.study.load import load_study

    if (params is None) != (tokens is None):
        missing = "--params" if params is None else "--tokens"
        raise BadInput("is missing", key=missing, remedy="ask with both, or with neither for the study's question")
    question = None
    if params is not None and tokens is not None:
        question = (
            float(parsed(parse_count, params, "--params")), float(parsed(parse_count, tokens, "--tokens"))
        )  # fmt: skip
    known = read_runs(runs, columns, mapping=mapping, skip_bad=skip_bad) if runs else None
    how: dict[str, Any] = {
        "known": known, "studies": studies, "seconds": seconds, "proposals": _multiples(proposals),
    }  # fmt: skip
    words = None if vocab is None else parsed(parse_count, vocab, "--vocab")
    if study is not None:
        if sizes is not None or budgets is not None or cost is not None:
            raise BadInput("is for a design without a study file", key="--sizes, --budgets, --cost")
        with naming(study):
            found = check_study(load_study(study), question=question, vocab=words, **how)
        if found is None:
            raise BadInput("asks nothing", where=study, key="question", remedy="add it, or --params and --tokens")
    else:
        if question is None:
            raise BadInput("is missing", key="--params", remedy="name a study file, or --params and --tokens")
        names = [name.strip() for name in sources.split(",") if name.strip()]
        if cost is not None:
            if sizes is not None or budgets is not None:
                raise BadInput("is for a ladder that is not given", key="--cost", remedy="drop --sizes and --budgets")
            flops = parsed(float, cost, "--cost")
            made = design_for(flops, question, names, known=known, vocab=words or 50_000)
        else:
            if sizes is None or budgets is None:
                missing = "--sizes" if sizes is None else "--budgets"
                raise BadInput("is missing", key=missing, remedy="name the ladder, or a --cost, or a study file")
            made = Design.grid(
                _counts(sizes, "--sizes"), _counts(budgets, "--budgets"), _shares(shares), names, seeds=seeds,
                replicates=replicates, trunk=trunk,
            )  # fmt: skip
        found = check_design(made, question, vocab=words or 50_000, **how)
    lead = ["\n".join(taken(known))] if known is not None else []
    show(found.as_json(), *lead, *found.tables(), as_json=as_json)


def _counts(text: str, key: str) -> list[float]:
    from synthmix.quantities import parse_count

    return [float(parsed(parse_count, part.strip(), key)) for part in text.split(",")]


def _shares(text: str) -> list[float]:
    from synthmix.quantities import parse_share

    return [float(parsed(parse_share, part.strip(), "--shares")) for part in text.split(",")]


def _multiples(text: str) -> tuple[float, ...]:
    from synthmix.errors import BadInput

    if text.strip() == "none":
        return ()
    found = tuple(parsed(float, part, "--proposals") for part in text.split(","))
    if not all(0 < each < 1e6 for each in found):
        raise BadInput("are not multiples above 0", key="--proposals", remedy="write 0.5,1,2, or none")
    return found
