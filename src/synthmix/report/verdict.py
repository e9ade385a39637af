"""What the numbers allow to be said of each synthetic source: helps, hurts, or cannot tell, and why to doubt it.

The rules (CHOSEN): a recipe is better or worse only where the interval of its difference from the natural text
excludes zero *and* the difference exceeds the seed noise of one run. A source helps if one of its recipes is
better, hurts if all of them are worse; everything else cannot be told from these runs.
"""

from dataclasses import dataclass
from typing import Literal

from synthmix.interval import Interval
from synthmix.report.measured import measured_answer
from synthmix.results import Answer, FitSummary, RecipeAnswer, Results

State = Literal["helps", "hurts", "unclear"]
Edge = Literal["none", "bottom", "top"]
SEVERAL = "several synthetic sources together"
_FAR = 1.0  # decades beyond which a fit's interval is not to be taken at its word (CHOSEN)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one synthetic source at the question, or at the largest trained cell without a question.

    ``recipe`` is the recipe the judgement rests on; ``held_out`` the relative error of the law it was predicted
    with, where it was asked to predict runs it had not seen; ``two_runs`` how far two runs that differ only in
    their seed may lie apart (nats, at the noise's level), None without replicates.
    """

    synthetic: str
    state: State
    recipe: RecipeAnswer
    tried: int
    best: Interval | None
    edge: Edge
    held_out: float | None
    two_runs: float | None


@dataclass(frozen=True)
class Judgement:
    """All verdicts, best source first, and the answer they rest on (None: there is nothing to compare)."""

    answer: Answer | None
    asked: bool
    verdicts: tuple[Verdict, ...]
    natural: RecipeAnswer | None


def judge(results: Results) -> Judgement:
    """Judge every synthetic source of a study."""
    answer = results.answer or measured_answer(results)
    if answer is None:
        return Judgement(None, False, (), None)
    asked = results.answer is not None
    groups: dict[str, list[RecipeAnswer]] = {}
    for row in answer.recipes:
        if row.share > 0:
            groups.setdefault(row.synthetic or SEVERAL, []).append(row)
    verdicts = [_verdict(results, answer, asked, name, rows) for name, rows in groups.items()]
    order = {"helps": 0, "unclear": 1, "hurts": 2}
    verdicts.sort(key=lambda v: (order[v.state], _difference(v.recipe), v.synthetic))
    natural = next((row for row in answer.recipes if row.share == 0), None)
    return Judgement(answer, asked, tuple(verdicts), natural)


def _verdict(results: Results, answer: Answer, asked: bool, name: str, rows: list[RecipeAnswer]) -> Verdict:
    sd = results.noise.sd
    better = [row for row in rows if _clear(row.difference, sd) < 0]
    worse = [row for row in rows if _clear(row.difference, sd) > 0]
    state: State = "helps" if better else "hurts" if len(worse) == len(rows) else "unclear"
    recipe = min(better or rows, key=_difference)
    best, edge = _best_share(results, answer, asked, name)
    return Verdict(
        synthetic=name,
        state=state,
        recipe=recipe,
        tried=len(rows),
        best=best,
        edge=edge,
        held_out=_held_out(results.fits, recipe),
        two_runs=two_runs(results),
    )


def _difference(row: RecipeAnswer) -> float:
    return float("inf") if row.difference.mid is None else row.difference.mid


def _clear(difference: Interval, sd: float | None) -> int:
    """-1 clearly better, +1 clearly worse, 0 cannot tell."""
    if not difference.bounded or abs(difference.mid or 0.0) <= (sd or 0.0):
        return 0
    low, high = difference.low or 0.0, difference.high or 0.0
    return -1 if high < 0 else 1 if low > 0 else 0


def _best_share(results: Results, answer: Answer, asked: bool, name: str) -> tuple[Interval | None, Edge]:
    for curve in results.share_curves:
        same = (curve.params, curve.tokens) == (answer.params, answer.tokens)
        if curve.synthetic == name and same and curve.is_question == asked and curve.shares:
            low, high, value = min(curve.shares), max(curve.shares), curve.best.mid
            near = 0.005 * (high - low)
            edge: Edge = "none"
            if value is not None and high > low:
                edge = "bottom" if value <= low + near else "top" if value >= high - near else "none"
            return curve.best, edge
    return None, "none"


def _held_out(fits: list[FitSummary], row: RecipeAnswer) -> float | None:
    """Relative error of the row's law on unseen runs; the recipe's own fit counts before a joint one."""
    for owner in (row.recipe, None):
        errors = [
            f.held_out.mean_abs_relative_error for f in fits if f.held_out and (f.law, f.recipe) == (row.law, owner)
        ]
        if errors:
            return max(errors)
    return None


def two_runs(results: Results, probability: float = 0.9) -> float | None:
    """How far apart two runs of one recipe lie at most, in ``probability`` of cases: t * sd * sqrt(2), in nats.

    Student's t with the replicates' own degrees of freedom (runs minus cells), since few seeds measure ``sd`` poorly.
    """
    noise = results.noise
    if noise.sd is None or noise.runs <= noise.cells:
        return None
    from scipy.special import stdtrit

    return float(stdtrit(noise.runs - noise.cells, (1 + probability) / 2)) * noise.sd * 2**0.5


@dataclass(frozen=True)
class Doubt:
    """A reason to hold a verdict loosely; ``grave``: reason enough not to act on it alone."""

    text: str
    grave: bool


def doubts(verdict: Verdict, answer: Answer, asked: bool) -> list[Doubt]:
    """Reasons to hold the verdict loosely, the grave ones first; empty where none was found."""
    found = []
    size = abs(verdict.recipe.difference.mid or 0.0)
    if verdict.two_runs is None:
        found.append(Doubt("no run was repeated with another seed, so the noise is unknown", True))
    elif size <= verdict.two_runs:
        text = f"two runs of one recipe may differ by {verdict.two_runs:.2g} nats through the seed alone"
        found.append(Doubt(text, True))
    if asked:
        found += _extrapolation(verdict, answer, size)
    return sorted(found, key=lambda doubt: not doubt.grave)


def _extrapolation(verdict: Verdict, answer: Answer, size: float) -> list[Doubt]:
    found = []
    far = max(answer.decades_params, answer.decades_tokens)
    if far >= _FAR:
        text = f"the question lies {far:.1f} decades beyond the largest run, further than an interval can vouch for"
        found.append(Doubt(text, True))
    elif far > 0:
        found.append(Doubt(f"the question lies {far:.1f} decades beyond the largest run", False))
    if verdict.held_out is None:
        found.append(Doubt("the law was not tested on runs held out of its fit", False))
    elif verdict.recipe.loss.mid is not None and verdict.held_out * verdict.recipe.loss.mid >= size:
        missed = f"{verdict.held_out * verdict.recipe.loss.mid:.2g} nats"
        text = f"the law missed runs it had not seen by about {missed}, as much as the difference itself"
        found.append(Doubt(text, True))
    return found
