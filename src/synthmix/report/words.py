"""The answer in plain sentences, every one of them made from the numbers."""

from synthmix.interval import decimals, format_interval, level_text
from synthmix.quantities import fixed, format_count, listed, percent, plural, times
from synthmix.report.measured import measured_answer
from synthmix.report.verdict import Judgement, Verdict, doubts, judge
from synthmix.results import Results

UNASKED = "Nothing is extrapolated (no question, or no law that answers it)"


def headline(results: Results) -> str:
    """One or two sentences: does synthetic text help here, how much of it, and how sure are we?"""
    return " ".join(part for part in (*answer_and_sureness(results), as_measured(results)) if part)


def answer_and_sureness(results: Results) -> tuple[str, str]:
    """The headline's two sentences; the second is empty where there is nothing to be sure of."""
    judgement = judge(results)
    if judgement.answer is None or not judgement.verdicts:
        return _nothing_to_compare(results), ""
    first = judgement.verdicts[0]
    sentence = f"{place(judgement)}, {_claim(first, judgement.asked)}{_amount(first)}."
    others = [v for v in judgement.verdicts[1:] if v.state != first.state]
    if others:
        sentence = f"{sentence[:-1]}; {listed([f'{v.synthetic} {_short(v, judgement.asked)}' for v in others])}."
    return sentence, sureness(first, judgement)


def as_measured(results: Results) -> str:
    """What the largest runs themselves showed, no law between: the mixture that did best there. Empty without a
    question (the answer says it then) or without mixtures."""
    measured = measured_answer(results)
    rows = [] if measured is None else [row for row in measured.recipes if row.share > 0]
    if measured is None or not rows or results.answer is None:
        return ""
    best = min(rows, key=lambda row: row.loss.mid or 0.0)
    size = f"{format_count(measured.params)} parameters and {format_count(measured.tokens)} tokens"
    seen = f"{format_interval(best.difference, signed=True)} nats per token against the natural text"
    return f"As trained, at {size}: the best mixture, {best.recipe}, came out {seen}."


def place(judgement: Judgement) -> str:
    """Where the judgement holds: the question, or the largest cell that was trained."""
    assert judgement.answer is not None
    size = f"{format_count(judgement.answer.params)} parameters and {format_count(judgement.answer.tokens)} tokens"
    return f"At {size}" if judgement.asked else f"{UNASKED}; at the largest runs trained ({size})"


def verdict_sentence(verdict: Verdict, judgement: Judgement) -> str:
    """One source's verdict with its intervals."""
    claim = _claim(verdict, judgement.asked)
    return f"{claim}{_speedup(verdict)}{_amount(verdict)}. {sureness(verdict, judgement)}"


def sureness(verdict: Verdict, judgement: Judgement) -> str:
    """``How sure: ...`` with the reasons to doubt, or what speaks for the claim."""
    assert judgement.answer is not None
    found = doubts(verdict, judgement.answer, judgement.asked)
    grave = [doubt.text for doubt in found if doubt.grave]
    if verdict.state == "unclear":
        reasons = [*_open(verdict), *grave]
        return f"How sure: it stays open, since {listed(reasons[:2])}."
    if grave:
        return f"How sure: not very, since {listed(grave[:2])}."
    assert verdict.two_runs is not None
    ratio = abs(verdict.recipe.difference.mid or 0.0) / verdict.two_runs
    ground = f"How sure: fairly, the difference is {ratio:.1f} times what the seed alone can do"
    return f"{ground}, though {listed([doubt.text for doubt in found])}." if found else f"{ground}."


def _open(verdict: Verdict) -> list[str]:
    """Why an unclear verdict is unclear, as far as the interval tells (else the seed noise does)."""
    difference = verdict.recipe.difference
    if not difference.bounded:
        return ["the difference has no interval"]
    low, high = difference.low or 0.0, difference.high or 0.0
    if low <= 0 <= high:
        return ["the interval leaves both signs open"]
    return ["not every recipe of it is clearly worse"] if low > 0 and verdict.tried > 1 else []


def _claim(verdict: Verdict, asked: bool) -> str:
    row, name = verdict.recipe, verdict.synthetic
    if row.difference.mid is None:
        return f"nothing can be said of {name}: its difference from the natural text is undefined"
    if verdict.state == "unclear":
        seen = f"{row.recipe} differs from the natural text by {format_interval(row.difference, signed=True)}"
        return f"these runs cannot tell whether {name} helps: {seen} nats per token"
    digits = decimals(row.difference)
    low, high = sorted(abs(x) for x in (row.difference.low or 0.0, row.difference.high or 0.0))
    size = fixed(abs(row.difference.mid), digits)
    amount = f"by {size} nats per token ({level_text(row.difference)} {fixed(low, digits)} to {fixed(high, digits)})"
    verb = {"helps": "help", "hurts": "hurt"}[verdict.state]
    claim = f"{name} is expected to {verb}" if asked else f"{name} {verb}s"
    if verdict.state == "helps":
        return f"{claim}: {row.recipe} lowers the loss {amount}"
    least = f"even its least harmful recipe, {row.recipe}," if verdict.tried > 1 else row.recipe
    return f"{claim}: {least} raises the loss {amount}"


def _speedup(verdict: Verdict) -> str:
    speedup = verdict.recipe.speedup
    if verdict.state != "helps":
        return ""
    if speedup.mid is None:
        return f"; its speed-up is {format_interval(speedup, times)}"
    return f"; the natural text would need {format_interval(speedup, times)} the tokens for that loss"


def _amount(verdict: Verdict) -> str:
    best = verdict.best
    if best is None:
        return ""
    if best.mid is None:
        return f"; its best share is undefined{f' ({best.why})' if best.why else ''}"
    if verdict.edge == "bottom":
        if verdict.state == "helps":
            return f"; yet the share curve is lowest at {percent(best.mid)}, so the two fits disagree"
        return f"; the best share is the lowest tried, {format_interval(best, percent)}"
    if verdict.edge == "top":
        if best.mid >= 0.995:
            return "; the curve is lowest at 100%, the edge of what is possible"
        return f"; the best share is the highest tried, {percent(best.mid)}, so the optimum may lie beyond it"
    return f"; the best share is about {format_interval(best, percent)}"


def _short(verdict: Verdict, asked: bool) -> str:
    if verdict.state == "unclear":
        return "cannot be told apart from the natural text"
    return f"is expected to {verdict.state[:-1]}" if asked else verdict.state


def _nothing_to_compare(results: Results) -> str:
    names = sorted({run.recipe for run in results.runs})
    if len(names) == 1:
        return f"Only one recipe was trained ({names[0]}, {plural(len(results.runs), 'run')}): nothing to compare yet."
    if not any(run.share == 0 for run in results.runs):
        return "The natural text alone was not trained, so no mixture can be compared with it yet."
    if not any(run.share > 0 for run in results.runs):
        return "No recipe with synthetic text was trained, so there is nothing to compare with the natural text yet."
    return "No size and budget was trained with both natural and synthetic text: nothing to compare yet."


def best_share_words(verdict: Verdict) -> str:
    """What stands under the best share on its card: its interval, or what is wrong with it."""
    best = verdict.best
    if best is None:
        return "no share curve was fitted"
    if best.mid is None:
        return best.why or "undefined"
    interval = f"{level_text(best)} {percent(best.low)} to {percent(best.high)}" if best.bounded else "no interval"
    if verdict.edge == "top":
        return f"the edge of what was tried: a bound, not an optimum; {interval}"
    return f"the lowest share tried; {interval}" if verdict.edge == "bottom" else interval
