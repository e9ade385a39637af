"""Every sentence about the best mixture of many sources, made of its codes and numbers: terminal, page and guide."""

from collections.abc import Mapping

from synthmix.interval import Interval, format_interval, interval_parts
from synthmix.quantities import fixed, format_count, listed, percent
from synthmix.results.mixtures import (
    MIXTURE_CAVEATS,
    Compared,
    MixtureDecision,
    MixtureQuestion,
    SourceShare,
    Swap,
    Unit,
)
from synthmix.table import Column, Table

_LIMITS = {
    "supply": "as much as there is",
    "most": "as much as is allowed",
    "least": "as little as is allowed",
    "money": "as much as the money buys",
    "group": "as its group allows",
}
_SWAPS = 6
_SAME = 5e-5  # of the objective

#: Unit of the objective -> what is expected, and its unit.
OBJECTIVES: dict[Unit, tuple[str, str]] = {
    "nats": ("loss", "nats per token"),
    "error": ("error 1 - score", "of the score"),
    "both": ("objective (losses, and errors 1 - score)", "of the objective"),
}


def where(question: MixtureQuestion) -> str:
    """``at 1B parameters and 100B tokens``; ``at the runs' own scale``."""
    parts = [
        *([f"{format_count(question.params)} parameters"] if question.params is not None else []),
        *([f"{format_count(question.tokens)} tokens"] if question.tokens is not None else []),
    ]
    return f"at {listed(parts)}" if parts else "at the runs' own scale"


def mixture_text(shares: Mapping[str, float]) -> str:
    """``40% web, 35% hq and 25% qa``, the largest first."""
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return listed([f"{percent(share)} {name}" for name, share in ordered if share > 0])


def best(decision: MixtureDecision) -> str:
    """The mixture and its loss."""
    loss, what = format_interval(decision.loss), OBJECTIVES[decision.unit][0]
    return f"The best mixture {where(decision.question)}: {mixture_text(decision.mixture)}; expected {what} {loss}."


def headline(decision: MixtureDecision) -> str:
    """The mixture, its loss, and what it gains."""
    return " ".join([best(decision), *gains(decision)])


def gains(decision: MixtureDecision) -> list[str]:
    """Over natural text alone, over the best recipe of one source, over the best that was measured."""
    found = []
    if decision.natural is not None:
        found.append(f"Against natural text alone it {_gain(decision.natural, decision.unit)}.")
    if decision.single is not None:
        what = mixture_text(decision.single.shares)
        found.append(f"Against the best recipe of one source ({what}) it {_gain(decision.single, decision.unit)}.")
    if decision.best_measured is not None:
        found.append(f"Against the best measured mixture it {_gain(decision.best_measured, decision.unit)}.")
    return found


def _gain(other: Compared, unit: Unit) -> str:
    gain = other.gain
    if abs(gain.mid or 0) < _SAME and (gain.half_width or 0) < _SAME:
        return "is the same"
    size = gain if (gain.mid or 0) >= 0 else gain.scaled(-1)
    verb = "gains" if (gain.mid or 0) >= 0 else "loses"
    text = f"{verb} {format_interval(size)} {OBJECTIVES[unit][1]}"
    often = max(other.epochs.values(), default=0.0)
    notes = [
        *([f"a source of it would be gone through {often:.3g} times"] if often > 1.05 else []),
        *(["which these bounds do not allow"] if not other.allowed else []),
        *(["the interval holds zero"] if gain.sign() == 0 else []),
    ]
    return text + (f" ({'; '.join(notes)})" if notes else "")


def share_sentence(each: SourceShare) -> str:
    """What is known of one source's share, in one sentence."""
    interval = each.interval
    high = percent(interval.high)
    if each.verdict == "not determined":
        return f"{each.source}: not determined, anything from {percent(interval.low)} to {high}"
    if each.verdict == "none":
        return f"{each.source}: none of it" + ("" if not interval.high else f", at most {high}")
    if each.verdict == "at most":
        return (
            f"{each.source}: at or below {high} ({percent(each.share)} here); leaving it out costs less than the noise"
        )
    limit = f", {_LIMITS[each.limit]}" if each.limit else ""
    return f"{each.source}: {percent(each.share)}, between {percent(interval.low)} and {high}{limit}"


def swap_sentences(decision: MixtureDecision) -> list[str]:
    """Directions along which nothing changes within the noise of one run."""
    both = {(swap.out_of, swap.into): swap for swap in decision.swaps}
    said: set[frozenset[str]] = set()
    found = []
    for swap in decision.swaps:
        pair = frozenset((swap.out_of, swap.into))
        if pair in said:
            continue
        said.add(pair)
        found.append(_swap(swap, both.get((swap.into, swap.out_of))))
    return found[:_SWAPS]


def _swap(swap: Swap, back: Swap | None) -> str:
    if back is None:
        return f"{swap.into} can take the place of {swap.out_of} up to {percent(swap.most)} of the tokens"
    if abs(back.most - swap.most) < 0.1 * swap.most:
        return f"{swap.out_of} and {swap.into} can be swapped up to {percent(min(swap.most, back.most))} of the tokens"
    there, other = percent(swap.most), percent(back.most)
    return f"{swap.into} can take the place of {swap.out_of} up to {there} of the tokens, the other way up to {other}"


def value_sentences(decision: MixtureDecision) -> list[str]:
    """What one more billion unique tokens, or half the price, of each source would save."""
    found = []
    for each in decision.shares:
        for value, what in ((each.more, "1B more unique tokens"), (each.cheaper, "half its price")):
            if value is not None:
                nothing = (value.mid or 0) < 5e-6
                said = (
                    "would change nothing" if nothing else f"would save {_plain(value)} {OBJECTIVES[decision.unit][1]}"
                )
                found.append(f"{each.source}: {what} {said}")
    return found


def _plain(value: Interval) -> str:
    mid, ends = interval_parts(value)
    return f"{mid} ({ends})"


def caveats(decision: MixtureDecision) -> list[str]:
    """Caveats and the fit's warnings as sentences."""
    held = [f"the law missed held-out mixtures by {decision.error:.2%} on average"]
    if decision.scale_error is not None:
        held.append(f"the law missed the held-out largest scale by {decision.scale_error:.2%} on average")
    if decision.repetition is not None:
        star = format_interval(decision.repetition, ".3g")
        held.append(f"what repetition costs was measured: R* = {star}; the literature's is 15.4 (arXiv 2305.16264)")
    return [*(MIXTURE_CAVEATS[code] for code in decision.caveats), *held, *(warn.message for warn in decision.warnings)]


def tables(decision: MixtureDecision) -> list[Table]:
    """What the terminal and the page show."""
    shares = Table(
        "shares",
        [
            Column("source", kind=str),
            Column("share", "best share", form=percent, kind=Interval, help="with the interval of its best share"),
            Column("tokens", form=format_count, kind=float, missing="-"),
            Column("epochs", form=".3g", kind=float, missing="-"),
            Column(
                "without",
                "without it",
                form=lambda x: fixed(x, 4, signed=True),
                kind=float,
                unit="nats" if decision.unit == "nats" else "",
                missing="-",
            ),
            Column("says", "", kind=str, align="left"),
        ],
        [
            [
                each.source,
                each.interval,
                each.tokens,
                each.epochs,
                each.without,
                share_sentence(each).partition(": ")[2],
            ]
            for each in sorted(decision.shares, key=lambda each: -each.share)
        ],
        title=f"Shares, {decision.level:.0%} intervals",
        note=f"The noise of one run is {fixed(decision.noise, 4)} {OBJECTIVES[decision.unit][1]}.",
    )
    found = [shares, *_beside(decision)]
    for name, title, lines in (
        ("swaps", "As good within the noise of one run", swap_sentences(decision)),
        ("values", "What more, or cheaper, text is worth", value_sentences(decision)),
    ):
        if lines:
            found.append(_lines(name, title, lines))
    if decision.moves:
        rows = [
            [
                "-" if move.params is None else format_count(move.params),
                "-" if move.tokens is None else format_count(move.tokens),
                mixture_text(move.shares),
                fixed(move.loss, 3),
            ]
            for move in decision.moves
        ]
        columns = [Column(key, title, kind=str) for key, title in (("n", "N"), ("d", "D"), ("mixture", "Best mixture"))]
        columns.append(Column("loss", OBJECTIVES[decision.unit][0].capitalize(), kind=str, align="right"))
        found.append(Table("moves", columns, rows, title="How it moves with scale"))
    found.append(_lines("caveats", "Caveats", caveats(decision)))
    return found


def _beside(decision: MixtureDecision) -> list[Table]:
    """The mixtures that the question names, with natural text alone and the best recipe of one source."""
    if not decision.beside:
        return []
    others = [each for each in (decision.natural, decision.single) if each is not None]
    columns = [
        Column("name", "mixture", kind=str),
        Column("shares", "", kind=str, align="left"),
        Column("loss", OBJECTIVES[decision.unit][0], kind=Interval),
        Column("more", "minus that of the best", kind=Interval),
    ]
    rows = [[each.name, mixture_text(each.shares), each.loss, each.gain] for each in [*decision.beside, *others]]
    return [Table("beside", columns, rows, title=f"Beside it {where(decision.question)}")]


def _lines(name: str, title: str, lines: list[str]) -> Table:
    return Table(name, [Column("line", "", kind=str)], [[line] for line in lines], title=title)
