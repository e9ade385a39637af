"""Figures of a survey: rank and frequency, growth of the vocabulary, mixtures over their shares, costly n-grams."""

from synthmix.report.figures import Figure, Spec, View, axis, label, layout
from synthmix.statistics.mixtures import ShareRow
from synthmix.statistics.types import Costly, Survey

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_BARS = 15


def rank_figure(found: Survey) -> Figure:
    """Rank against share of the text, log-log, a line a text."""
    data = [
        _line(text.name, [float(r) for r in text.ranks], text.frequencies, f"s{i}")
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
        _line(name, [float(n) for n in grown.tokens], [float(t) for t in grown.types], f"s{i}")
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


def share_figures(found: Survey) -> list[Figure]:
    """Coverage and divergence over the share of each further corpus in the first."""
    if len({row.share for row in found.shares}) < 2:
        return []
    first = found.shares[0]
    covered = [
        View(f"{what}, seen {k} times or more", _curves(found, lambda r, k=k, f=f: getattr(r, f)[k]), _shares(title))
        for k in first.coverage_mass
        for f, what, title in (
            ("coverage_mass", "tokens", "covered share of the held-out tokens"),
            ("coverage_types", "types", "covered share of the held-out types"),
        )
    ]
    diverged = [
        View(
            f"{d.smoothing}",
            _curves(found, lambda r, i=i: r.divergences[i].kl_test_train),
            _shares("KL(test ‖ train), nats"),
        )
        for i, d in enumerate(first.divergences)
    ]
    diverged += [
        View(
            "Jensen-Shannon", _curves(found, lambda r: r.divergences[0].jensen_shannon), _shares("Jensen-Shannon, nats")
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
        views.append(View(f"{label(corpus)} against {label(against)}, {by}", [bar], layout(x, y, showlegend=False)))
    if not views:
        return []
    caption = "The n-grams of the held-out text that training makes least of; point at a bar for both counts."
    return [Figure("costs", "What costs most", caption, "Bars of nats by n-gram.", views, height=460)]


def _curves(found: Survey, value: "object") -> list[Spec]:
    assert callable(value)
    lines: dict[tuple[str, str], list[ShareRow]] = {}
    for row in found.shares:
        lines.setdefault((row.synthetic, row.domain), []).append(row)
    domains = list(dict.fromkeys(domain for _, domain in lines))
    return [
        _line(
            f"{synthetic}, {domain}",
            [100 * row.share for row in rows],
            [float(value(row)) for row in rows],
            f"s{_index(found, synthetic)}",
            _DASHES[domains.index(domain) % len(_DASHES)],
        )
        for (synthetic, domain), rows in lines.items()
    ]


def _shares(title: str) -> Spec:
    return layout(axis("share of the synthetic text, %"), axis(title))


def _log(title: str) -> Spec:
    return axis(title, type="log")


def _line(name: str, x: list[float], y: list[float], token: str, dash: str = "solid") -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name, 40),
        "x": x,
        "y": y,
        "line": {"color": f"@{token}", "width": 2, "dash": dash},
    }


def _index(found: Survey, name: str) -> int:
    return next((i for i, text in enumerate(found.texts) if text.name == name), 0)


def _visible(text: str) -> str:
    """White space made visible."""
    return text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "␣") if text.strip() != text else text
