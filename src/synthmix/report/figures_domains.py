"""Per domain: losses as a heat map (against the natural text, and absolute), unigram statistics as dots."""

import math
from typing import Any

from synthmix.quantities import fixed
from synthmix.report.figures import Figure, Spec, View, axis, label, layout, recipe_colour
from synthmix.report.palette import symbol
from synthmix.report.sentences import place
from synthmix.results import Results, RunRow

_ROW = 30  # pixels a domain
_LEGEND = " Blue is a lower loss than the natural text's, orange a higher one; one cell is noisier than the average."
_COLUMN = 13  # characters that fit above a column


def domain_figure(results: Results) -> Figure | None:
    """Recipes across, domains down, at the largest common cell (or the largest cell where nothing is common)."""
    if not results.runs or not results.domains:
        return None
    seen = results.decision.measured if results.decision is not None else []
    cells = [(m.params, m.tokens) for m in seen] or [(run.params, run.tokens) for run in results.runs]
    cell = max(cells, key=lambda each: (each[0] * each[1], each))
    here = [run for run in results.runs if (run.params, run.tokens) == cell]
    recipes = [recipe.name for recipe in results.recipes]
    by_recipe = {name: rows for name in recipes if (rows := [run for run in here if run.recipe == name])}
    names = [d.name for d in results.domains]
    natural = next((runs for runs in by_recipe.values() if runs[0].share == 0), None)
    losses = {name: {domain: _mean(runs, domain) for domain in names} for name, runs in by_recipe.items()}
    views = []
    if natural is not None and len(by_recipe) > 1:
        base = losses[natural[0].recipe]
        others = [name for name in by_recipe if name != natural[0].recipe]
        change = {name: {d: _minus(losses[name][d], base[d]) for d in names} for name in others}
        views.append(View("difference from natural", *_heat(results, change, signed=True)))
    views.append(View("loss", *_heat(results, losses, signed=False)))
    return Figure(
        id="domains",
        title="Loss per held-out domain",
        caption=f"At {place(*cell)}, means over seeds, in nats "
        "per token. Domains marked * were never trained on, not even other documents."
        + (_LEGEND if len(views) > 1 else ""),
        summary="Held-out loss for every recipe and domain; the numbers are in the table domains.",
        views=views,
        height=110 + _ROW * len(names),
        min_width=130 + 84 * len(by_recipe),
    )


def _two_lines(name: str) -> str:
    first, _, rest = name.partition(" ")
    return "<br>".join(label(part, _COLUMN) for part in (first, rest) if part)


def _mean(runs: list[RunRow], domain: str) -> float | None:
    values = [r.losses[domain] for r in runs if domain in r.losses]
    return sum(values) / len(values) if values else None


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _names(names: list[str], **more: Any) -> Spec:
    """An axis of names by position, since two long names may shorten to the same label."""
    return axis("", tickvals=list(range(len(names))), ticktext=names, ticks="", **more)


def _domain(results: Results, name: str) -> str:
    """A domain's label, with * where nothing of it was trained on."""
    return label(name) + ("*" if any(d.name == name and d.whole for d in results.domains) else "")


def _heat(results: Results, rows: dict[str, dict[str, float | None]], *, signed: bool) -> tuple[list[Spec], Spec]:
    domains = sorted(results.domains, key=lambda d: (d.whole, d.name))
    z = [[rows[name][d.name] for name in rows] for d in domains]
    finite = [value for line in z for value in line if value is not None and math.isfinite(value)]
    most = max((abs(value) for value in finite), default=1.0) or 1.0
    scale: Spec = {"colorscale": "@diverging", "zmin": -most, "zmax": most} if signed else {"colorscale": "@sequential"}
    trace = {
        "type": "heatmap",
        "x": list(range(len(rows))),
        "y": list(range(len(domains))),
        "customdata": [[f"{label(d.name)}, {label(name)}" for name in rows] for d in domains],
        "z": z,
        "text": [[fixed(value, 3, signed=signed) for value in line] for line in z],
        "texttemplate": "%{text}",
        "xgap": 2,
        "ygap": 2,
        "hovertemplate": "%{customdata}: %{text} nats<extra></extra>",
        "showscale": False,
        **scale,
    }
    x = _names([_two_lines(name) for name in rows], side="top", showgrid=False, tickangle=0)
    y = _names([_domain(results, d.name) for d in domains], autorange="reversed", showgrid=False)
    margin = {"l": 20, "r": 10, "t": 20, "b": 10}
    return [trace], layout(x, y, showlegend=False, margin=margin)


def statistics_figure(results: Results) -> Figure | None:
    """A dot per recipe and domain: dots, since coverages lie so near 1 that bars from zero would look alike."""
    if not results.statistics:
        return None
    kinds = (
        ("coverage of running text", "coverage_mass", "covered share of the domain's tokens"),
        ("coverage of types", "coverage_types", "covered share of the domain's types"),
        ("divergence", "kl_test_train", "KL(domain ‖ training), nats per token"),
    )
    smoothing = sorted({s.smoothing for s in results.statistics})
    return Figure(
        id="statistics",
        title="Coverage and divergence of single tokens",
        caption=f"How well the tokens of each recipe cover those of each held-out domain (smoothing: "
        f"{', '.join(smoothing)}). A domain marked * was never trained on.",
        summary="Unigram coverage and divergence per recipe and domain; the numbers are in the table statistics.",
        views=[View(text, *_dots(results, field, title)) for text, field, title in kinds],
        height=140 + _ROW * len({s.domain for s in results.statistics}),
    )


def _dots(results: Results, field: str, title: str) -> tuple[list[Spec], Spec]:
    largest: dict[tuple[str, str], tuple[int, float]] = {}
    for s in results.statistics:
        key = (s.recipe, s.domain)
        largest[key] = max(largest.get(key, (0, 0.0)), (s.train_tokens, getattr(s, field)))
    domains = list(dict.fromkeys([*(d.name for d in results.domains), *(d for _, d in largest)]))
    domains = [d for d in domains if any(d == domain for _, domain in largest)]
    data: list[Spec] = []
    for name in dict.fromkeys(recipe for recipe, _ in largest):
        found = [(domain, value) for (recipe, domain), (_, value) in largest.items() if recipe == name]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(name),
                "x": [value for _, value in found],
                "y": [domains.index(domain) for domain, _ in found],
                "customdata": [label(domain) for domain, _ in found],
                "marker": {
                    "color": recipe_colour(results, name),
                    "symbol": symbol(results, name),
                    "size": 10,
                    "line": {"color": "@panel", "width": 1},
                },
                "hovertemplate": "%{customdata}: %{x:.3f}<extra>" + label(name) + "</extra>",
            }
        )
    y = _names([_domain(results, d) for d in domains], range=[len(domains) - 0.4, -0.6])
    return data, layout(axis(title), y)
