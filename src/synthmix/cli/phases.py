"""``synthmix phases``: simulate, detect, estimate."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import AsJson, parsed
from synthmix.cli.phases_estimate import estimate, shown

app = typer.Typer(help="Three phases of learning on mixtures with truncated synthetic text.", no_args_is_help=True)
app.command("estimate")(estimate)

Pi = Annotated[float, typer.Option("--pi", help="Real share of the training samples, 0 to 1.")]


@app.command()
def simulate(
    beta: Annotated[float, typer.Option(help="Exponent of the real Zipf frequencies, above 1.", show_default=False)],
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
    from synthmix.cli.plan_text import table
    from synthmix.cli.terminal import show
    from synthmix.phases.simulation import simulate_phases
    from synthmix.theory import Setting, generated

    at = parsed(_grid, n, "--n")
    if k == math.inf and top_k is not None:
        k = top_k
    world = Setting(beta, k=k, pi=pi, a=a, alpha=alpha, b=b, lam=lam, items=items)
    found = simulate_phases(generated(world, temperature=temperature, top_k=top_k, top_p=top_p, samples=samples), at)
    value = found.as_json()
    rows = [
        [f"{row['n']:.3g}", str(row["phase"]), f"{row['loss']:.5g}", f"{row['excess']:.5g}", f"{row['error']:.0e}",
         "" if row["closed"] is None else f"{row['closed']:.5g}", f"{row['slope']:.3f}"]
        for row in value["points"]
    ]  # fmt: skip
    text = table(["n", "phase", "loss", "excess", "error", "closed form", "slope"], rows)
    ends = f"n1 {found.breaks.n1:.4g}, n2 {found.breaks.n2:.4g}"
    text += f"\nk {found.setting.k:g}, C {found.setting.C:.5g}, {ends}, plateau {found.setting.tail_mass:.4g}"
    if plot is not None:
        from synthmix.files import write_text
        from synthmix.phases.figures import simulated

        write_text(plot, simulated(found).to_html(include_plotlyjs=True))
        value["plot"] = str(plot)
        text += f"\nplot: {plot}"
    show(value, text, as_json=as_json)


@app.command()
def detect(
    runs: Annotated[Path, typer.Argument(help="Losses: CSV, JSONL, Parquet or a study's folder.", show_default=False)],
    columns: Annotated[str, typer.Option(help="D=tokens,loss=err: which column is what.")] = "",
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

    found = detect_in_table(runs, columns, recipe=recipe, floor=floor, bootstrap=bootstrap, level=level)
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
