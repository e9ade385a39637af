"""Generators compared, as text for the terminal."""

from collections.abc import Mapping, Sequence

from synthmix.cli.plan_text import table
from synthmix.quantities import format_count, format_share
from synthmix.statistics.pairs import Estimate, GeneratorRow
from synthmix.statistics.style import StyleDistance
from synthmix.statistics.style_match import StyleMatch
from synthmix.study.generator_gains import Gain


def rows_text(rows: Sequence[GeneratorRow]) -> str:
    """Three tables: diversity, faithfulness, and fit to the held-out domains."""
    head = ["generator", "texts", "distinct-1", "distinct-2", "distinct-3", "compression", "near-duplicates"]
    body = [
        [
            row.name,
            str(row.documents),
            *(short(row.distinct[n]) for n in (1, 2, 3)),
            f"{row.compression:.2f}",
            short(row.near_duplicates),
        ]
        for row in rows
    ]
    blocks = [f"{format_count(rows[0].words)} words of each, 90% intervals\n" + table(head, body)]
    kept = list(dict.fromkeys(name for row in rows for name in row.faithfulness))
    if kept:
        body = [[r.name, str(r.pairs), *(short(r.faithfulness.get(k)) for k in kept)] for r in rows if r.faithfulness]
        blocks.append(table(["generator", "pairs", *kept], body))
    if rows[0].domains:
        head = [
            "generator",
            "held out",
            "mass covered",
            "types covered",
            "KL(test||train)",
            "JS words",
            "style JS",
            "told apart",
        ]
        body = [
            [
                row.name,
                fit.domain,
                short(fit.coverage_mass),
                short(fit.coverage_types),
                short(fit.kl_test_train),
                short(fit.jensen_shannon),
                *styles(fit.style),
            ]
            for row in rows
            for fit in row.domains
        ]
        blocks.append(table(head, body))
    return "\n\n".join(blocks)


def gains_text(
    gains: Sequence[Gain],
    distances: Mapping[tuple[str, str], StyleDistance],
    sentence: str | None,
    match: StyleMatch | None,
) -> str:
    """What each generator did for the loss, and the confound."""
    domains = list(dict.fromkeys(domain for gain in gains for domain in gain.gains))
    body = [
        [
            f"{format_share(gain.share)} {gain.generator}",
            f"{format_count(gain.params)} x {format_count(gain.tokens)}",
            str(gain.seeds),
            short(gain.gain, signed=True) if gain.gain else f"{gain.value:+.3f}",
            *(f"{gain.gains[domain]:+.3f}" for domain in domains),
        ]
        for gain in gains
    ]
    text = "Gain over natural text alone, nats (above zero: better)\n"
    text += table(["mixture", "params x tokens", "seeds", "mean", *domains], body)
    if distances:
        rows = [[generator, domain, *styles(style)] for (generator, domain), style in distances.items()]
        text += "\n\n" + table(["generator", "held out", "style JS", "told apart"], rows)
    if sentence:
        text += f"\n\n{sentence}"
    return text + (f"\n{match.sentence}" if match else "")


def short(found: Estimate | None, *, signed: bool = False) -> str:
    """``0.123 (0.120 to 0.126)``."""
    if found is None:
        return "n/a"
    sign = "+" if signed else ""
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def styles(style: StyleDistance | None) -> tuple[str, str]:
    """Divergence over its floor, and how well a classifier tells the texts apart."""
    if style is None:
        return "n/a", "n/a"
    return (
        f"{style.js:.3f} ({style.js_low:.3f} to {style.js_high:.3f}), floor {style.floor:.3f}",
        f"{style.separable:.2f} ({style.separable_low:.2f} to {style.separable_high:.2f})",
    )
