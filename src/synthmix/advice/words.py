"""Advice in words: numbers as the terminal and the page both show them."""

from collections.abc import Callable

from synthmix.advice.found import Advice, Option, Range
from synthmix.advice.found_beside import Several
from synthmix.interval import Interval, format_interval
from synthmix.quantities import MINUS, fixed, format_count, format_share

# Two kinds have a law each, and the laws put real text at different losses.
OWN_LAWS = "losses are each kind's own law's; compare recipes by the difference from real text, which is by one law"

SCORE_NOISE = "a score's interval is that of other documents of the same texts; how far it is from training is in none"


def recipe(option: Option) -> str:
    """``30% hq``, or real text alone."""
    return "real text alone" if option.kind is None else f"{format_share(option.share)} {option.kind}"


def short(found: Interval, digits: int, *, signed: bool = False) -> str:
    """``-0.128 (-0.242 to +0.147)``; an end that is not defined is a question mark; ``n/a`` without a value."""
    if found.mid is None:
        return "n/a"
    return _with_ends(found, lambda value: fixed(value, digits, signed=signed))


def factor(found: Interval) -> str:
    """A speed-up, ``1.20 (0.75 to 1.63)``; from a hundred on without decimals."""
    if found.mid is None:
        return "n/a"
    return _with_ends(found, lambda value: fixed(value, 2) if value < 100 else f"{value:,.0f}")


def saved(option: Option) -> str:
    """Tokens saved with their interval; a loss of tokens is negative."""
    found = option.tokens_saved
    if found.mid is None:
        return "n/a"
    return _with_ends(found, lambda value: f"{MINUS if value < 0 else ''}{format_count(abs(value))}")


def _with_ends(found: Interval, say: Callable[[float], str]) -> str:
    value, low, high = (None if x is None else say(x) for x in (found.mid, found.low, found.high))
    return f"{value}" if low is None and high is None else f"{value} ({low or '?'} to {high or '?'})"


def amount(money: float) -> str:
    """Money, four digits."""
    return f"{money:,.4g}" if money < 1e4 else f"{money:,.0f}"


def epochs(option: Option) -> str:
    """How often both texts are gone through."""
    real = "?" if option.real_epochs is None else f"{option.real_epochs:.2g}"
    return f"{real}, {option.synthetic_epochs:.2g}"


def alternative(found: Range) -> str:
    """``10% to 55% hq, for 5,000 to 27,500``."""
    if found.kind is None:
        return "real text alone, for nothing"
    shares = format_share(found.low)
    if found.high > found.low:
        shares += f" to {format_share(found.high)}"
    money = amount(found.money_low)
    if found.money_high > found.money_low:
        money += f" to {amount(found.money_high)}"
    return f"{shares} {found.kind}, for {money}"


def agreed(verdict: str) -> str:
    """Whether two best shares are one, as a clause."""
    return {"agree": "they agree", "disagree": "they disagree"}.get(verdict, "whether they agree is open")


def several(found: Several) -> str:
    """A measured recipe of several kinds: its difference from real text alone, and from the best recipe of one kind."""
    place = f"{format_count(found.params)} parameters and {format_count(found.tokens)} tokens"
    parts = ", ".join(f"{format_share(share)} {name}" for name, share in found.shares.items())
    good = "as good within the noise as" if found.as_good else "clearly worse than"
    return (
        f"{found.recipe} ({parts}), for {amount(found.money)}: {format_interval(found.difference, signed=True)} nats "
        f"from real text alone at {place}; {good} the best of one kind there, {found.rival} "
        f"({fixed(found.above_rival.mid, 3, signed=True)})"
    )


def score_lines(advice: Advice) -> list[str]:
    """What the valuation scores say, or why there are none."""
    if advice.scores is None:
        return [advice.scores_note] if advice.scores_note else []
    kinds = [kind.says for kind in advice.scores.kinds]
    return [advice.scores.says, *kinds, *([SCORE_NOISE] if kinds else [])]


def decided_at(advice: Advice) -> str:
    """How far the question lies beyond the runs."""
    far = advice.decades_params or 0.0, advice.decades_tokens or 0.0
    if max(far) == 0:
        return "the question lies inside what was trained"
    return f"{far[0]:.1f} decades in parameters and {far[1]:.1f} in tokens beyond the largest run"


def option_cells(option: Option, *, charged: bool) -> list[str]:
    """What tables say of an option after its recipe: loss, difference, as good, speed-up, tokens saved, money, epochs;
    with ``charged`` the speed-up that pays for writing the text."""
    cells = [
        short(option.loss, 3),
        short(option.difference, 3, signed=True) if option.kind else "-",
        "yes" if option.as_good else "no",
        factor(option.speedup) if option.kind else "-",
        saved(option) if option.kind else "-",
        amount(option.money),
        epochs(option),
    ]
    return cells + ([factor(option.charged) if option.charged else "-"] if charged else [])
