"""``synthmix phases`` and ``bound``: three phases of learning on mixtures with truncated synthetic text."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    Vocab,
    opened,
    parsed,
    shared_tokenizer,
    telling,
)
from synthmix.cli.runs import MappingFile, Sources
from synthmix.quantities import format_count, format_share

if TYPE_CHECKING:
    from synthmix.interval import Interval
    from synthmix.phases.bounding import BoundReport
    from synthmix.phases.estimation import Estimate
    from synthmix.table import Table

app = typer.Typer(help="Three phases of learning on mixtures with truncated synthetic text.", no_args_is_help=True)
Pi = Annotated[float, typer.Option("--pi", help="Natural share of the training samples, 0 to 1.")]


@app.command()
def simulate(
    beta: Annotated[float, typer.Option(help="Exponent of the natural Zipf frequencies, above 1.", show_default=False)],
    pi: Pi = 1.0,
    k: Annotated[float, typer.Option(help="Cutoff of the generator: items beyond are never written.")] = math.inf,
    n: Annotated[str, typer.Option("--n", help="Samples: FROM:TO:POINTS, or a list 1e3,1e4.")] = "1e2:1e9:29",
    temperature: Annotated[float | None, typer.Option(help="Sampling temperature: changes the exponent.")] = None,
    top_k: Annotated[float | None, typer.Option(help="Top-k sampling: a cutoff.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Top-p sampling: a cutoff.")] = None,
    samples: Annotated[float | None, typer.Option(help="Synthetic samples drawn in all: a cutoff.")] = None,
    a: Annotated[float, typer.Option(help="P(right | seen item i) = a i^-alpha.")] = 1.0,
    alpha: float = 0.0,
    b: Annotated[float, typer.Option(help="P(right | unseen item i) = b i^-lambda.")] = 0.0,
    lam: Annotated[float, typer.Option("--lambda")] = 0.0,
    items: Annotated[float, typer.Option(help="Number of items.")] = math.inf,
    plot: Annotated[Path | None, typer.Option(help="Write a plot with the phases shaded (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """The exact curve and its closed form for Zipf items and a generator that loses the tail.

    Example: synthmix phases simulate --beta 1.5 --k 1000 --pi 0.01 --n 1e2:1e9:29 --json
    """
    from synthmix.cli.terminal import show
    from synthmix.phases.simulation import simulate_phases
    from synthmix.table import Column, Table
    from synthmix.theory import Setting, generated

    at = parsed(_grid, n, "--n")
    if k == math.inf and top_k is not None:
        k = top_k
    world = Setting(beta, k=k, pi=pi, a=a, alpha=alpha, b=b, lam=lam, items=items)
    found = simulate_phases(generated(world, temperature=temperature, top_k=top_k, top_p=top_p, samples=samples), at)
    value = found.as_json()
    columns = [
        *(Column("n", form=".3g"), Column("phase"), Column("loss", form=".5g"), Column("excess", form=".5g")),
        *(Column("error", form=".0e"), Column("closed", "closed form", ".5g", kind=float, missing="")),
        Column("slope", form=".3f"),
    ]
    rows = [tuple(row[column.key] for column in columns) for row in value["points"]]
    ends = f"n1 {found.breaks.n1:.4g}, n2 {found.breaks.n2:.4g}"
    note = f"k {found.setting.k:g}, C {found.setting.C:.5g}, {ends}, plateau {found.setting.tail_mass:.4g}"
    if plot is not None:
        from synthmix.files import write_text
        from synthmix.phases.figures import simulated

        write_text(plot, simulated(found).to_html(include_plotlyjs=True))
        value["plot"] = str(plot)
    show(value, Table("points", columns, rows, note=note), f"plot: {plot}" if plot else "", as_json=as_json)


@app.command()
def detect(
    runs: Sources,
    columns: Annotated[str, typer.Option(help="D=tokens,loss=err: which column is what.")] = "",
    mapping: MappingFile = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Only this recipe.")] = None,
    floor: Annotated[float | None, typer.Option(help="The loss that is left for ever, if known; else fitted.")] = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples for the intervals.", min=2)] = 400,
    level: Annotated[float, typer.Option(help="Level of the intervals.", min=0.5, max=0.999)] = 0.9,
    plot: Annotated[Path | None, typer.Option(help="Folder for plots, the phases shaded (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Do measured losses show three phases or one power law? Breakpoints, a verdict and its evidence.

    Example: synthmix phases detect losses.csv --columns D=samples,loss=error --floor 0
    """
    from synthmix.cli.terminal import show
    from synthmix.phases.detection import detect_in_table

    found = detect_in_table(
        runs, columns, mapping=mapping, recipe=recipe, floor=floor, bootstrap=bootstrap, level=level
    )
    value: dict[str, Any] = {"curves": {label: one.as_json() for label, one in found.curves.items()}}
    value |= {"skipped": found.skipped, "joint": None if found.joint is None else found.joint.as_json()}
    lines = []
    for label, one in found.curves.items():
        lines += [f"{label}: {one.verdict.replace('_', ' ')}", f"  {one.reason}"]
        if one.would_tell:
            lines.append(f"  would tell: {one.would_tell}")
        lines.append(f"  n1 {shown(one.n1)}, n2 {shown(one.n2)}" + ("" if one.verdict == "three_phases" else " (moot)"))
        lines.append(f"  BIC above the best: {', '.join(f'{name} {bic:.1f}' for name, bic in one.bic.items())}")
        if one.extrapolation is not None:
            errors = ", ".join(f"{name} {error:.2%}" for name, error in one.extrapolation.errors.items())
            lines.append(f"  {one.extrapolation.held_out} largest held out, off by: {errors}")
    lines += [f"{label}: left out, {why}" for label, why in found.skipped.items()]
    lines += [] if found.joint is None else ["all shares at once:", found.joint.report()]
    if plot is not None:
        from synthmix.files import write_text
        from synthmix.phases.figures import detected

        value["plots"] = []
        for label, one in found.curves.items():
            path = plot / f"phases-{slug(label)}.html"
            write_text(path, detected(one).to_html(include_plotlyjs=True))
            value["plots"].append(str(path))
        lines += [f"plot: {path}" for path in value["plots"]]
    show(value, "\n".join(lines), as_json=as_json)


def slug(text: str) -> str:
    """A label as a part of a file name."""
    return "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in text)


def _grid(text: str) -> list[float]:
    """``1e2:1e9:29`` -> 29 points, equal steps in the logarithm; ``1e3,1e4`` -> these two."""
    import numpy as np

    parts = text.split(":") if ":" in text else text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise ValueError(f"{text!r} is neither FROM:TO:POINTS nor a list of numbers") from None
    if ":" not in text:
        values = numbers
    elif len(parts) == 3 and numbers[2] % 1 == 0:
        first, last, count = numbers[0], numbers[1], int(numbers[2])
        if not (0 < first <= last < math.inf and 0 < count <= 100_000):
            raise ValueError(f"{text!r} does not ascend from above 0; write 1e2:1e9:29")
        values = np.geomspace(first, last, count).tolist()
    else:
        raise ValueError(f"{text!r} is neither FROM:TO:POINTS nor a list of numbers")
    if not all(0 < value < math.inf for value in values):
        raise ValueError(f"{text!r} holds a number of samples that is not positive and finite")
    return values


@app.command()
def estimate(
    natural: Annotated[str, typer.Option(help="Natural text: a corpus or a plain file.", show_default=False)],
    synthetic: Annotated[str, typer.Option(help="Synthetic text: a corpus or a plain file.", show_default=False)],
    orders: Annotated[str, typer.Option(help="Lengths of the n-grams.")] = "1,2",
    pi: Annotated[float, typer.Option("--pi", help="Natural share of the mixture, for n2.")] = 0.5,
    tokens: Annotated[str, typer.Option(help="Budget for which the starving share is given.")] = "1B",
    most: Annotated[str, typer.Option(help="Tokens read of each text at most.")] = "20M",
    level: Annotated[float, typer.Option(help="Level of the intervals.", min=0.5, max=0.999)] = 0.9,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """beta of natural text, the cutoff k of synthetic text, and the breakpoints that follow, in tokens.

    Example: synthmix phases estimate --natural data/web.jsonl --synthetic data/sampled.jsonl --pi 0.1 --tokens 1B
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.phases.estimation import estimate_phases
    from synthmix.quantities import parse_count

    if not 0 <= pi <= 1:
        raise BadInput(f"is {pi:g}", key="--pi", remedy="give a natural share between 0 and 1")
    lengths = tuple(parsed(int, part, "--orders") for part in orders.split(","))
    budget, limit = parsed(parse_count, tokens, "--tokens"), parsed(parse_count, most, "--most")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([natural, synthetic], tokenizer, vocab)
        texts = [opened(path, shared, cache, progress) for path in (natural, synthetic)]
        for corpus in texts:
            corpus.check_tokenizer(shared.hash)
        found = estimate_phases(
            texts[0].train,
            texts[1].train,
            shared.vocab_size,
            eos=shared.eos_id,
            orders=lengths,
            most=limit,
            level=level,
        )
    value = {"pi": pi, "tokens": budget, "orders": [estimate_json(one, pi, budget) for one in found]}
    show(value, "\n".join(estimate_text(one, pi, budget) for one in found), as_json=as_json)


def estimate_json(found: "Estimate", pi: float, tokens: int) -> dict[str, Any]:
    """Strict JSON."""
    law = found.zipf
    return {
        "order": found.order,
        "natural_tokens": found.natural_tokens,
        "synthetic_tokens": found.synthetic_tokens,
        "types": found.types,
        "beta": None if law is None else asdict(law.exponent),
        "fit": None if law is None else {"x_min": law.x_min, "types": law.types, "p_value": law.fits},
        "k": asdict(found.k),
        "shape": found.shape,
        "before": found.before,
        "beyond": asdict(found.beyond),
        "n1": asdict(found.n1),
        "n2": asdict(found.n2(pi)),
        "starving_share": asdict(found.starving_share(tokens)),
        "curve": {
            "ranks": [int(rank) for rank in found.ranks],
            "synthetic_over_natural": [None if not math.isfinite(each) else float(each) for each in found.ratio],
        },
    }


def estimate_text(found: "Estimate", pi: float, tokens: int) -> str:
    """A few lines."""
    from synthmix.interval import format_interval

    name = "tokens" if found.order == 1 else f"{found.order}-grams"
    lines = [f"{name}: {format_count(found.types)} types ranked"]
    law = found.zipf
    if law is None:
        lines.append("  beta: too few types for a fit")
    else:
        lines.append(
            f"  beta {format_interval(law.exponent, '.3f', level=False)} over the {law.types} types seen {law.x_min} "
            f"times or more; goodness of fit p {law.fits:.2f}"
            + (" (no power law)" if law.fits < 0.1 else "")
            + ("; not above 1, where the theory's sums are finite" if (law.exponent.mid or 0.0) <= 1 else "")
        )
    if found.k.mid is None:
        return "\n".join([*lines, f"  k: {found.k.why}"])
    left = found.beyond
    if found.shape == "narrowed":
        lines.append(f"  k {shown(found.k)}: no step; the share falls steadily, at k to half of the natural one")
    else:
        at = f"{left.mid:.0%} of the natural share is left beyond, {found.before:.0%} before"
        lines.append(f"  k {shown(found.k)}: {at}")
    lines.append(f"  n1 {shown(found.n1)} tokens, n2 {shown(found.n2(pi))} at a natural share of {format_share(pi)}")
    starving = found.starving_share(tokens)
    if starving.mid is not None:
        lines.append(f"  at {format_count(tokens)} tokens the tail starves below a natural share of "
                     f"{format_share(starving.mid)}")  # fmt: skip
    return "\n".join(lines)


def shown(interval: "Interval") -> str:
    """``1.2k (1k to 1.4k)``."""
    from synthmix.interval import format_interval

    return format_interval(interval, format_count, level=False)


def bound(
    natural: Annotated[str, typer.Option(help="Natural training text: a corpus or a plain file.", show_default=False)],
    synthetic: Annotated[str, typer.Option(help="Synthetic training text.", show_default=False)],
    target: Annotated[str, typer.Option(help="Text that the model is for.", show_default=False)],
    pi: Annotated[str, typer.Option("--pi", help="Natural share of the mixture.")] = "50%",
    tokens: Annotated[str, typer.Option(help="Training tokens n.")] = "10M",
    checkpoint: Annotated[Path | None, typer.Option(help="A trained model; unset: one at initialization.")] = None,
    params: Annotated[str, typer.Option(help="Size of the model at initialization.")] = "100k",
    context: Annotated[int, typer.Option(help="Tokens of a window.", min=2)] = 64,
    windows: Annotated[int, typer.Option(help="Windows sampled from each text.", min=8)] = 192,
    delta: Annotated[float, typer.Option(help="The bound holds with probability 1 - O(delta).")] = 0.05,
    seed: int = 0,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Every term of the generalization bound, and how it moves with the share, n and a harder cutoff.

    The constants of the bound are unknown: its value is loose, its ranking of mixtures is what it is for.

    Example: synthmix bound --natural data/web.jsonl --synthetic data/hq.jsonl --target data/wiki.jsonl --pi 30%
    """
    from synthmix.cli.terminal import show
    from synthmix.phases.bounding import bound_report, read_texts
    from synthmix.quantities import parse_count, parse_share
    from synthmix.training.checkpoint import load_checkpoint
    from synthmix.training.model import make_model
    from synthmix.training.shape import shape_for

    share, n = float(parsed(parse_share, pi, "--pi")), parsed(parse_count, tokens, "--tokens")
    if tokenizer is None and checkpoint is not None and (checkpoint / "tokenizer.json").exists():
        tokenizer = str(checkpoint / "tokenizer.json")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([natural, synthetic, target], tokenizer, vocab)
        texts = [opened(path, shared, cache, progress) for path in (natural, synthetic, target)]
        for corpus in texts:
            corpus.check_tokenizer(shared.hash)
        if checkpoint is not None:
            model = load_checkpoint(checkpoint)
        else:
            size = shape_for(parsed(parse_count, params, "--params"))
            model = make_model(size, shared.vocab_size, context, seed, eos=shared.eos_id)
        streams = (texts[0].train, texts[1].train, texts[2].train)
        sampled = read_texts(model, streams, shared.vocab_size, context=context, windows=windows, seed=seed)
        found = bound_report(sampled, share, n, delta=delta, seed=seed)
    value = {
        "model": str(checkpoint) if checkpoint is not None else f"{params} at initialization",
        "asked": _bound_row(found.asked),
        "by_share": [_bound_row(one) for one in found.by_share],
        "by_n": [_bound_row(one) for one in found.by_n],
        "by_kept": [{"kept": kept, **_bound_row(one)} for kept, one in found.by_kept.items()],
        "samples": found.samples,
    }
    show(value, *_bound_tables(found), as_json=as_json)


def _bound_row(one: Any) -> dict[str, Any]:
    return {"pi": one.pi, "n": one.n, "bound": one.total, "terms": one.terms}


def _bound_tables(found: "BoundReport") -> "list[str | Table]":
    from synthmix.table import Column, Table

    asked, names = found.asked, ("complexity", "discrepancy_natural", "discrepancy_synthetic")
    terms = [(name, size, size / asked.total) for name, size in asked.terms.items()]
    columns = [Column("term"), Column("size", form=".4g"), Column("of_bound", "of the bound", ".1%")]
    blocks: list[str | Table] = [
        f"bound {asked.total:.4g} at a natural share of {format_share(asked.pi)}, {format_count(asked.n)} tokens",
        Table("terms", columns, terms),
    ]

    def along(first: Column, rows: "list[tuple[float, Any]]") -> "Table":
        columns = [first, Column("bound", form=".4g"), *(Column(name, form=".3g") for name in names)]
        return Table(first.key, columns, [(x, one.total, *(one.terms[name] for name in names)) for x, one in rows])

    blocks.append(along(Column("natural_share", form=format_share), [(one.pi, one) for one in found.by_share]))
    blocks.append(along(Column("tokens", form=format_count), [(one.n, one) for one in found.by_n]))
    kept = Column("kept", "synthetic mass kept", ".0%")
    return [*blocks, along(kept, list(found.by_kept.items()))]
