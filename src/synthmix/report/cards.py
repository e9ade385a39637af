"""The key figures that stand under the answer, each with its interval or the reason why there is none."""

from dataclasses import dataclass

from synthmix.interval import Interval, decimals, level_text
from synthmix.quantities import fixed, percent, plural, times
from synthmix.report import sentences
from synthmix.results import Decision, Results, Verdict
from synthmix.results.decisions import FAR


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
        found += _measured(decision)
        found += _source(decision)
        if decision.basis == "laws":
            found.append(_distance(decision))
    return [*found, _noise(results)]


def _measured(decision: Decision) -> list[Card]:
    """The best mixture as it was measured, where a law is beside it."""
    mixtures = [each for each in decision.measured if each.share > 0]
    if decision.basis != "laws" or not mixtures:
        return []
    best = min(mixtures, key=lambda each: each.loss.mid or 0.0)
    unsure = best.difference.sign() == 0
    return [Card(f"Measured against natural, {best.recipe}", *_pair(best.difference, signed=True), doubtful=unsure)]


def _source(decision: Decision) -> list[Card]:
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
    found.append(_loss(f"{kind}, {option.recipe}", option.loss, option.new_run))
    unsure = verdict.state == "not determined"
    against = "Expected against natural" if decision.basis == "laws" else "Against natural"
    found.append(Card(f"{against}, {option.recipe}", *_pair(option.difference, signed=True), doubtful=unsure))
    if decision.basis == "laws" and option.speedup.mid is not None:
        found.append(_speedup(option.recipe, option.speedup))
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


def _distance(decision: Decision) -> Card:
    far = max(decision.decades_params, decision.decades_tokens)
    largest = f"parameters {distance(decision.decades_params)}, tokens {distance(decision.decades_tokens)}"
    value = "none" if far <= 0 else f"{far:.1f} decades"
    return Card("Distance of extrapolation", value, largest, far >= FAR)


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
