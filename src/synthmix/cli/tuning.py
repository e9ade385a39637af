"""``synthmix tune``: is the learning rate's rule right for this text?"""

from dataclasses import asdict
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
    Workers,
    opened,
    opened_engine,
    parsed,
    shared_tokenizer,
    telling,
)
from synthmix.quantities import format_count

if TYPE_CHECKING:
    from synthmix.corpus import Corpus
    from synthmix.interval import Interval
    from synthmix.progress import Progress
    from synthmix.study.tune import Tuned
    from synthmix.table import Table

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
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    tokenizer: TokenizerOption = None,
    vocab: Annotated[str, typer.Option(help="Vocabulary, when a tokenizer is trained.")] = "2048",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Sweep the learning rate at small sizes, find each one's best, and hold the rule 0.36 / width to them.

    Runs are records: a killed sweep resumes, and a finished one is not repeated. See docs/ladder.md.

    Example: synthmix tune --params 25k --params 100k --from data/web.jsonl --plot rates.html

    Example: synthmix tune --params 1M --params 10M --from corpora/web --engine ray --address auto
    """
    from synthmix.cli.terminal import show
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
    with telling(quiet=quiet) as progress, opened_engine(engine, address, workers) as running:
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
            engine=running,
            progress=progress,
        )
    if plot is not None:
        write_text(plot, tuned_plot(found).to_html(include_plotlyjs=True))
    show(tuned_dict(found), *_blocks(found), as_json=as_json)


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


def tuned_dict(found: "Tuned") -> dict[str, Any]:
    """One JSON object: the runs, each size's best rate, the rule, _warnings and what to write in a study file."""
    from synthmix.training.protocol import peak_rate

    rule = found.rule
    return {
        "tokens": found.tokens,
        "batch": found.protocol.batch,
        "context": found.protocol.context,
        "vocab": found.vocab,
        "level": found.level,
        "sizes": [
            {
                "params": optimum.params,
                "width": optimum.width,
                "runs": [
                    {"rate": rate, "seed": seed, "loss": loss}
                    for rate, loss, seed in zip(sweep.rates, sweep.losses, sweep.seeds, strict=True)
                ],
                "rate": None if optimum.rate is None else asdict(optimum.rate),
                "best_tried": optimum.best,
                "edge": optimum.edge,
                "used": peak_rate(optimum.width),
                "used_inside": None if optimum.rate is None else optimum.rate.holds(peak_rate(optimum.width)),
            }
            for sweep, optimum in zip(found.sweeps, found.optima, strict=True)
        ],
        "rule": None
        if rule is None
        else {
            "exponent_width": asdict(rule.exponent),
            "exponent_params": asdict(rule.exponent_params),
            "factor": asdict(rule.factor),
            "used_factor": rule.used,
            "exponent_inside": rule.exponent_inside,
            "factor_inside": rule.factor_inside,
        },
        "warnings": _warnings(found),
        "use": _advice(found),
    }


def _blocks(found: "Tuned") -> "list[Table | str]":
    """The losses and each size's best rate, then the rule, warnings and what to write in a study file."""
    from synthmix.table import Column, Table
    from synthmix.training.protocol import peak_rate

    blocks: list[Table | str] = []
    for sweep, optimum in zip(found.sweeps, found.optima, strict=True):
        seeds = sorted(set(sweep.seeds))
        at = {(r, s): loss for r, s, loss in zip(sweep.rates, sweep.seeds, sweep.losses, strict=True)}
        columns = [Column("rate", form=".3g"), *(Column(f"seed {seed}", form=".4f", kind=float) for seed in seeds)]
        rows = [(rate, *(at.get((rate, seed)) for seed in seeds)) for rate in sorted(set(sweep.rates))]
        used = peak_rate(optimum.width)
        note = "no lowest point"
        if optimum.rate is not None:
            note = f"best rate {_words(optimum.rate)}; the rule's {used:.3g} is {_inside(optimum.rate, used)}"
        title = f"N = {format_count(optimum.params)}, width {optimum.width}, {format_count(found.tokens)} tokens"
        blocks.append(Table(f"rates-{optimum.params}", columns, rows, title, note=note))
    lines = []
    if found.rule is not None:
        rule = found.rule
        judged = _inside(rule.factor, rule.used)
        lines += [
            f"rate = c / width^p: p = {_words(rule.exponent)}; the rule's 1 is {_inside(rule.exponent, 1)}",
            f"rate = c / N^p: p = {_words(rule.exponent_params)}",
            f"rate = c / width: c = {_words(rule.factor)}; the rule's {rule.used:g} is {judged}",
        ]
    lines += [f"warning: {warning}" for warning in _warnings(found)]
    return [*blocks, "\n".join([*lines, *(f"use: {line}" for line in _advice(found))])]


def _advice(found: "Tuned") -> list[str]:
    """What to write under ``training`` in a study file, and the factor that the sweep would put into the rule."""
    sure = [optimum for optimum in found.optima if optimum.rate is not None and optimum.edge is None]
    if found.rule is not None and len(sure) == len(found.optima) and found.rule.factor_inside:
        return [f"the rule, {found.rule.used:g} / width: leave training.learning_rate unset"]
    lines = [
        f"training: {{learning_rate: {optimum.rate.mid:.3g}}}  # at {format_count(optimum.params)} parameters"
        for optimum in sure
        if optimum.rate is not None
    ]
    return (
        lines
        if found.rule is None
        else [
            *lines,
            f"training: {{rate_factor: {found.rule.factor.mid:.3g}}}  # over the width, at all sizes",
        ]
    )


def _warnings(found: "Tuned") -> list[str]:
    """What makes the result less than it seems."""
    said = []
    for optimum in found.optima:
        size = format_count(optimum.params)
        if optimum.edge:
            beyond = "below" if optimum.edge == "low" else "above"
            said.append(f"{size}: the best rate is at the sweep's edge; try rates {beyond} {optimum.best:.3g}")
        elif optimum.rate is None:
            said.append(f"{size}: the loss has no lowest point; add seeds or tokens")
        elif optimum.rate.low is None:
            said.append(f"{size}: the noise leaves the best rate unbounded; add seeds or rates")
    if found.lost:
        runs = ", ".join(f"{format_count(size)} at {rate:.3g} (seed {seed})" for size, rate, seed in found.lost)
        said.append(f"left out, as they diverged: {runs}")
    if found.rule is not None and len(found.optima) == 2:
        said.append("two sizes fix an exponent, they do not test that it is one power")
    return said


def tuned_plot(found: "Tuned") -> Any:
    """Loss against rate, a colour a size: runs, parabola, best rate (solid) and the rule's (dotted)."""
    import numpy as np

    from synthmix.style import figure, line, marks, standing
    from synthmix.training.protocol import peak_rate

    data, upright = [], []
    for i, (sweep, optimum) in enumerate(zip(found.sweeps, found.optima, strict=True)):
        token, name = f"s{1 + i % 6}", f"N = {format_count(optimum.params)}"
        data.append(marks(sweep.rates, sweep.losses, token, name))
        grid = np.geomspace(min(sweep.rates), max(sweep.rates), 100)
        data.append(line(grid, optimum.loss(grid), token, name, showlegend=False))
        if optimum.rate is not None:
            upright.append((optimum.rate.mid, {"color": f"@{token}", "width": 1}))
        upright.append((peak_rate(optimum.width), {"color": f"@{token}", "width": 1, "dash": "dot"}))
    title = "Best rate (solid) and the rule's (dotted)"
    drawn = figure(title, "peak learning rate", "held-out loss, nats per token", data, log="x")
    for x, style in upright:
        drawn.add_vline(x=x, line=standing(style))
    return drawn


def _words(estimate: "Interval") -> str:
    from synthmix.interval import format_interval

    return format_interval(estimate, ".3g", level=estimate.low is None)


def _inside(estimate: "Interval", value: float) -> str:
    held = estimate.holds(value)
    return "not judged" if held is None else "inside" if held else "outside"
