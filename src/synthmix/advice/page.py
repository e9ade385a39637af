"""The page of advice: one offline HTML file in the look of the reports."""

from pathlib import Path

from synthmix.advice.figures import finding_figure, money_figure, next_figure
from synthmix.advice.figures_share import share_figure
from synthmix.advice.found import Advice
from synthmix.advice.section_scores import score_section
from synthmix.advice.words import OWN_LAWS, alternative, decided_at, option_cells, recipe, several
from synthmix.quantities import format_count, format_seconds
from synthmix.report.sections import Section, Shown, numbers, write_page


def write_advice(advice: Advice, path: Path) -> None:
    """Write the page, atomically.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    sections = _of_study(advice) if advice.basis == "study" else _of_priors(advice)
    write_page(
        path,
        title="Advice",
        eyebrow=_eyebrow(advice),
        lead=advice.headline,
        under=[advice.sureness],
        sections=sections,
        facts=_facts(advice),
        colours=len(advice.asked.kinds) + 1,
    )


def _eyebrow(advice: Advice) -> str:
    asked = advice.asked
    real = "enough real text" if asked.real is None else f"{format_count(asked.real)} real tokens"
    basis = f"from the study {advice.study}" if advice.basis == "study" else "no study: published priors only"
    return f"{format_count(asked.params)} parameters, {format_count(asked.tokens)} tokens, {real}; {basis}"


def _of_study(advice: Advice) -> list[Section]:
    return [
        Section("shares", "Shares", "Loss against the share", share_figure(advice), [_options(advice)]),
        Section("good", "As good", "As good as the best within the noise", money_figure(advice), _others(advice)),
        Section("flips", "What would change it", "What would change the answer", tables=[_flips(advice)]),
        Section("next", "Next runs", "The runs that would narrow the answer most", next_figure(advice), _next(advice)),
        score_section(advice),
        Section("doubts", "Doubts", "How far, and why to doubt it", tables=[_lines("Reason", advice.doubts)]),
        Section("else", "Evidence", "What else the study knows", tables=[_lines("Found", advice.evidence)]),
    ]


def _of_priors(advice: Advice) -> list[Section]:
    head = ["Kind", "Mark", "Source", "Finding (prior)"]
    rows = [[each.kind, each.mark, each.source, each.says] for each in advice.findings]
    study = advice.starter
    tables = []
    if study is not None:
        facts = [
            ["Runs", str(study.runs)],
            ["Tokens", format_count(study.tokens)],
            [
                "Time",
                f"{format_seconds(study.seconds)} on {study.workers} worker(s) of {study.device}, text not counted",
            ],
            *(["Replace first", what] for what in study.to_replace),
        ]
        facts.append(["Its file", "synthmix advise ... --write-study FILE writes it; then synthmix study run FILE"])
        tables = [Shown("", ["Study", "What"], facts)]
    return [
        Section("priors", "Priors", "Published best shares", finding_figure(advice), [Shown("", head, rows)]),
        Section("here", "Here", "What that means here", tables=[_lines("Arithmetic", advice.evidence)]),
        Section("doubts", "Doubts", "Why to doubt it", tables=[_lines("Reason", advice.doubts)]),
        Section("study", "Study", "The study that would replace them", tables=tables),
    ]


def _options(advice: Advice) -> Shown:
    charged = any(option.charged for option in advice.options)
    head = ["Recipe", "Loss", "Against real text", "As good", "Speed-up", "Tokens saved", "Money", "Epochs"]
    rows = [
        [
            ("\N{BLACK STAR} " if option == advice.recommended else "") + recipe(option),
            *option_cells(option, charged=charged),
        ]
        for option in advice.options
    ]
    return numbers("", [*head, *(["Speed-up, charged"] if charged else [])], rows)


def _others(advice: Advice) -> list[Shown]:
    both = _lines("Several kinds at once, as measured (no law holds them)", [several(each) for each in advice.several])
    return [_lines("Alternative", [alternative(each) for each in advice.alternatives]), *([both] if both.rows else [])]


def _flips(advice: Advice) -> Shown:
    rows = [
        [
            each.what,
            "-" if each.now is None else _number(each.now),
            "-" if each.value is None else _number(each.value),
            each.then,
        ]
        for each in advice.flips
    ]
    return Shown("", ["What", "Now", "Flips at", "Then"], rows, frozenset({1, 2}))


def _number(value: float) -> str:
    return format_count(value) if value >= 1e4 else f"{value:.3g}"


def _next(advice: Advice) -> list[Shown]:
    rows = [
        [
            f"{place}. {run.recipe}",
            format_count(run.params),
            format_count(run.tokens),
            f"{run.flops:.2g}",
            "-" if run.seconds is None else format_seconds(run.seconds),
            f"{run.sd_before:.3g}",
            f"{run.sd_after:.3g}",
            f"{run.repeats:.2g}",
        ]
        for place, run in enumerate(advice.next_runs, 1)
    ]
    head = ["Run", "N", "D", "FLOPs", "Time, one worker", "Gain known to", "then to", "Epochs of the study's text"]
    note = [_lines("Beside them" if rows else "None", [advice.next_runs_note])] if advice.next_runs_note else []
    return [*([numbers("", head, rows)] if rows else []), *note]


def _lines(head: str, lines: list[str]) -> Shown:
    return Shown("", [head], [[line] for line in lines])


def _facts(advice: Advice) -> dict[str, str]:
    if advice.basis == "priors":
        return {
            "Priors": "findings as their sources state them (FOUND); nothing was measured on the text asked about",
            "Study": "sized by the planner: it times this machine's workers on the ladder's models",
        }
    level = f"{(advice.best or advice.options[0]).loss.level:.0%}"
    return {
        "How far": decided_at(advice),
        **({"Losses": OWN_LAWS} if len(advice.curves) > 1 else {}),
        "Speed-up": "real text's budget over the tokens that reach its loss; charged: in FLOPs, with the generation's",
        "Epochs": "how often the real and the synthetic text are gone through",
        "Laws": "; ".join(f"{c.kind}: {c.law}, beside {', '.join(c.rivals) or 'no other'}" for c in advice.curves),
        "Intervals": f"{level}, of the bootstrap, widened to what every law says; a law's own error is not in them",
        "As good": "not clearly worse than the best: the difference's interval holds 0, or it is within a seed's noise",
        "The star": "recommended: of real text and each kind's best share, the cheapest that is as good as the best",
        "Repeats": "U + U R* (1 - exp(-R / R*)) effective tokens, R* = 15.39 (arXiv 2305.16264), 7 to 100 in the draws",
        "Scores": "those of synthmix value, averaged over the held-out domains; a score's own error is in no interval",
        "Next runs": "expected variance of the gain at the question after each run, by regression over the laws' draws",
    }
