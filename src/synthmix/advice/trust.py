"""The answer in a sentence, how far to trust it, and why to doubt it."""

from collections.abc import Sequence

from synthmix.advice.asked import Asked
from synthmix.advice.found import KindCurve, Option
from synthmix.advice.found_beside import Scores
from synthmix.advice.knowledge import Knowledge
from synthmix.advice.outlook import Outlook
from synthmix.advice.supply import NEARLY_FREE
from synthmix.advice.words import amount
from synthmix.interval import format_interval
from synthmix.quantities import fixed, format_count, format_share, listed, percent
from synthmix.report.verdict import two_runs

FAR = 1.0  # decades beyond which an interval is not to be taken at its word (report/verdict.py)
LOSS_ONLY = "held-out loss is all that is measured here, on the study's own domains and protocol"


def headline(asked: Asked, recommended: Option, best: Option, curves: list[KindCurve]) -> str:
    """The answer in one or two sentences."""
    place = f"At {format_count(asked.params)} parameters and {format_count(asked.tokens)} tokens"
    if recommended.kind is None and best.kind is None:
        return (
            f"{place}: real text alone; no share of {listed([k.name for k in asked.kinds])} is expected to do better."
        )
    gain = f"{format_interval(best.difference, signed=True)} nats per token against real text alone"
    if recommended.kind is None:
        return (
            f"{place}: real text alone, which is as good within the noise and costs nothing. By expectation "
            f"{format_share(best.share)} {best.kind} is best ({gain}), but these runs do not show it."
        )
    curve = next(each for each in curves if each.kind == recommended.kind)
    change = f"{format_interval(recommended.difference, signed=True)} nats per token against real text alone"
    ends = "" if curve.best.low is None else f" ({curve.best.level:.0%} interval {_ends(curve)})"
    costs = [f"its text costs {amount(recommended.money)}"] if recommended.money else []
    if recommended.overhead is not None:
        costs.append(f"its generation takes {recommended.overhead:.2g} times the training's FLOPs")
    cost = f"; {listed(costs)}" if costs else ""
    return f"{place}: {format_share(recommended.share)} {recommended.kind}{ends}, {change}{cost}."


def _ends(curve: KindCurve) -> str:
    return f"{percent(curve.best.low)} to {percent(curve.best.high)}"


def sureness(found: list[str], *, is_open: bool) -> str:
    """How far to trust it, in a sentence; ``is_open``: real text alone and a mixture are both as good as the best."""
    graver = [doubt for doubt in found if doubt != LOSS_ONLY][:2]
    if is_open:
        start = "How sure: it stays open whether synthetic text helps"
    elif graver:
        start = "How sure: not very"
    else:
        start = "How sure: as sure as the intervals say"
    return f"{start}, since {listed(graver)}." if graver else f"{start}."


def doubts(
    known: Knowledge,
    asked: Asked,
    looks: Sequence[Outlook],
    curves: list[KindCurve],
    best: Option,
    scores: Scores | None,
) -> list[str]:
    """Reasons to hold the answer loosely, the graver first."""
    found = []
    apart = two_runs(known.results, known.level)
    size = abs(best.difference.mid or 0.0)
    if apart is None:
        found.append("no run was repeated with another seed, so the noise is unknown and nothing is shown to be better")
    elif best.kind is not None and size <= apart:
        found.append(f"two runs of one recipe may differ by {apart:.2g} nats through the seed alone")
    far = distance(known, asked)
    if max(far) >= FAR:
        where = f"{far[0]:.1f} decades in parameters and {far[1]:.1f} in tokens"
        found.append(f"the question lies {where} beyond the largest run, further than an interval can vouch for")
    for look, curve in zip(looks, curves, strict=True):
        missed = curve.extrapolation * (best.loss.mid or 0.0)
        if best.kind is not None and missed >= size:
            found.append(f"the law of {curve.kind} missed the largest runs, held out, by {missed:.2g} nats")
        top = [float(one.difference[0].min()) for one in look.said]
        if len(top) > 1 and max(top) - min(top) > max(known.noise, 0.5 * size):
            said = listed(
                [f"{one.law.law.name} {fixed(value, signed=True)}" for one, value in zip(look.said, top, strict=True)]
            )
            found.append(f"the laws of {curve.kind} part: lowest difference from real text {said}")
    if asked.real is not None and asked.tokens / asked.real > NEARLY_FREE:
        found.append(
            f"real text alone would be gone through {asked.tokens / asked.real:.3g} times; beyond {NEARLY_FREE:g} "
            "epochs the law of repetition is itself uncertain"
        )
    heard = [task for task in known.results.tasks if not task.at_chance]
    parted = [task.task for task in heard for share in task.shares if share.verdict == "disagree"]
    if parted:
        found.append(f"loss and task scores disagree about the best share: {listed(list(dict.fromkeys(parted)))}")
    for kind in scores.kinds if scores is not None and scores.trusted else []:
        if kind.verdict == "disagree":
            found.append(
                f"the valuation score, which ranked what was measured, puts the best share elsewhere: {kind.says}"
            )
    return found if heard else [*found, LOSS_ONLY]


def distance(known: Knowledge, asked: Asked) -> tuple[float, float]:
    """Decades of N and D from the question to the nearest run; 0 inside the ladder."""
    laws = [law.laws[0].distance(N=float(asked.params), D=float(asked.tokens)) for law in known.kinds.values()]
    return max(each.get("N", 0.0) for each in laws), max(each.get("D", 0.0) for each in laws)
