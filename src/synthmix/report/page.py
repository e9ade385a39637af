"""The page of a study: its key figures, the context for the templates, and the one file with everything inlined."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import write_text
from synthmix.interval import Interval, decimals, level_text
from synthmix.quantities import fixed, format_count, format_seconds, percent, plural, times
from synthmix.report import mixture_sentences, sentences
from synthmix.report.by_domain import best_share_figure, best_share_table, domain_law_table
from synthmix.report.choices import head
from synthmix.report.figures import colours, recipe_token
from synthmix.report.fit_figures import disagreements
from synthmix.report.gap import COLOURS as GAP_COLOURS
from synthmix.report.gap import SHOWN as GAP_SHOWN
from synthmix.report.gap import gap_sections, gap_sentences
from synthmix.report.html import downloads, drawing, embedded, environment
from synthmix.report.mixture_page import COLOURS as MIXTURE_COLOURS
from synthmix.report.mixture_page import sections as mixture_sections
from synthmix.report.study_figures import figures
from synthmix.report.tables import formula, page_tables, scientific, tables, write_tables
from synthmix.report.warning_groups import FIRST, grouped
from synthmix.results import Decision, Results, Verdict
from synthmix.results.decisions import FAR
from synthmix.style import THEMES, scales, series
from synthmix.table import Table


def write_report(results: Results, folder: Path) -> Path:
    """Write ``folder/report.html`` and ``folder/tables/*.csv|parquet``; the page last, each file atomically.

    The same results give the same bytes.

    Raises:
        BadInput: there are no runs yet, or the folder cannot be written to.
        Failure: the disk is full.
    """
    page = render(results)
    write_tables(results, folder / "tables")
    path = folder / "report.html"
    write_text(path, page)
    return path


def render(results: Results) -> str:
    """The page as one HTML string, plotly.js included.

    Raises:
        BadInput: there are no runs yet.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    _some(results)
    templates = environment()
    templates.filters |= {
        **{"count": format_count, "seconds": format_seconds, "fixed": fixed, "percent": percent, "plural": plural},
        **{"sci": scientific, "formula": formula},
    }
    decision = results.decision
    best = None if results.mixture is None else mixture_sections(results.mixture)
    by = best_share_figure(results)
    every = [
        *figures(results),
        *([by] if by else []),
        *(figure for section in best or [] for figure in section.figures),
    ]
    lacks = None if results.gap is None else gap_sections(results.gap, GAP_SHOWN)
    every += [figure for section in lacks or [] for figure in section.figures]
    drawn = {figure.id: figure for figure in every}
    shown = page_tables(results) | _by_domain(results)
    flat = {table.name: table for table in tables(results) if table.rows}
    sheets = downloads([*flat.values(), *(table for table in shown.values() if table.name not in flat)])
    return templates.get_template("page.html.j2").render(
        r=results,
        decision=decision,
        words=sentences,
        claim=claim(results),
        mixture=best,
        lacks=lacks,
        lacking=[] if results.gap is None else gap_sentences(results.gap),
        gains=[] if results.mixture is None else mixture_sentences.gains(results.mixture),
        cards=cards(results),
        chosen="" if results.choices is None else head(results.choices),
        figures=drawn,
        says=sentences.says(results),
        says_not=sentences.says_not(results),
        notes=grouped(results),
        first=FIRST,
        disagreements=disagreements(results),
        tables=shown,
        sheets={name: len(table.rows) for name, table in flat.items()},
        embedded=set(sheets),
        colours={theme: colours(results, theme) for theme in THEMES},
        token=lambda name: recipe_token(results, name),
        data=Markup(embedded(drawing(drawn.values(), _themes(results), sheets, results.study))),
        plotly=Markup(get_plotlyjs()),
    )


def write_slide(results: Results, folder: Path) -> Path:
    """Write ``folder/slide.html``, the answer on one slide of 16:9 (it prints on one page of that format); atomically.

    Raises:
        BadInput: there are no runs yet, or the folder cannot be written to.
        Failure: the disk is full.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    _some(results)
    decision, mixture = results.decision, results.mixture
    drawn = [*(each for part in mixture_sections(mixture) for each in part.figures)] if mixture else figures(results)
    figure = drawn[0] if drawn else None
    lines = [] if decision is None else [sentences.confidence(decision), sentences.recommendation(decision)]
    if decision is not None and decision.basis == "laws":
        lines.insert(0, sentences.as_measured(decision))
    spent = f"{plural(len(results.runs), 'trained model')}, {format_count(results.spent.tokens)} tokens"
    page = environment().get_template("slide.html.j2").render(
        r=results,
        claim=claim(results),
        cards=[card for card in cards(results) if not card.title.startswith("Expected loss")][:4],
        lines=[line for line in (mixture_sentences.gains(mixture) if mixture else lines) if line][:3],
        figure=figure,
        foot=f"{spent}; loss in nats per token, non-embedding parameters. synthmix {results.version}.",
        colours={theme: colours(results, theme) for theme in THEMES},
        data=Markup(embedded(drawing([figure] if figure else [], _themes(results)))),
        plotly=Markup(get_plotlyjs() if figure else ""),
    )  # fmt: skip
    path = folder / "slide.html"
    write_text(path, page)
    return path


def _some(results: Results) -> None:
    if not results.runs:
        raise BadInput(
            "there is nothing to report yet: no run has finished",
            where=results.study,
            remedy="run the study first (synthmix study run)",
        )


def _themes(results: Results) -> dict[str, dict[str, Any]]:
    """Colours by token of each theme, for the script."""
    more = max(MIXTURE_COLOURS if results.mixture is not None else 0, GAP_COLOURS if results.gap is not None else 0)
    return {theme: {**series(more, theme), **colours(results, theme), **scales(theme)} for theme in THEMES}


NO_DECISION = "Written by an earlier version: write the answer again with synthmix study report FILE."


def claim(results: Results) -> str:
    """The main sentence of the page: the best mixture of a designed study, else what is decided of each source."""
    if results.mixture is not None:
        return mixture_sentences.best(results.mixture)
    return NO_DECISION if results.decision is None else sentences.answer(results.decision)


def headline(results: Results) -> str:
    """The report's answer in one to three sentences: what was measured, what is predicted, how confident that is; of a
    designed study first its best mixture."""
    decision = results.decision
    if results.mixture is not None:
        measured = "" if decision is None else sentences.as_measured(decision)
        return " ".join(part for part in (mixture_sentences.headline(results.mixture), measured) if part)
    return NO_DECISION if decision is None else sentences.headline(decision)


def _by_domain(results: Results) -> dict[str, Table]:
    found = {"best_by": best_share_table(results)} if results.by_domain or results.tasks else {}
    return found | ({"domain_laws": domain_law_table(results)} if results.by_domain else {})


@dataclass(frozen=True)
class Card:
    """``detail`` goes below the value in small type; ``doubtful`` marks what should not be taken at face value."""

    title: str
    value: str
    detail: str
    doubtful: bool = False


def cards(results: Results) -> list[Card]:
    """Measured difference; best share, expected loss, difference and speed-up of the option that the first verdict
    rests on; distance of extrapolation and seed noise. What is not determined is on no card."""
    decision, found = results.decision, []
    if decision is not None:
        found += _measured_card(decision)
        found += _source_cards(decision)
        if decision.basis == "laws":
            found.append(_distance_card(decision))
    return [*found, _noise_card(results)]


def _measured_card(decision: Decision) -> list[Card]:
    """The best mixture as it was measured, where a law is beside it."""
    mixtures = [each for each in decision.measured if each.share > 0]
    if decision.basis != "laws" or not mixtures:
        return []
    best = min(mixtures, key=lambda each: each.loss.mid or 0.0)
    unsure = best.difference.sign() == 0
    return [Card(f"Measured against natural, {best.recipe}", *_pair(best.difference, signed=True), doubtful=unsure)]


def _source_cards(decision: Decision) -> list[Card]:
    verdict = decision.verdicts[0] if decision.verdicts else None
    option = decision.options[verdict.option] if verdict is not None and verdict.option is not None else None
    if verdict is None or option is None or not option.determined:
        return []
    found = []
    if verdict.best is not None and verdict.best.mid is not None:
        doubtful = verdict.edge != "none"
        name = sentences.name_of(verdict)
        found.append(Card(f"Best share of {name}", percent(verdict.best.mid), _ends(verdict), doubtful))
    kind = "Expected loss" if decision.basis == "laws" else "Measured loss"
    found.append(_loss_card(f"{kind}, {option.recipe}", option.loss, option.new_run))
    unsure = verdict.state == "not determined"
    against = "Expected against natural" if decision.basis == "laws" else "Against natural"
    found.append(Card(f"{against}, {option.recipe}", *_pair(option.difference, signed=True), doubtful=unsure))
    if decision.basis == "laws" and option.speedup.mid is not None:
        found.append(_speedup_card(option.recipe, option.speedup))
    return found


def _ends(verdict: Verdict) -> str:
    """What stands under the best share: its interval, or what is wrong with it."""
    best = verdict.best
    if best is None:
        return ""
    interval = f"{level_text(best)} {percent(best.low)} to {percent(best.high)}" if best.bounded else "no interval"
    if verdict.edge == "top":
        return f"the highest share tried: a bound, not an optimum; {interval}"
    return f"the lowest share tried; {interval}" if verdict.edge == "bottom" else interval


def _loss_card(title: str, interval: Interval, new_run: Interval) -> Card:
    value, detail = _pair(interval)
    if new_run.bounded:
        digits = decimals(new_run)
        detail += f"; one new run {fixed(new_run.low, digits)} to {fixed(new_run.high, digits)}"
    return Card(title, value, detail)


def _pair(interval: Interval, *, signed: bool = False) -> tuple[str, str]:
    if interval.mid is None:
        return "undefined", interval.why or ""
    digits = decimals(interval)
    value = fixed(interval.mid, digits, signed=signed)
    if not interval.bounded:
        return value, f"nats per token, no interval{f': {interval.why}' if interval.why else ''}"
    low, high = (fixed(x, digits, signed=signed) for x in (interval.low, interval.high))
    return value, f"nats per token, {level_text(interval)} {low} to {high}"


def _speedup_card(recipe: str, speedup: Interval) -> Card:
    title = f"Speed-up, {recipe}"
    if speedup.mid is None:
        return Card(title, "undefined", speedup.why or "", True)
    if not speedup.bounded:
        return Card(title, times(speedup.mid), speedup.why or "no interval", True)
    crosses = (speedup.low or 0.0) <= 1 <= (speedup.high or 0.0)
    bounds = f"{level_text(speedup)} {times(speedup.low)} to {times(speedup.high)}"
    return Card(title, times(speedup.mid), f"tokens of natural text for the same loss, {bounds}", crosses)


def _distance_card(decision: Decision) -> Card:
    far = max(decision.decades_params, decision.decades_tokens)
    largest = f"parameters {distance(decision.decades_params)}, tokens {distance(decision.decades_tokens)}"
    value = "none" if far <= 0 else f"{far:.1f} decades"
    return Card("Distance of extrapolation", value, largest, far >= FAR)


def _noise_card(results: Results) -> Card:
    noise = results.noise
    if noise.sd is None:
        return Card("Seed noise", "unknown", "no recipe was trained with two seeds", True)
    detail = f"nats per token, sd over {plural(noise.runs, 'run')} in {plural(noise.cells, 'cell')}"
    return Card("Seed noise", f"{noise.sd:.2g}", detail)


def distance(decades: float) -> str:
    """0.5 -> ``3.2× (0.5 decades)``; 0 or less -> ``inside what was trained``."""
    if decades <= 0:
        return "inside what was trained"
    return f"{times(10**decades)} ({decades:.1f} decades)"
