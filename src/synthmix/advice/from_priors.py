"""Advice without a study: published findings as priors, and the arithmetic of prices and repeats."""

import numpy as np

from synthmix.advice.asked import Asked, Kind
from synthmix.advice.found import Advice, Range, Starter
from synthmix.advice.outlook import real_supply
from synthmix.advice.priors import (
    PUBLISHED_PARAMS,
    PUBLISHED_TOKENS,
    findings,
    prior_share,
    prior_speedup,
    published_kind,
)
from synthmix.advice.supply import NEARLY_FREE, REPEATS, effective
from synthmix.advice.words import amount
from synthmix.quantities import format_count, listed, percent


def advise_without(asked: Asked, starter: Starter | None = None) -> Advice:
    """Published shares with what they cost here; ``starter``: the study that would replace them.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    found = findings(asked.kinds)
    spans = [_span(asked, kind) for kind in asked.kinds]
    said = [f"{_percents(*prior_share(published_kind(kind)))} {kind.name}" for kind in asked.kinds]
    place = f"At {format_count(asked.params)} parameters and {format_count(asked.tokens)} tokens"
    answer = f"published findings, on other text than yours, put the best share at {'; or '.join(said)}"
    return Advice(
        asked=asked,
        basis="priors",
        study=None,
        headline=f"{place}: no study was given. As a prior only, {answer}.",
        sureness="How sure: not at all for your text: nothing here was measured on it.",
        alternatives=spans,
        doubts=_doubts(asked),
        evidence=[line for kind, span in zip(asked.kinds, spans, strict=True) for line in _here(asked, kind, span)],
        findings=found,
        starter=starter,
    )


def _span(asked: Asked, kind: Kind) -> Range:
    """The published shares, as far as the tokens and the money reach, and their price."""
    most = min(1.0, asked.limit(kind) / asked.tokens)
    low, high = (min(share, most) for share in prior_share(published_kind(kind)))
    money = [share * asked.tokens * kind.price / 1e6 for share in (low, high)]
    return Range(kind=kind.name, low=low, high=high, money_low=money[0], money_high=money[1])


def _here(asked: Asked, kind: Kind, span: Range) -> list[str]:
    share = span.high
    lines = [
        f"{kind.name} at {percent(share)}: {format_count(share * asked.tokens)} synthetic tokens cost "
        f"{amount(span.money_high)}."
    ]
    published = prior_share(published_kind(kind))[1]
    if share < published:
        lines.append(f"{kind.name}: its tokens or the money reach for {percent(share)}, less than is published.")
    if asked.real is not None:
        real = (1 - share) * asked.tokens
        lines.append(
            f"{kind.name} at {percent(share)}: real text is gone through {real / asked.real:.3g} times "
            f"(alone {asked.tokens / asked.real:.3g} times)."
        )
    if kind.params is not None:
        overhead = share * 4.0 * kind.params / (6.0 * asked.params)
        lines.append(f"{kind.name} at {percent(share)}: its generation takes {overhead:.3g} of the training's FLOPs.")
    speed = prior_speedup(published_kind(kind))
    if speed is not None:
        saved = [asked.tokens * (1 - 1 / factor) for factor in speed]
        lines.append(
            f"{kind.name}: were the published {speed[0]:g} to {speed[1]:g} times at a third to hold here, "
            f"{format_count(saved[0])} to {format_count(saved[1])} training tokens would be saved at equal loss."
        )
    return lines


def _doubts(asked: Asked) -> list[str]:
    found = []
    places = ("parameters", asked.params, PUBLISHED_PARAMS), ("tokens", asked.tokens, PUBLISHED_TOKENS)
    for what, value, (low, high) in places:
        if not low <= value <= high:
            span = f"{format_count(low)} to {format_count(high)}"
            found.append(f"{format_count(value)} {what} lie outside the published {span}")
    found.append("the published base text is unfiltered web text, and the metric is loss on the Pile's domains")
    if len(asked.kinds) > 1:
        names = listed([kind.name for kind in asked.kinds])
        found.append(f"no finding compares {names} on equal terms at equal price, or mixes them")
    if asked.real is not None and asked.tokens > asked.real:
        worth = float(effective(np.array(float(asked.tokens)), real_supply(asked), np.array(REPEATS)))
        epochs = asked.tokens / asked.real
        found.append(
            f"real text alone would be gone through {epochs:.3g} times, worth {format_count(worth)} new tokens by the "
            f"law of repetition (R* = {REPEATS}, arXiv 2305.16264)"
            + ("" if epochs <= NEARLY_FREE else "; that law is flat in R* and uncertain so far out")
        )
    return found


def _percents(low: float, high: float) -> str:
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"
