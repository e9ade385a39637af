"""``synthmix phases estimate``: beta and cutoff of two texts."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.common import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    Vocab,
    opened,
    parsed,
    shared_tokenizer,
    telling,
)
from synthmix.interval import format_interval
from synthmix.quantities import format_count, format_share

if TYPE_CHECKING:
    from synthmix.phases.estimation import Estimate


def estimate(
    real: Annotated[str, typer.Option(help="Real text: a corpus or a plain file.", show_default=False)],
    synthetic: Annotated[str, typer.Option(help="Synthetic text: a corpus or a plain file.", show_default=False)],
    orders: Annotated[str, typer.Option(help="Lengths of the n-grams.")] = "1,2",
    pi: Annotated[float, typer.Option("--pi", help="Real share of the mixture, for n2.")] = 0.5,
    tokens: Annotated[str, typer.Option(help="Budget for which the starving share is said.")] = "1B",
    most: Annotated[str, typer.Option(help="Tokens read of each text at most.")] = "20M",
    level: Annotated[float, typer.Option(help="Level of the intervals.", min=0.5, max=0.999)] = 0.9,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """beta of real text, the cutoff k of synthetic text, and the breakpoints that follow, in tokens.

    Example: synthmix phases estimate --real data/web.jsonl --synthetic data/sampled.jsonl --pi 0.1 --tokens 1B
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.phases.estimation import estimate_phases
    from synthmix.quantities import parse_count

    if not 0 <= pi <= 1:
        raise BadInput(f"is {pi:g}", key="--pi", remedy="give a real share between 0 and 1")
    lengths = tuple(parsed(int, part, "--orders") for part in orders.split(","))
    budget, limit = parsed(parse_count, tokens, "--tokens"), parsed(parse_count, most, "--most")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([real, synthetic], tokenizer, vocab)
        texts = [opened(path, shared, cache, progress) for path in (real, synthetic)]
        for corpus in texts:
            corpus.check_tokenizer(shared.hash)
        found = estimate_phases(
            texts[0].train,
            texts[1].train,
            shared.vocab_size,
            eos=shared.eos_id,
            orders=lengths,
            most=limit,
            level=level,
        )
    value = {"pi": pi, "tokens": budget, "orders": [estimate_json(one, pi, budget) for one in found]}
    show(value, "\n".join(estimate_text(one, pi, budget) for one in found), as_json=as_json)


def estimate_json(found: "Estimate", pi: float, tokens: int) -> dict[str, Any]:
    """Strict JSON."""
    law = found.zipf
    return {
        "order": found.order,
        "real_tokens": found.real_tokens,
        "synthetic_tokens": found.synthetic_tokens,
        "types": found.types,
        "beta": None if law is None else asdict(law.exponent),
        "fit": None if law is None else {"x_min": law.x_min, "types": law.types, "p_value": law.fits},
        "k": asdict(found.k),
        "before": found.before,
        "beyond": asdict(found.beyond),
        "n1": asdict(found.n1),
        "n2": asdict(found.n2(pi)),
        "starving_share": asdict(found.starving_share(tokens)),
        "curve": {
            "ranks": [int(rank) for rank in found.ranks],
            "synthetic_over_real": [None if not math.isfinite(each) else float(each) for each in found.ratio],
        },
    }


def estimate_text(found: "Estimate", pi: float, tokens: int) -> str:
    """A few lines."""
    name = "tokens" if found.order == 1 else f"{found.order}-grams"
    lines = [f"{name}: {format_count(found.types)} types ranked"]
    law = found.zipf
    if law is None:
        lines.append("  beta: too few types for a fit")
    else:
        lines.append(
            f"  beta {format_interval(law.exponent, '.3f', level=False)} over the {law.types} types seen {law.x_min} "
            f"times or more; goodness of fit p {law.fits:.2f}"
            + (" (no power law)" if law.fits < 0.1 else "")
            + ("; not above 1, where the theory's sums are finite" if (law.exponent.mid or 0.0) <= 1 else "")
        )
    if found.k.mid is None:
        return "\n".join([*lines, f"  k: {found.k.why}"])
    left = found.beyond
    lines.append(f"  k {shown(found.k)}: {left.mid:.0%} of the real share is left beyond, {found.before:.0%} before")
    lines.append(f"  n1 {shown(found.n1)} tokens, n2 {shown(found.n2(pi))} at a real share of {format_share(pi)}")
    starving = found.starving_share(tokens)
    if starving.mid is not None:
        lines.append(f"  at {format_count(tokens)} tokens the tail starves below a real share of "
                     f"{format_share(starving.mid)}")  # fmt: skip
    return "\n".join(lines)


def shown(interval: Any) -> str:
    """``1.2k [1k, 1.4k]``."""
    from synthmix.quantities import format_count

    value, low, high = (
        "?" if end is None else format_count(end) for end in (interval.mid, interval.low, interval.high)
    )
    return f"{value} [{low}, {high}]"
