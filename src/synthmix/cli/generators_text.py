"""Generators compared, as text for the terminal."""

from collections.abc import Mapping, Sequence

from synthmix.cli.plan_text import table
from synthmix.generation.measures import MEASURES
from synthmix.generation.quality import Measure, QualityReport
from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count, format_share
from synthmix.statistics.generators import GeneratorRow
from synthmix.statistics.representation import Representation, summary
from synthmix.statistics.style import StyleDistance, StyleMatch
from synthmix.study.generator_gains import Gain


def rows_text(rows: Sequence[GeneratorRow]) -> str:
    """Fit to the held-out domains, and near-duplicates."""
    text = f"{format_count(rows[0].words)} words of each, 95% intervals\n"
    if not rows[0].domains:
        return text + table(
            ["generator", "texts", "near-duplicates"],
            [[r.name, str(r.documents), short(r.near_duplicates)] for r in rows],
        )
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
    return text + table(head, body)


def quality_text(report: QualityReport) -> str:
    """Diversity, faithfulness, lengths and failures: a row a measure, a column a generator."""
    names = [name for name in MEASURES if any(name in one.measures for one in report.sets)]
    body = [[MEASURES[name].label, *(_measure(one.measures.get(name)) for one in report.sets)] for name in names]
    return table(["measure", *(one.name for one in report.sets)], body)


def representation_text(found: Sequence[Representation]) -> str:
    """What each over- and under-represents against the sources."""
    return "\n".join(f"{one.name} against the sources\n  " + "\n  ".join(summary(one)) for one in found)


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
            short(gain.gain, signed=True),
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


def _measure(found: Measure | None) -> str:
    return format_interval(found.mean if found else None, ".3f", level=False)


def short(found: Interval | None, *, signed: bool = False) -> str:
    """``0.123 (0.120 to 0.126)``."""
    return format_interval(found, "+.3f" if signed else ".3f", level=False)


def styles(style: StyleDistance | None) -> tuple[str, str]:
    """Divergence over its floor, and how well a classifier tells the texts apart."""
    if style is None:
        return "n/a", "n/a"
    return (
        f"{format_interval(style.js, '.3f', level=False)}, floor {style.floor:.3f}",
        format_interval(style.separable, ".2f", level=False),
    )
