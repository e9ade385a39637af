"""Advice as text for the terminal."""

from pathlib import Path

from synthmix.advice.found import Advice, Flip, NextRun, Option
from synthmix.advice.words import OWN_LAWS, alternative, decided_at, option_cells, recipe, score_lines, several
from synthmix.cli.plan_text import table
from synthmix.quantities import format_count, format_seconds


def advice_text(advice: Advice, written: Path | None = None) -> str:
    """All of it; ``written``: where the study file was written to."""
    blocks = [f"{advice.headline}\n{advice.sureness}"]
    if advice.basis == "study":
        blocks += [_options(advice), _alternatives(advice), _several(advice), _flips(advice.flips), _next(advice)]
        blocks.append(_listed("What the valuation scores say", score_lines(advice)))
        blocks.append(_listed(f"How far: {decided_at(advice)}. Doubts", advice.doubts))
    else:
        blocks.append(_findings(advice))
    blocks.append(_listed("What else is known" if advice.basis == "study" else "What that means here", advice.evidence))
    if advice.basis == "priors":
        blocks += [_listed("Doubts", advice.doubts), _starter(advice, written)]
    return "\n\n".join(block for block in blocks if block)


def _options(advice: Advice) -> str:
    head = [
        "recipe",
        "loss",
        "against real text",
        "as good",
        "speed-up",
        "tokens saved",
        "money",
        "epochs",
    ]
    charged = any(option.charged for option in advice.options)
    head += ["charged"] if charged else []
    rows = [
        [
            f"{'> ' if _same(option, advice.recommended) else '  '}{recipe(option)}",
            *option_cells(option, charged=charged),
        ]
        for option in advice.options
    ]
    title = "Recipes (> recommended); losses in nats per token; epochs of real and of synthetic text"
    return "\n".join([title, table(head, rows), *([f"  {OWN_LAWS}"] if len(advice.curves) > 1 else [])])


def _same(option: Option, other: Option | None) -> bool:
    return other is not None and (option.kind, option.share) == (other.kind, other.share)


def _alternatives(advice: Advice) -> str:
    return _listed("As good as the best within the noise", [alternative(each) for each in advice.alternatives])


def _several(advice: Advice) -> str:
    return _listed("Several kinds at once, as measured (no law holds them)", [several(each) for each in advice.several])


def _flips(found: list[Flip]) -> str:
    return _listed("What would change the answer", [f"{each.what}: {_flip(each)}" for each in found])


def _flip(flip: Flip) -> str:
    return flip.then if flip.value is None or flip.then.startswith("at ") else f"{flip.value:.3g}: {flip.then}"


def _next(advice: Advice) -> str:
    if not advice.next_runs:
        return f"Next runs: none; {advice.next_runs_note}."
    head = ["next run", "N", "D", "FLOPs", "time", "gain known to", "from"]
    rows = [_run(i, run) for i, run in enumerate(advice.next_runs, 1)]
    text = "The runs that would narrow the gain at the question most, in nats (one standard deviation)\n"
    notes = [
        f"  {run.recipe} at {format_count(run.tokens)} tokens goes {run.repeats:.1f} times through the study's text"
        for run in advice.next_runs
        if run.repeats > 1
    ]
    if advice.next_runs_note:
        notes.append(f"  {advice.next_runs_note}")
    return "\n".join([text + table(head, rows), *dict.fromkeys(notes)])


def _run(place: int, run: NextRun) -> list[str]:
    return [
        f"{place}. {run.recipe}",
        format_count(run.params),
        format_count(run.tokens),
        f"{run.flops:.2g}",
        "n/a" if run.seconds is None else format_seconds(run.seconds),
        f"{run.sd_after:.3g}",
        f"{run.sd_before:.3g}",
    ]


def _findings(advice: Advice) -> str:
    lines = [f"{each.kind}: {each.says} [{each.mark}: {each.source}]" for each in advice.findings]
    return _listed("Published findings (priors; none was measured on your text)", lines)


def _starter(advice: Advice, written: Path | None) -> str:
    study = advice.starter
    if study is None:
        return ""
    text = (
        f"The study that would replace them: {study.runs} runs, {format_count(study.tokens)} tokens, "
        f"{study.flops:.2g} FLOPs, about {format_seconds(study.seconds)} on {study.workers} worker(s) of "
        f"{study.device}, text not counted"
    )
    lines = [f"replace first: {what}" for what in study.to_replace]
    if written is None:
        return _listed(text, [*lines, "write its file with --write-study FILE"])
    then = [f"synthmix study run {written}", f"synthmix advise --study {written} ... (the same question)"]
    return _listed(text, [*lines, *then])


def _listed(title: str, lines: list[str]) -> str:
    return "\n".join([title, *(f"  {line}" for line in lines)]) if lines else ""
