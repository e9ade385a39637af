"""``synthmix stats`` shown: the page and the tables of what text says before anything is trained on it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthmix.quantities import format_count, format_share
from synthmix.report.figures import DASHES, Figure, View
from synthmix.report.html import Section, write_page
from synthmix.report.mixture_sentences import mixture_text
from synthmix.statistics.mixtures import MixtureRow, ShareRow
from synthmix.statistics.types import Costly, Survey
from synthmix.style import Spec, axis, label, layout, line
from synthmix.table import Column, Table

_BARS = 15
_TOP = 5  # costly n-grams that are listed


def write_statistics(found: Survey, path: Path) -> None:
    """The page of a survey.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    tables = survey_tables(found)
    headline, under = lead(found)
    sections = [
        Section("against", "Against", "Each text against each", tables=[tables["against"]]),
        Section(
            "shares",
            "Mixtures",
            "Mixtures, from the pools' counts alone",
            share_figures(found.shares, [text.name for text in found.texts]),
            [mixtures_table(found.mixtures)] if found.mixtures else [],
        ),
        Section("costs", "Costs", "What costs most", figures=contribution_figure(found)),
        Section(
            "curves", "Zipf, Heaps", "Rank and growth", [rank_figure(found), *heaps_figure(found)], [tables["texts"]]
        ),
        Section("smoothing", "Smoothing", "How much the smoothing matters", tables=[tables["smoothing"]]),
        Section(
            "overlap",
            "Overlap",
            "Training texts against each other",
            tables=[tables["overlap"]] if found.overlaps else [],
        ),
    ]
    write_page(
        path,
        title="Text statistics",
        eyebrow="What does the text itself say?",
        lead=headline,
        under=under,
        sections=sections,
        facts=_facts(found),
        colours=len(found.texts),
    )


def _facts(found: Survey) -> dict[str, str]:
    level = f"{found.level:.0%}"
    return {
        "Samples": f"the first {found.tokens:,} tokens of each training text (a uniform sample of its documents)",
        "Vocabulary": f"{found.vocab_size:,} ids; words are lower-cased runs of letters and digits",
        "n-grams": "within documents; smoothed over those that occur in either text",
        "KL(test ‖ train)": "nats that a code of the training text wastes on each held-out token",
        "Zipf": f"discrete maximum likelihood above the chosen x_min, {level} likelihood interval, p by 100 samples",
        "Heaps": f"slope over the last decade, {level} jackknife interval over ten segments",
        "Mixtures": "expected coverage of a uniform sample: each count thinned binomially",
        "Near-duplicates": "Jaccard similarity of token 5-grams of 0.8 or more, MinHash candidates, exact check",
    }


def lead(found: Survey) -> tuple[str, list[str]]:
    """The headline: which training text covers the held-out text best, and which is closest to it."""
    ours = [pair for pair in found.pairs if pair.unit == "token" and pair.comparison.n == 1]
    by_corpus = {
        name: [p.comparison for p in ours if p.corpus == name] for name in dict.fromkeys(p.corpus for p in ours)
    }
    covered = {name: sum(c.coverage_mass[1] for c in all_) / len(all_) for name, all_ in by_corpus.items()}
    near = {name: sum(c.divergences[0].kl_test_train for c in all_) / len(all_) for name, all_ in by_corpus.items()}
    most, least = max(covered, key=lambda name: covered[name]), min(near, key=lambda name: near[name])
    size = f"at {format_count(found.tokens)} tokens"
    if len(by_corpus) == 1:
        return f"{most} covers {covered[most]:.2%} of the held-out tokens {size}", []
    first = f"{most} covers the held-out tokens best {size} ({covered[most]:.2%}); {least} lies closest to them"
    some = [name for name in covered if covered[name] < 1]
    under = "No training text covers all held-out tokens." if len(some) == len(covered) else ""
    return f"{first} (KL {near[least]:.3f} nats)", [
        under,
        "Neither shows which trains better: that takes trained models.",
    ]


def survey_tables(found: Survey) -> dict[str, Table]:
    """By section: each text against each, smoothing, overlap, the texts, mixtures, what costs most."""
    by = [Column("corpus", "Text"), Column("against", "Against"), Column("by", "By")]
    pairs = [(p.corpus, p.against, _by(p.comparison.n, p.unit), p.comparison) for p in found.pairs]
    names = [one.smoothing for one in found.pairs[0].comparison.divergences]
    return {
        "texts": _texts(found),
        "against": Table(
            "against",
            [
                *by,
                Column("mass", "Mass covered", ".3%", help="of the held-out text's tokens, seen once or more"),
                Column("often", "10+ times", ".3%", kind=float),
                Column("types", "Types covered", ".2%"),
                Column("kl", "KL(test\u2016train)", ".4f", help="nats a held-out token"),
                Column("reverse", "KL(train\u2016test)", ".4f"),
                Column("js", "JS", ".4f"),
            ],
            [
                (
                    *(corpus, against, unit, c.coverage_mass[1], c.coverage_mass.get(10), c.coverage_types[1]),
                    *(c.divergences[0].kl_test_train, c.divergences[0].kl_train_test, c.divergences[0].jensen_shannon),
                )
                for corpus, against, unit, c in pairs
            ],
        ),
        "smoothing": Table(
            "smoothing",
            [*by, *(Column(name, form=".4f") for name in names)],
            [
                (corpus, against, unit, *(one.kl_test_train for one in c.divergences))
                for corpus, against, unit, c in pairs
            ],
            "KL(test \u2016 train), nats, by smoothing",
        ),
        "overlap": Table(
            "overlap",
            [
                *(Column("corpus", "Text"), Column("other", "Other"), Column("n")),
                *(Column("covered", "Of other in text", ".2%"), Column("overlap", "Of text in other", ".2%")),
                *(Column("jaccard", "Jaccard", ".3f"), Column("js", "JS", ".4f")),
            ],
            [
                (
                    *(p.corpus, p.against, p.comparison.n, p.comparison.coverage_mass[1], p.comparison.overlap_mass),
                    *(p.comparison.jaccard, p.comparison.divergences[0].jensen_shannon),
                )
                for p in found.overlaps
            ],
        ),
        "shares": Table(
            "shares",
            [
                *(Column("mixture", "Mixture"), Column("against", "Against"), Column("mass", "Mass covered", ".3%")),
                *(Column("types", "Types covered", ".2%"), Column("kl", "KL(test\u2016train)", ".4f")),
                Column("js", "JS", ".4f"),
            ],
            [
                (
                    *(f"{format_share(row.share)} {row.synthetic}", row.domain, row.coverage_mass[1]),
                    *(row.coverage_types[1], row.divergences[0].kl_test_train, row.divergences[0].jensen_shannon),
                )
                for row in found.shares
            ],
            "Expected of mixtures, from the pools' counts alone",
        ),
        "mixtures": mixtures_table(found.mixtures),
        "costly": _costly(found),
    }


def mixtures_table(rows: Sequence[MixtureRow]) -> Table:
    """Mixtures that have a name, by tokens and by longer n-grams."""
    columns = [
        *(Column("mixture", "Mixture"), Column("shares", "Shares"), Column("against", "Against"), Column("by", "By")),
        *(Column("entropy", "Entropy", ".3f", "nats"), Column("types", "Types", ".0f")),
        *(Column("distinct", "Distinct", ".3f", help="types of all"), Column("mass", "Mass covered", ".3%")),
        *(Column("kl", "KL(test\u2016train)", ".4f"), Column("js", "JS", ".4f")),
    ]
    cells = [
        (
            *(row.name, mixture_text(row.shares), row.domain, _by(row.n, "token"), row.entropy, row.types),
            *(row.distinct, row.coverage_mass[1], row.divergences[0].kl_test_train, row.divergences[0].jensen_shannon),
        )
        for row in rows
    ]
    return Table("mixtures", columns, cells, "Expected of mixtures that have a name")


def mean_rows(rows: Sequence[MixtureRow]) -> list[MixtureRow]:
    """A row a mixture and n, means over the held-out domains."""
    groups: dict[tuple[str, int], list[MixtureRow]] = {}
    for row in rows:
        groups.setdefault((row.name, row.n), []).append(row)
    found = []
    for same in groups.values():
        first, count = same[0], len(same)
        mean = replace(
            first.divergences[0],
            kl_test_train=sum(row.divergences[0].kl_test_train for row in same) / count,
            kl_train_test=sum(row.divergences[0].kl_train_test for row in same) / count,
            jensen_shannon=sum(row.divergences[0].jensen_shannon for row in same) / count,
        )
        mass = {k: sum(row.coverage_mass[k] for row in same) / count for k in first.coverage_mass}
        types = {k: sum(row.coverage_types[k] for row in same) / count for k in first.coverage_types}
        domain = first.domain if count == 1 else f"mean of {count}"
        found.append(replace(first, domain=domain, coverage_mass=mass, coverage_types=types, divergences=[mean]))
    return found


def _by(n: int, unit: str) -> str:
    return f"{n} {unit}{'s' if n > 1 else ''}"


def _texts(found: Survey) -> Table:
    columns = [
        *(Column("text", "Text"), Column("kind", "Kind"), Column("tokens", "Tokens", format_count)),
        *(Column("types", "Types"), Column("entropy", "Entropy", ".3f", "nats")),
        *(Column("zipf", "Zipf s", ".3f"), Column("x_min"), Column("p", form=".2f"), Column("heaps", "Heaps b", ".3f")),
        *(Column("compression", "Compression", ".2f"), Column("duplicates", "Near-duplicates", ".2%")),
    ]
    rows = []
    for text in found.texts:
        law, grown, packed, same = text.zipf, text.heaps, text.compression, text.duplication
        rows.append(
            (
                *(text.name, text.kind, text.tokens, text.types[1], text.entropy),
                *((law.exponent, law.x_min, law.fits) if law else (None,) * 3),
                *(grown.exponent if grown else None, packed.ratio if packed else None, same.rate if same else None),
            )
        )
    note = [f"{found.level:.0%} intervals; p below 0.1: no power law."]
    tails = sorted({text.zipf.x_min for text in found.texts if text.zipf})
    if len(tails) > 1:
        note.append(
            f"Zipf exponents are of the tails above each text's own x_min ({tails[0]} to {tails[-1]}): of different "
            "tails they do not compare."
        )
    sizes = {text.compression.bytes for text in found.texts if text.compression}
    if len(sizes) == 1:
        note.append(f"Compression is of {format_count(sizes.pop())} bytes of each.")
    return Table("texts", columns, rows, note="\n".join(note))


def _costly(found: Survey) -> Table:
    rows, seen = [], dict[tuple[str, str, str, int], int]()
    for one in found.costly:
        key = (one.corpus, one.against, one.unit, one.n)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _TOP:
            counts = (one.nats, one.heldout_count, one.train_count)
            rows.append((one.corpus, one.against, _by(one.n, one.unit), repr(one.text), *counts))
    columns = [
        *(Column("corpus", "Text"), Column("against", "Against"), Column("by", "By"), Column("text", "n-gram")),
        *(Column("nats", "Nats", ".5f"), Column("heldout", "Held out", "g"), Column("training", "Training", "g")),
    ]
    return Table("costly", columns, rows, "What adds most to KL(test \u2016 train)")


def rank_figure(found: Survey) -> Figure:
    """Rank against share of the text, log-log, a line a text."""
    data = [
        line(text.ranks, text.frequencies, f"s{i}", text.name, longest=40, dash=DASHES[i % len(DASHES)])
        for i, text in enumerate(found.texts)
    ]
    return Figure(
        id="ranks",
        title="Rank and frequency",
        caption="Share of the text that the token of each rank makes up. Zipf's law is a straight line; a tokenizer's "
        "vocabulary cuts it off.",
        summary="A falling line for each text on logarithmic axes; exponents are in the table below.",
        views=[View("token ids", data, layout(_log("rank"), _log("share of the text")))],
    )


def heaps_figure(found: Survey) -> list[Figure]:
    """Tokens read against types seen, log-log."""
    texts = [(i, text.name, text.heaps) for i, text in enumerate(found.texts) if text.heaps is not None]
    if not texts:
        return []
    data = [
        line(grown.tokens, grown.types, f"s{i}", name, longest=40, dash=DASHES[i % len(DASHES)])
        for i, name, grown in texts
    ]
    return [
        Figure(
            id="heaps",
            title="Growth of the vocabulary",
            caption="Distinct tokens among the first tokens of each text. Heaps' law is a straight line.",
            summary="A rising line for each text on logarithmic axes; exponents are in the table below.",
            views=[View("token ids", data, layout(_log("tokens read"), _log("types seen")))],
        )
    ]


def share_figures(rows: Sequence[ShareRow], names: Sequence[str]) -> list[Figure]:
    """Coverage and divergence over the share of each source; ``names``: of texts, in the order of their colours."""
    if len({row.share for row in rows}) < 2:
        return []
    first = rows[0]
    covered = [
        View(
            f"{what}, seen {k} times or more",
            _curves(rows, names, [getattr(row, f)[k] for row in rows]),
            _shares(title),
        )
        for k in first.coverage_mass
        for f, what, title in (
            ("coverage_mass", "tokens", "covered share of the held-out tokens"),
            ("coverage_types", "types", "covered share of the held-out types"),
        )
    ]
    diverged = [
        View(
            f"{d.smoothing}",
            _curves(rows, names, [row.divergences[i].kl_test_train for row in rows]),
            _shares("KL(test ‖ train), nats"),
        )
        for i, d in enumerate(first.divergences)
    ]
    diverged += [
        View(
            "Jensen-Shannon",
            _curves(rows, names, [row.divergences[0].jensen_shannon for row in rows]),
            _shares("Jensen-Shannon, nats"),
        )
    ]
    told = (
        f"Expected of {first.tokens:,} tokens; the colour is the synthetic text's, the dashes are the held-out text's."
    )
    return [
        Figure(
            "coverage", "Coverage over the share", told, "Coverage for each share, text and held-out text.", covered
        ),
        Figure("divergence", "Divergence over the share", told, "Divergence for each share and text.", diverged),
    ]


def contribution_figure(found: Survey) -> list[Figure]:
    """Bars of what adds most to KL(test || train), a view a pair and order."""
    views = []
    groups: dict[tuple[str, str, str, int], list[Costly]] = {}
    for cost in found.costly:
        groups.setdefault((cost.corpus, cost.against, cost.unit, cost.n), []).append(cost)
    for (corpus, against, unit, n), costs in groups.items():
        top = costs[:_BARS][::-1]
        bar = {
            "type": "bar",
            "orientation": "h",
            "x": [cost.nats for cost in top],
            "y": list(range(len(top))),
            "customdata": [[cost.heldout_count, cost.train_count] for cost in top],
            "marker": {"color": f"@s{_index(found, corpus)}"},
            "hovertemplate": "%{x:.5f} nats<br>held out %{customdata[0]}, training %{customdata[1]}<extra></extra>",
        }
        names = [label(_visible(cost.text), 40) for cost in top]
        y = axis("", tickvals=list(range(len(top))), ticktext=names, ticks="", showgrid=False)
        by = unit if n == 1 else f"{n} {unit}s"
        x = axis("nats of KL(test ‖ train)", rangemode="tozero")
        views.append(View(f"{corpus} against {against}, {by}", [bar], layout(x, y, showlegend=False)))
    if not views:
        return []
    caption = "The n-grams of the held-out text that training makes least of; point at a bar for both counts."
    return [Figure("costs", "What costs most", caption, "Bars of nats by n-gram.", views, height=460)]


def _curves(rows: Sequence[ShareRow], names: Sequence[str], values: Sequence[float]) -> list[Spec]:
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row, value in zip(rows, values, strict=True):
        lines.setdefault((row.synthetic, row.domain), []).append((100 * row.share, value))
    domains = list(dict.fromkeys(domain for _, domain in lines))
    return [
        line(
            [x for x, _ in points],
            [y for _, y in points],
            f"s{names.index(synthetic)}",
            f"{synthetic}, {domain}",
            dash=DASHES[domains.index(domain) % len(DASHES)],
            longest=40,
        )
        for (synthetic, domain), points in lines.items()
    ]


def _shares(title: str) -> Spec:
    return layout(axis("share of the text, %"), axis(title))


def _log(title: str) -> Spec:
    return axis(title, type="log")


def _index(found: Survey, name: str) -> int:
    return next((i for i, text in enumerate(found.texts) if text.name == name), 0)


def _visible(text: str) -> str:
    """White space made visible."""
    return text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣") if text.strip() != text else text
