"""Advice from published effects: the prior of each kind for who has no study yet, and what prices and repeats make of
it; beside a study's own decision, both together. Nothing published was measured on the text asked about."""

from collections.abc import Sequence

import numpy as np

from synthmix.advice.break_even import of_priors
from synthmix.advice.schema import Advice, PilotStudy
from synthmix.decisions.predict import natural_supply
from synthmix.decisions.question import KEY
from synthmix.decisions.supply import REPEATS, effective
from synthmix.errors import BadInput
from synthmix.evidence import Effect, combine, effects, kind_prior, kinds
from synthmix.evidence.prior import effect_at, effect_model
from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count, listed, percent
from synthmix.report.sentences import amount
from synthmix.results import Decision, Kind, Question, Range
from synthmix.results.decisions import FAR, NEARLY_FREE
from synthmix.results.evidence import Combined, KindPrior, MetricPrior

UNITS = {"nats": "loss", "score": "task score"}


def published_kind(kind: Kind, rows: Sequence[Effect] | None = None) -> str:
    """The published kind that a kind is, or is said to be like.

    Raises:
        BadInput: neither is published.
    """
    name, known = kind.like or kind.name, kinds(None if rows is None else tuple(rows))
    if name not in known:
        remedy = f"published are {', '.join(known)}; add like=KIND to '{kind.name}', or give a finished --study"
        raise BadInput(f"nothing is published about '{name}'", key=KEY, remedy=remedy)
    return name


def priors(question: Question, rows: Sequence[Effect] | None = None) -> list[KindPrior]:
    """The prior of every kind asked about, as far as its tokens and the money reach.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    found = []
    for kind in question.kinds:
        like = published_kind(kind, rows)
        most = reach(question, kind)
        found.append(kind_prior(kind.name, question.params, question.tokens, like=like, most=most, rows=rows))
    return found


def reach(question: Question, kind: Kind) -> float:
    """The largest share that the kind's tokens and the money reach for."""
    return min(1.0, question.limit(kind) / question.tokens)


def leading(prior: KindPrior) -> MetricPrior:
    """The unit in which most is known of a kind: the one with more of its rows; a loss where neither has any."""
    return max(prior.metrics, key=lambda each: (sum(says.rows for says in each.says), each.unit == "nats"))


def advise_without(
    question: Question, pilot_study: PilotStudy | None = None, rows: Sequence[Effect] | None = None
) -> Advice:
    """The priors with what they cost here; ``pilot_study``: the study that would replace them.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    found = priors(question, rows)
    spans = [_span(question, kind, prior) for kind, prior in zip(question.kinds, found, strict=True)]
    place = f"At {format_count(question.params)} parameters and {format_count(question.tokens)} tokens"
    table = effects() if rows is None else rows
    modelled = [row for row in table if row.unit in UNITS]
    behind = f"{len(modelled)} published effects of {len({row.study for row in modelled})} studies"
    return Advice(
        question=question,
        basis="priors",
        headline=f"{place}: no study was given. As a prior only, from {behind} of other "
        f"text than yours: {'; '.join(_answer(prior) for prior in found)}.",
        confidence="Confidence: not determined for your text: nothing was measured on it.",
        alternatives=spans,
        caveats=_caveats(question, found),
        evidence=[
            line for kind, span in zip(question.kinds, spans, strict=True) for line in _here(question, kind, span)
        ],
        priors=found,
        break_even=of_priors(question, found),
        pilot_study=pilot_study,
    )


def effect_text(prior: MetricPrior, effect: Interval | None = None) -> str:
    """``−0.04 (90% interval −0.14 to 0.06) nats per token``; scores in points."""
    found = prior.effect if effect is None else effect
    if prior.unit == "nats":
        return f"{format_interval(found, signed=True)} nats per token"
    return f"{format_interval(found.scaled(100), signed=True)} points"


def _answer(prior: KindPrior) -> str:
    """A kind in one clause: its share, what it does to what is known best, and how likely it helps."""
    one = leading(prior)
    share = format_interval(one.share, percent)
    return (
        f"{share} {prior.kind} changes a {UNITS[one.unit]} by {effect_text(one)}, better with a probability of "
        f"{percent(one.helps)}"
    )


def together(decision: Decision, rows: Sequence[Effect] | None = None) -> list[Combined]:
    """A study's determined options of one kind beside the published effect on a loss, and both together: at the best
    share of each kind."""
    question = decision.question
    if question is None:
        return []
    model = effect_model("nats", None if rows is None else tuple(rows))
    known = kinds(None if rows is None else tuple(rows))
    asked = {kind.name: kind for kind in question.kinds}
    found: list[Combined] = []
    for option in decision.options:
        if option.kind is None or not option.determined or option.is_natural or option.kind in {c.kind for c in found}:
            continue
        mine = [
            one for one in decision.options if one.kind == option.kind and one.determined and one.difference.bounded
        ]
        if not mine:
            continue
        best = min(mine, key=lambda one: one.difference.mid or 0.0)
        kind = asked.get(option.kind)
        like = (kind.like if kind is not None else None) or option.kind
        published = effect_at(
            model, like if like in known else None, best.share, question.params, question.tokens, decision.level
        )
        one = combine(best.difference, published, recipe=best.recipe, kind=option.kind, share=best.share)
        if one is not None:
            found.append(one)
    return found


def _span(question: Question, kind: Kind, prior: KindPrior) -> Range:
    """From natural text alone to the share of the highest expected gain, and its price."""
    high = leading(prior).share.mid or 0.0
    money = high * question.tokens * kind.price / 1e6
    return Range(kind=kind.name, low=0.0, high=high, money_low=0.0, money_high=money)


def _here(question: Question, kind: Kind, span: Range) -> list[str]:
    share, most = span.high, reach(question, kind)
    lines = [
        f"{kind.name} at {percent(share)}: {format_count(share * question.tokens)} synthetic tokens cost "
        f"{amount(span.money_high)}."
    ]
    if most < 1:
        lines.append(f"{kind.name}: its tokens or the money reach for {percent(most)}.")
    if question.natural is not None:
        real = (1 - share) * question.tokens
        lines.append(
            f"{kind.name} at {percent(share)}: natural text is read {real / question.natural:.3g} times "
            f"(alone {question.tokens / question.natural:.3g} times)."
        )
    if kind.params is not None:
        overhead = share * 4.0 * kind.params / (6.0 * question.params)
        lines.append(f"{kind.name} at {percent(share)}: its generation takes {overhead:.3g} of the training's FLOPs.")
    return lines


def _caveats(question: Question, found: list[KindPrior]) -> list[str]:
    lines = []
    for prior in found:
        for one in prior.metrics:
            what = f"{prior.kind}, {UNITS[one.unit]}"
            if one.decades is None:
                lines.append(f"{what}: no effect of this kind is published; the prior is that of the other kinds")
            elif one.decades >= FAR:
                lines.append(f"{what}: the nearest published effect is {one.decades:.2g} decades of compute away")
            if len(one.says) == 1:
                lines.append(f"{what}: a single study ({one.says[0].source})")
            if len(one.says) > 1 and min(says.low for says in one.says) < 0 < max(says.high for says in one.says):
                lines.append(f"{what}: the published effects differ in their sign")
    lines.append("loss and task scores are different questions: text that lowers the one need not raise the other")
    if len(question.kinds) > 1:
        names = listed([kind.name for kind in question.kinds])
        lines.append(f"no study compares {names} on equal terms at equal price")
    if question.natural is not None and question.tokens > question.natural:
        worth = float(effective(np.array(float(question.tokens)), natural_supply(question), np.array(REPEATS)))
        epochs = question.tokens / question.natural
        lines.append(
            f"natural text alone would be read {epochs:.3g} times, worth {format_count(worth)} new tokens by the "
            f"law of repetition (R* = {REPEATS}, arXiv 2305.16264)"
            + ("" if epochs <= NEARLY_FREE else "; that law is flat in R* and uncertain so far out")
        )
    return lines
