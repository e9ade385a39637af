"""``synthmix compare-generators`` shown: their texts, what they did for the loss, and gain against style distance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from synthmix.interval import Interval
from synthmix.quantities import format_count, format_share
from synthmix.report.figures import Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.statistics.generators import GeneratorRow
from synthmix.statistics.representation import Representation, summary
from synthmix.statistics.style import StyleDistance, StyleMatch, StylePoint
from synthmix.style import axis, label, layout, marks
from synthmix.table import Column, Table

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")


def write_generators(
    path: Path,
    rows: Sequence[GeneratorRow],
    represented: Sequence[Representation],
    points: Sequence[StylePoint],
    match: StyleMatch | None,
    sentence: str | None,
) -> None:
    """Write the page of what there is: texts alone, a study's gains alone, or both.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    names = list(dict.fromkeys([*(row.name for row in rows), *(point.generator for point in points)]))
    lead = sentence or f"{', '.join(name for name in names if name != 'sources')} compared"
    sections = [
        Section("fit", "Held-out text", "Against held-out text", _fits(rows, names), [fit_table(rows)] if rows else []),
        Section(
            "style",
            "Style match",
            "Gain against style distance",
            _scatter(points, names),
            [_points(points)] if points else [],
        ),
        Section(
            "over",
            "Over and under",
            "What each over- and under-represents",
            tables=[representation_table(represented)] if represented else [],
        ),
    ]
    write_page(
        path,
        title="Generators compared",
        eyebrow="Is a bigger generator better here, and is its gain one of style?",
        lead=lead,
        under=[match.sentence if match else ""],
        sections=sections,
        facts={
            "Size": "as many words of each as the smallest has; by words, so that no tokenizer matters",
            "Intervals": "95%: jackknife over ten groups of documents; style: documents drawn again",
            "Style distance": "Jensen-Shannon divergence of character 3-grams above that of the domain's own halves",
            "Gain": "natural text's loss minus the mixture's, nats per token, at the largest cell",
        },
        colours=max(len(names), 2),
    )


def _fits(rows: Sequence[GeneratorRow], names: list[str]) -> list[Figure]:
    """Dots with intervals: a row a held-out text, a colour a generator."""
    if not rows or not rows[0].domains:
        return []
    domains = [fit.domain for fit in rows[0].domains]
    kinds = (
        ("coverage", "coverage_mass", "covered share of the held-out words"),
        ("divergence", "kl_test_train", "KL(held-out ‖ text), nats a word"),
    )
    views = []
    for text, field, title in kinds:
        data = []
        for row in rows:
            found: list[Interval] = [getattr(fit, field) for fit in row.domains]
            shift = 0.6 * (names.index(row.name) / max(len(names) - 1, 1) - 0.5)
            y = [i + shift for i in range(len(domains))]
            data.append(dots(found, y, f"s{names.index(row.name)}", row.name, longest=40))
        places = axis("", tickvals=list(range(len(domains))), ticktext=[label(d) for d in domains], ticks="")
        views.append(View(text, data, layout(axis(title), places)))
    caption = "Sources are the natural documents that the generators were given."
    return [Figure("fits", "Against held-out text", caption, "A dot and an interval for each.", views, height=460)]


def _scatter(points: Sequence[StylePoint], names: list[str]) -> list[Figure]:
    if not points:
        return []
    shares = sorted({point.share for point in points})
    data = []
    for name in dict.fromkeys(point.generator for point in points):
        for share in shares:
            mine = [p for p in points if (p.generator, p.share) == (name, share)]
            if mine:
                data.append(
                    marks(
                        [p.distance for p in mine],
                        [p.gain for p in mine],
                        f"s{names.index(name)}",
                        f"{share:.0%} {name}",
                        "%{customdata}: %{y:+.3f} nats",
                        symbol=_SYMBOLS[shares.index(share) % len(_SYMBOLS)],
                        size=10,
                        longest=40,
                        customdata=[label(p.domain) for p in mine],
                    )
                )
    view = View("all", data, layout(axis("style distance to the held-out text"), axis("gain over natural text, nats")))
    caption = "A point a mixture and held-out text. Falling to the right: the gain is partly one of style."
    return [Figure("style", "Gain against style distance", caption, "Points of gain by style distance.", [view])]


_STYLE = (
    Column("style", "Style JS", ".3f", kind=Interval, help="character 3-grams; compare with the floor"),
    Column("floor", "Floor", ".3f", kind=float, help="between the domain's own halves"),
    Column("apart", "Told apart", ".2f", kind=Interval, help="by a classifier; 0 not at all, 2 always"),
)


def fit_table(rows: Sequence[GeneratorRow]) -> Table:
    """Fit to the held-out domains, or near-duplicates alone where there are none."""
    note = f"{format_count(rows[0].words)} words of each, 95% intervals."
    if not rows[0].domains:
        columns = [
            Column("generator", "Generator"),
            Column("texts", "Texts"),
            Column("duplicates", "Near-duplicates", ".2%"),
        ]
        return Table("generators", columns, [(r.name, r.documents, r.near_duplicates) for r in rows], note=note)
    columns = [
        *(Column("generator", "Generator"), Column("heldout", "Held out"), Column("mass", "Mass covered", ".3f")),
        *(
            Column("types", "Types covered", ".3f"),
            Column("kl", "KL(test\u2016train)", ".3f"),
            Column("js", "JS", ".3f"),
        ),
        *_STYLE,
    ]
    body = [
        (
            *(row.name, fit.domain, fit.coverage_mass, fit.coverage_types, fit.kl_test_train, fit.jensen_shannon),
            *_style(fit.style),
        )
        for row in rows
        for fit in row.domains
    ]
    return Table("generators", columns, body, note=note)


def _style(style: StyleDistance | None) -> tuple[Interval | None, float | None, Interval | None]:
    return (None, None, None) if style is None else (style.js, style.floor, style.separable)


def style_table(found: Mapping[tuple[str, str], StyleDistance]) -> Table:
    """Style distance of each generator to each held-out domain."""
    columns = [Column("generator", "Generator"), Column("heldout", "Held out"), *_STYLE]
    return Table("styles", columns, [(*key, *_style(style)) for key, style in found.items()])


class Gained(Protocol):
    """What a generator's text did for the loss: :class:`synthmix.study.generator_gains.Gain`."""

    @property
    def generator(self) -> str: ...
    @property
    def share(self) -> float: ...
    @property
    def params(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def seeds(self) -> int: ...
    @property
    def gain(self) -> Interval: ...
    @property
    def gains(self) -> dict[str, float]: ...


def gain_table(gains: Sequence[Gained]) -> Table:
    """Gain over natural text alone, a row a mixture, mean and by domain."""
    domains = list(dict.fromkeys(domain for gain in gains for domain in gain.gains))
    columns = [
        *(Column("mixture", "Mixture"), Column("params", "N", format_count), Column("tokens", "D", format_count)),
        *(Column("seeds", "Seeds"), Column("gain", "Mean", "+.3f")),
        *(Column(f"gain on {domain}", domain, "+.3f", kind=float) for domain in domains),
    ]
    rows = [
        (
            *(f"{format_share(one.share)} {one.generator}", one.params, one.tokens, one.seeds),
            *(one.gain, *(one.gains.get(domain) for domain in domains)),
        )
        for one in gains
    ]
    return Table("gains", columns, rows, "Gain over natural text alone, nats (above zero: better)")


def representation_table(found: Sequence[Representation]) -> Table:
    """What each over- and under-represents against its sources."""
    rows = [(one.name, line) for one in found for line in summary(one)]
    return Table("represented", [Column("generator", "Generator"), Column("what", "Against its sources")], rows)


def _points(points: Sequence[StylePoint]) -> Table:
    columns = [
        *(Column("generator", "Generator"), Column("heldout", "Held out"), Column("share", "Share", ".1%")),
        *(Column("distance", "Style distance", ".4f"), Column("gain", "Gain", "+.4f")),
    ]
    return Table("style_points", columns, [(p.generator, p.domain, p.share, p.distance, p.gain) for p in points])
