"""The page of generators compared: their texts, what they did for the loss, and gain against style distance."""

from collections.abc import Sequence
from pathlib import Path

from synthmix.interval import Interval, format_interval
from synthmix.report.figures import Figure, Spec, View, axis, error_bars, label, layout
from synthmix.report.sections import Section, Shown, numbers, write_page
from synthmix.statistics.generators import GeneratorRow
from synthmix.statistics.representation import Representation, summary
from synthmix.statistics.style import StyleMatch, StylePoint

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
        Section("fit", "Held-out text", "Against held-out text", _fits(rows, names), [_table(rows)] if rows else []),
        Section("style", "Style match", "Gain against style distance", _scatter(points, names), _points(points)),
        Section("over", "Over and under", "What each over- and under-represents", tables=_represented(represented)),
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
            marker = {"color": f"@s{names.index(row.name)}", "size": 9}
            data.append(_dots(row.name, found, [i + shift for i in range(len(domains))], marker))
        y = axis("", tickvals=list(range(len(domains))), ticktext=[label(d) for d in domains], ticks="")
        views.append(View(text, data, layout(axis(title), y)))
    caption = "Sources are the people's documents that the generators were given."
    return [Figure("fits", "Against held-out text", caption, "A dot and an interval for each.", views, height=460)]


def _dots(name: str, found: list[Interval], y: list[float], marker: Spec) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 40),
        "x": [one.mid for one in found],
        "y": y,
        "marker": marker,
        "error_x": error_bars(found, marker["color"]),
    }


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
                    {
                        "type": "scatter",
                        "mode": "markers",
                        "name": label(f"{share:.0%} {name}", 40),
                        "x": [p.distance for p in mine],
                        "y": [p.gain for p in mine],
                        "customdata": [label(p.domain) for p in mine],
                        "marker": {
                            "color": f"@s{names.index(name)}",
                            "symbol": _SYMBOLS[shares.index(share) % len(_SYMBOLS)],
                            "size": 10,
                        },
                        "hovertemplate": "%{customdata}: %{y:+.3f} nats<extra></extra>",
                    }
                )
    view = View("all", data, layout(axis("style distance to the held-out text"), axis("gain over natural text, nats")))
    caption = "A point a mixture and held-out text. Falling to the right: the gain is partly one of style."
    return [Figure("style", "Gain against style distance", caption, "Points of gain by style distance.", [view])]


def _table(rows: Sequence[GeneratorRow]) -> Shown:
    head = ["Generator", "Held out", "Mass covered", "Types covered", "KL(test‖train)", "JS"]
    body = [
        [row.name, f.domain, *map(_short, (f.coverage_mass, f.coverage_types, f.kl_test_train, f.jensen_shannon))]
        for row in rows
        for f in row.domains
    ]
    return numbers("", head, body, names=2)


def _points(points: Sequence[StylePoint]) -> list[Shown]:
    body = [[p.generator, p.domain, f"{p.share:.1%}", f"{p.distance:.4f}", f"{p.gain:+.4f}"] for p in points]
    return [numbers("", ["Generator", "Held out", "Share", "Style distance", "Gain"], body, names=2)] if body else []


def _represented(found: Sequence[Representation]) -> list[Shown]:
    body = [[one.name, line] for one in found for line in summary(one)]
    return [Shown("", ["Generator", "Against its sources"], body)] if body else []


def _short(found: Interval) -> str:
    return format_interval(found, ".3f", level=False)
