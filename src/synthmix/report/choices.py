"""Runs that were chosen, and why: in clauses for the terminal, as a table for the page."""

from synthmix.quantities import format_count, format_seconds, plural
from synthmix.results.choices import ChoiceRound, Choices, ChosenRun, Standing, Stopped, Unit
from synthmix.table import Column, Table

STOPPED: dict[Stopped | None, str] = {
    "reached": "reached",
    "cost": "the cost is spent",
    "all made": "all runs of the study file are made",
    "nothing tells": "no further run tells more",
    "unreachable": "no runs that can be paid for reach it",
    None: "in work",
}


def cost_text(amount: float, unit: Unit) -> str:
    """A cost in words."""
    return format_seconds(amount) if unit == "seconds" else f"{amount:.2g} FLOPs"


def standing_text(standing: Standing) -> str:
    """How well the decision is known, in a clause."""
    parts = [
        f"width {standing.width:.2g} nats" if standing.width is not None else "width not determined",
        *([f"expected regret {standing.regret:.2g} nats"] if standing.regret is not None else []),
        *([f"confidence {standing.confidence:.0%}"] if standing.confidence is not None else []),
    ]
    return f"{standing.named}: {', '.join(parts)}" if standing.named else ", ".join(parts)


def head(choices: Choices) -> str:
    """All of it in a line."""
    asked = [
        *([f"until {choices.until}"] if choices.until else []),
        *([f"for at most {choices.cost}"] if choices.cost else []),
    ]
    spent = cost_text(choices.spent, choices.unit)
    line = f"Runs chosen {' '.join(asked)}: {len(choices.runs)} of {choices.candidates}, {spent},"
    line += f" in {plural(len(choices.rounds), 'round')}; {STOPPED[choices.stopped]}"
    if choices.standing.named is not None:
        line += f"; {standing_text(choices.standing)}"
    return line + (f"; {choices.needed}" if choices.needed else "")


def reason(made: ChoiceRound) -> str:
    """A round in a line: its runs in groups, what the choice rests on, and the run that was next."""
    counts: dict[str, int] = {}
    for run in made.runs:
        counts[_name(run)] = counts.get(_name(run), 0) + 1
    shown = [f"{count} x {name}" if count > 1 else name for name, count in list(counts.items())[:3]]
    more = [f"{len(counts) - 3} more"] if len(counts) > 3 else []
    by = "" if made.basis == "first runs" else f" by {made.basis}"
    line = f"{plural(len(made.runs), 'run')}{by}: {', '.join([*shown, *more])}"
    first, last = made.runs[0], made.runs[-1]
    if first.before is None or last.after is None:
        return f"{line}, the cheapest that a law can be fitted to"
    line += f"; what is open falls from {first.before:.2g} to {last.after:.2g} nats"
    return line + (f"; next would have been {last.instead}" if last.instead else "")


def reasons(choices: Choices) -> list[str]:
    """All of it in a line, and a line a round."""
    return [head(choices), *(f"  round {place}: {reason(made)}" for place, made in enumerate(choices.rounds, 1))]


def choice_table(choices: Choices | None) -> Table:
    """A row a chosen run, in the order of the choices; without rows where none was chosen."""
    unit: Unit = "seconds" if choices is None else choices.unit
    columns = [
        *(Column("round", "Round", kind=int), Column("basis", "By", kind=str), Column("recipe", "Recipe", kind=str)),
        *(Column("params", "N", format_count, kind=int), Column("tokens", "D", format_count, kind=int)),
        *(Column("seed", "Seed", kind=int), Column("cost", "Cost", lambda cost: cost_text(cost, unit), kind=float)),
        *(Column("before", "Open before", ".2g", kind=float, missing="-"),),
        *(
            Column("after", "after", ".2g", kind=float, missing="-"),
            Column("instead", "Next was", kind=str, missing="-"),
        ),
        Column("instead_after", "open after that", ".2g", kind=float, missing="-"),
        Column("width", "Width then", ".2g", kind=float, missing="-"),
        Column("regret", "Expected regret then", ".2g", kind=float, missing="-"),
    ]
    rows = [
        (
            *(place, made.basis, run.recipe, run.params, run.tokens, run.seed, run.cost),
            *(run.before, run.after, run.instead, run.instead_after, made.standing.width, made.standing.regret),
        )
        for place, made in enumerate([] if choices is None else choices.rounds, 1)
        for run in made.runs
    ]
    note = "Open: what is not known of the decision without and with a run, those before it in its round made, in nats."
    return Table("choices", columns, rows, title="Runs that were chosen, and why", note=note if rows else "")


def _name(run: ChosenRun) -> str:
    return f"{run.recipe} at {format_count(run.params)} and {format_count(run.tokens)}"
