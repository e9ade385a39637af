"""Published findings about synthetic kinds, as priors for who has no study yet, and what prices and repeats make of
them. None was measured on the text asked about."""

import numpy as np

from synthmix.advice.schema import Advice, Finding, PilotStudy
from synthmix.decisions.predict import natural_supply
from synthmix.decisions.question import KEY
from synthmix.decisions.supply import REPEATS, effective
from synthmix.errors import BadInput
from synthmix.quantities import format_count, listed, percent
from synthmix.report.sentences import amount
from synthmix.results import Kind, Question, Range
from synthmix.results.decisions import NEARLY_FREE

KANG = "Kang et al., arXiv 2510.01631"
FINEPHRASE = "FinePhrase, arXiv 2604.13977"
MUENNIGHOFF = "Muennighoff et al., arXiv 2305.16264"
PUBLISHED_PARAMS = (100e6, 3e9)
PUBLISHED_TOKENS = (1e9, 200e9)
ANY = "all kinds"
SPEED = (5.0, 10.0)  # at large budgets, at a third of rephrased text

FINDINGS = (
    Finding(
        kind="hq", says="best share about 30 % at every scale; a third or two thirds hardly differ",
        source=KANG, mark="FOUND", share=(0.3, 0.3),
    ),
    Finding(
        kind="hq", says="a third reaches natural text's loss with 5 to 10 times fewer tokens at large budgets",
        source=KANG, mark="FOUND", speedup=SPEED,
    ),
    Finding(kind="hq", says="alone it is not faster than natural text", source=KANG, mark="FOUND"),
    Finding(
        kind="qa", says="best share about 50 % at small scale, falling to about 30 % at large scale",
        source=KANG, mark="FOUND", share=(0.3, 0.5),
    ),
    Finding(
        kind="qa", says="a third reaches natural text's loss with 5 to 10 times fewer tokens at large budgets",
        source=KANG, mark="FOUND", speedup=SPEED,
    ),
    Finding(
        kind="textbook", says="best share below 5 % at small scale, rising with scale; 33 % is better than 67 %",
        source=KANG, mark="FOUND", share=(0.0, 0.33),
    ),
    Finding(
        kind="textbook", says="alone it is clearly worse, most at small budgets; mixtures show the pattern of collapse",
        source=KANG, mark="FOUND",
    ),
    Finding(kind="table", says="best share 70 %", source=FINEPHRASE, mark="FOUND", share=(0.7, 0.7)),
    Finding(kind="math", says="best share 80 %", source=FINEPHRASE, mark="FOUND", share=(0.8, 0.8)),
    Finding(kind="faq", says="best share 60 %", source=FINEPHRASE, mark="FOUND", share=(0.6, 0.6)),
    Finding(kind="tutorial", says="best share 60 %", source=FINEPHRASE, mark="FOUND", share=(0.6, 0.6)),
    Finding(
        kind=ANY, says="mixtures beat pure synthetic text; at large sizes and one budget rephrased mixtures are "
        "slightly worse than natural text", source=KANG, mark="FOUND",
    ),
    Finding(
        kind=ANY, says="an 8B generator was better than a 3B one, a 70B one was not better than 8B",
        source=KANG, mark="FOUND",
    ),
    Finding(
        kind=ANY, says="the sources disagree: the best share depends on format, base data and metric, so measure it",
        source=f"{KANG}; {FINEPHRASE}", mark="FOUND",
    ),
    Finding(
        kind=ANY, says="up to four epochs of repeated text cost next to nothing against as much new text",
        source=MUENNIGHOFF, mark="FOUND",
    ),
)  # fmt: skip
KINDS = tuple(dict.fromkeys(finding.kind for finding in FINDINGS if finding.kind != ANY))


def published_kind(kind: Kind) -> str:
    """The published kind that a kind is, or is said to be like.

    Raises:
        BadInput: neither is published.
    """
    name = kind.like or kind.name
    if name not in KINDS:
        remedy = f"published are {', '.join(KINDS)}; add like=KIND to '{kind.name}', or give a finished --study"
        raise BadInput(f"nothing is published about '{name}'", key=KEY, remedy=remedy)
    return name


def findings(kinds: tuple[Kind, ...]) -> list[Finding]:
    """What is published about these kinds, then about all.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    named = list(dict.fromkeys(published_kind(kind) for kind in kinds))
    return [finding for name in [*named, ANY] for finding in FINDINGS if finding.kind == name]


def prior_share(kind: str) -> tuple[float, float]:
    """Published best share of a kind, from and to."""
    return next(finding.share for finding in FINDINGS if finding.kind == kind and finding.share is not None)


def prior_speedup(kind: str) -> tuple[float, float] | None:
    """Published speed-up of a kind at a third; None: none is published."""
    return next((f.speedup for f in FINDINGS if f.kind == kind and f.speedup is not None), None)


def advise_without(question: Question, pilot_study: PilotStudy | None = None) -> Advice:
    """Published shares with what they cost here; ``pilot_study``: the study that would replace them.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    found = findings(question.kinds)
    spans = [_span(question, kind) for kind in question.kinds]
    said = [f"{_percents(*prior_share(published_kind(kind)))} {kind.name}" for kind in question.kinds]
    place = f"At {format_count(question.params)} parameters and {format_count(question.tokens)} tokens"
    answer = f"published findings, on other text than yours, put the best share at {'; or '.join(said)}"
    return Advice(
        question=question,
        basis="priors",
        headline=f"{place}: no study was given. As a prior only, {answer}.",
        confidence="Confidence: not determined for your text: nothing was measured on it.",
        alternatives=spans,
        caveats=_caveats(question),
        evidence=[
            line for kind, span in zip(question.kinds, spans, strict=True) for line in _here(question, kind, span)
        ],
        findings=found,
        pilot_study=pilot_study,
    )


def _span(question: Question, kind: Kind) -> Range:
    """The published shares, as far as the tokens and the money reach, and their price."""
    most = min(1.0, question.limit(kind) / question.tokens)
    low, high = (min(share, most) for share in prior_share(published_kind(kind)))
    money = [share * question.tokens * kind.price / 1e6 for share in (low, high)]
    return Range(kind=kind.name, low=low, high=high, money_low=money[0], money_high=money[1])


def _here(question: Question, kind: Kind, span: Range) -> list[str]:
    share = span.high
    lines = [
        f"{kind.name} at {percent(share)}: {format_count(share * question.tokens)} synthetic tokens cost "
        f"{amount(span.money_high)}."
    ]
    published = prior_share(published_kind(kind))[1]
    if share < published:
        lines.append(f"{kind.name}: its tokens or the money reach for {percent(share)}, less than is published.")
    if question.natural is not None:
        real = (1 - share) * question.tokens
        lines.append(
            f"{kind.name} at {percent(share)}: natural text is read {real / question.natural:.3g} times "
            f"(alone {question.tokens / question.natural:.3g} times)."
        )
    if kind.params is not None:
        overhead = share * 4.0 * kind.params / (6.0 * question.params)
        lines.append(f"{kind.name} at {percent(share)}: its generation takes {overhead:.3g} of the training's FLOPs.")
    speed = prior_speedup(published_kind(kind))
    if speed is not None:
        saved = [question.tokens * (1 - 1 / factor) for factor in speed]
        lines.append(
            f"{kind.name}: were the published {speed[0]:g} to {speed[1]:g} times at a third to hold here, "
            f"{format_count(saved[0])} to {format_count(saved[1])} training tokens would be saved at equal loss."
        )
    return lines


def _caveats(question: Question) -> list[str]:
    found = []
    places = ("parameters", question.params, PUBLISHED_PARAMS), ("tokens", question.tokens, PUBLISHED_TOKENS)
    for what, value, (low, high) in places:
        if not low <= value <= high:
            span = f"{format_count(low)} to {format_count(high)}"
            found.append(f"{format_count(value)} {what} lie outside the published {span}")
    found.append("the published base text is unfiltered web text, and the metric is loss on the Pile's domains")
    if len(question.kinds) > 1:
        names = listed([kind.name for kind in question.kinds])
        found.append(f"no finding compares {names} on equal terms at equal price, or mixes them")
    if question.natural is not None and question.tokens > question.natural:
        worth = float(effective(np.array(float(question.tokens)), natural_supply(question), np.array(REPEATS)))
        epochs = question.tokens / question.natural
        found.append(
            f"natural text alone would be read {epochs:.3g} times, worth {format_count(worth)} new tokens by the "
            f"law of repetition (R* = {REPEATS}, arXiv 2305.16264)"
            + ("" if epochs <= NEARLY_FREE else "; that law is flat in R* and uncertain so far out")
        )
    return found


def _percents(low: float, high: float) -> str:
    return percent(low) if low == high else f"{percent(low)} to {percent(high)}"
