"""The key figures that stand under the answer, each with its interval or the reason why there is none."""

from dataclasses import dataclass

from synthmix.interval import Interval, decimals, level_text
from synthmix.quantities import fixed, percent, plural, times
from synthmix.report.verdict import Judgement, Verdict, judge
from synthmix.report.words import best_share_words
from synthmix.results import Results


@dataclass(frozen=True)
class Card:
    """``detail`` goes below the value in small type; ``doubtful`` marks what should not be taken at face value."""

    title: str
    value: str
    detail: str
    doubtful: bool = False


def cards(results: Results) -> list[Card]:
    """Best share, expected loss, difference, speed-up, distance of extrapolation and seed noise, as far as known."""
    judgement = judge(results)
    found = []
    if judgement.verdicts:
        found += _source(judgement.verdicts[0], judgement)
    if judgement.answer is not None and judgement.asked:
        found.append(_distance(judgement))
    return [*found, _noise(results)]


def _source(verdict: Verdict, judgement: Judgement) -> list[Card]:
    row, best = verdict.recipe, verdict.best
    value = "undefined" if best is None or best.mid is None else percent(best.mid)
    share = Card(f"Best share of {verdict.synthetic}", value, best_share_words(verdict), verdict.edge != "none")
    kind = "Expected loss" if judgement.asked else "Measured loss"
    cells = [share, _loss(f"{kind}, {row.recipe}", row.loss, row.new_run)]
    unsure = verdict.state == "unclear"
    cells.append(Card(f"Against natural, {row.recipe}", *_pair(row.difference, signed=True), doubtful=unsure))
    if judgement.asked:
        cells.append(_speedup(row.recipe, row.speedup))
    return cells


def _loss(title: str, interval: Interval, new_run: Interval) -> Card:
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


def _speedup(recipe: str, speedup: Interval) -> Card:
    title = f"Speed-up, {recipe}"
    if speedup.mid is None:
        return Card(title, "undefined", speedup.why or "", True)
    if not speedup.bounded:
        return Card(title, times(speedup.mid), speedup.why or "no interval", True)
    crosses = (speedup.low or 0.0) <= 1 <= (speedup.high or 0.0)
    bounds = f"{level_text(speedup)} {times(speedup.low)} to {times(speedup.high)}"
    return Card(title, times(speedup.mid), f"tokens of natural text for the same loss, {bounds}", crosses)


def _distance(judgement: Judgement) -> Card:
    answer = judgement.answer
    assert answer is not None
    far = max(answer.decades_params, answer.decades_tokens)
    largest = f"parameters {distance(answer.decades_params)}, tokens {distance(answer.decades_tokens)}"
    value = "none" if far <= 0 else f"{far:.1f} decades"
    return Card("Distance of extrapolation", value, largest, far >= 1)


def _noise(results: Results) -> Card:
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
