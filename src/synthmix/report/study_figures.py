"""The figures of a study's page: shares, loss against tokens and size, domains."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

from synthmix.quantities import fixed, format_count, percent
from synthmix.report.figures import (
    Figure,
    View,
    dash,
    direct_labels,
    recipe_token,
    source_dash,
    source_symbol,
    source_token,
    symbol,
)
from synthmix.report.fit_figures import isoflop_figure, profile_figure, residual_figure, task_figure, task_share_figure
from synthmix.report.sentences import place
from synthmix.results import Curve, Results, RunRow, ShareCurve
from synthmix.style import Spec, axis, band, label, layout, line, marks

_STRIP = 0.05  # height of a source's strip, as a part of the figure


def share_figure(results: Results) -> Figure | None:
    """One view per cell, all synthetic sources in it: the largest measured first, the question's last."""
    cells: dict[tuple[int, int], list[ShareCurve]] = {}
    for curve in results.share_curves:
        cells.setdefault((curve.params, curve.tokens), []).append(curve)
    views = []
    for params, tokens in sorted(cells, key=lambda cell: (cell[0] * cell[1], cell), reverse=True):
        text = f"measured: {format_count(params)} on {format_count(tokens)} tokens"
        views.append(View(text, *_share_panel(results, cells[params, tokens])))
    asked = at_question(results)
    if asked:
        text = f"question: {format_count(asked[0].params)} on {format_count(asked[0].tokens)} tokens"
        views.append(View(text, *_share_panel(results, asked)))
    if not views:
        return None
    return Figure(
        id="share",
        title="Loss against the synthetic share",
        caption="Marks are trained models, the line is the fitted mean, the band its interval. The upright line is the "
        "best share, the bar at its foot that share's interval, and the pale strip every share whose loss "
        "is within the seed noise of the best.",
        summary="Averaged held-out loss against the share of synthetic text; the numbers are in the tables "
        "share_curves, share_points and best_shares.",
        views=views,
    )


def at_question(results: Results) -> list[ShareCurve]:
    """The decision's curves in the share, as losses; a curve that is not determined has no points and is left out."""
    decision = results.decision
    if decision is None:
        return []
    return [
        ShareCurve(
            synthetic=curve.kind,
            params=decision.params,
            tokens=decision.tokens,
            measured=[],
            shares=curve.shares,
            mean=curve.loss,
            low=curve.loss_low,
            high=curve.loss_high,
            best=curve.best,
            flat=curve.flat,
        )
        for curve in decision.curves
        if curve.shares
    ]


def _share_panel(results: Results, curves: list[ShareCurve]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    shapes: list[Spec] = []
    notes: list[Spec] = []
    for k, curve in enumerate(sorted(curves, key=lambda c: c.synthetic)):
        token = source_token(results, curve.synthetic)
        x = [100 * s for s in curve.shares]
        data.append(band(x, curve.low, curve.high, token, curve.synthetic))
        more: Spec = {"legendgroup": curve.synthetic, "showlegend": not curve.measured}
        hover, dashed = "%{x:.0f}%: %{y:.3f} nats, fitted", source_dash(results, curve.synthetic)
        data.append(line(x, curve.mean, token, curve.synthetic, hover, dash=dashed, **more))
        if curve.measured:
            data.append(_share_marks(curve, token, source_symbol(results, curve.synthetic)))
        shapes += _best(curve, token, k)
        notes += _best_note(curve, token, k)
    floor = _STRIP * len(curves) + 0.02  # the strips have a lane of their own, below the curves
    y = axis("loss, nats per token", tickformat=".3~f", domain=[floor, 1], **_in_view(curves))
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102], anchor="free", position=0)
    shape = layout(x_axis, y, shapes=shapes, annotations=notes)
    return data, shape


def _in_view(curves: list[ShareCurve]) -> Spec:
    """The range that holds every mark, every mean, and the bands where shares were measured: beyond them a band may
    be wider than all that was seen."""
    if not any(curve.measured for curve in curves):
        return {}
    seen = [point.loss for curve in curves for point in curve.measured]
    for curve in curves:
        last = max((point.share for point in curve.measured), default=1.0)
        seen += curve.mean
        inside = [i for i, share in enumerate(curve.shares) if share <= last]
        seen += [curve.low[i] for i in inside] + [curve.high[i] for i in inside]
    room = 0.08 * ((max(seen) - min(seen)) or 0.01)
    return {"range": [min(seen) - room, max(seen) + room]}


def _share_marks(curve: ShareCurve, token: str, shape: str) -> Spec:
    points = sorted(curve.measured, key=lambda p: (p.share, p.seed))
    return marks(
        [100 * p.share for p in points],
        [p.loss for p in points],
        token,
        curve.synthetic,
        "%{x:.0f}%: %{y:.3f} nats, seed %{customdata}",
        symbol=shape,
        customdata=[p.seed for p in points],
        legendgroup=curve.synthetic,
    )


def _best(curve: ShareCurve, token: str, row: int) -> list[Spec]:
    """The best share (upright), its interval and the flat range (strips above the axis, one row per source)."""
    base: Spec = {"type": "rect", "xref": "x", "yref": "paper", "line": {"width": 0}, "layer": "below"}
    floor = 0.008 + _STRIP * row
    found = []
    if curve.flat is not None:
        low, high = (100 * share for share in curve.flat)
        strip = {"x0": low, "x1": high, "y0": floor, "y1": floor + 0.036, "fillcolor": f"@{token}-band"}
        found.append({**base, **strip})
    if curve.best.mid is None:
        return found
    if curve.best.low is not None and curve.best.high is not None:
        bar = {"x0": 100 * curve.best.low, "x1": 100 * curve.best.high, "y0": floor + 0.012, "y1": floor + 0.024}
        found.append({**base, **bar, "fillcolor": f"@{token}"})
    x = 100 * curve.best.mid
    upright = {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "line": {"color": f"@{token}", "width": 1, "dash": "dot"},
    }
    return [*found, {**base, **upright}]


def _best_note(curve: ShareCurve, token: str, row: int) -> list[Spec]:
    if curve.best.mid is None:
        return []
    left = curve.best.mid > 0.7
    return [
        {
            "text": f"best {percent(curve.best.mid)}",
            "x": 100 * curve.best.mid,
            "y": 1 - 0.07 * row,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right" if left else "left",
            "xshift": -4 if left else 4,
            "showarrow": False,
            "font": {"color": f"@{token}", "size": 12},
        }
    ]


_NAMES = {"tokens": "training tokens", "params": "non-embedding parameters"}


def loss_figure(results: Results, along: Literal["tokens", "params"]) -> Figure | None:
    """One view per fixed size (or budget) and law; None where there is neither a curve nor a run to draw."""
    views = []
    for held, law in _panels(results, along):
        curves = [c for c in results.curves if (c.along, c.fixed, c.law) == (along, held, law)]
        runs = [r for r in results.runs if _fixed(r, along) == held]
        trained = any(_fixed(r, along) == held for r in results.runs)
        unit = "parameters" if along == "tokens" else "tokens"
        several = len({c.law for c in results.curves if (c.along, c.fixed) == (along, held)}) > 1
        text = f"{format_count(held)} {unit}"
        text += f", {law}" if several else "" if trained else " (not trained)"
        views.append(View(text, *_draw(results, along, curves, runs)))
    if not views:
        return None
    return Figure(
        id=f"loss-{along}",
        title=f"Loss against {'tokens' if along == 'tokens' else 'parameters'}",
        caption="Each mark is a trained model, each line the fitted law, each band the interval of its mean. Both axes "
        "are logarithmic. Click a name in the legend to hide it.",
        summary=f"Averaged held-out loss against {_NAMES[along]}, one line per recipe; the numbers are in the tables "
        "runs and curves.",
        views=views,
    )


def _fixed(run: RunRow, along: str) -> int:
    return run.params if along == "tokens" else run.tokens


def _along(run: RunRow, along: str) -> int:
    return run.tokens if along == "tokens" else run.params


def _panels(results: Results, along: str) -> list[tuple[int, str]]:
    """(fixed size, law) per view, the largest trained first; a size without curves has its runs alone."""
    found = {(c.fixed, c.law) for c in results.curves if c.along == along}
    with_curves = {held for held, _ in found}
    for held in {_fixed(r, along) for r in results.runs} - with_curves:
        if len({_along(r, along) for r in results.runs if _fixed(r, along) == held}) > 1:
            found.add((held, ""))
    trained = {_fixed(r, along) for r in results.runs}
    return sorted(found, key=lambda panel: (panel[0] not in trained, -panel[0], panel[1]))


def _draw(results: Results, along: str, curves: list[Curve], runs: list[RunRow]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    ends = []
    by_recipe = {c.recipe: c for c in curves}
    for name in dict.fromkeys([*(r.name for r in results.recipes), *(r.recipe for r in runs)]):
        token, points, curve = recipe_token(results, name), [r for r in runs if r.recipe == name], by_recipe.get(name)
        if curve is not None and curve.x:
            data.append(band(curve.x, curve.low, curve.high, token, name))
            more: Spec = {"legendgroup": name, "showlegend": not points, "dash": dash(results, name)}
            data.append(line(curve.x, curve.mean, token, name, "%{x:.3s}: %{y:.3f} nats, fitted", **more))
            ends.append((name, math.log10(curve.x[-1]), math.log10(curve.mean[-1]), token))
        if points:
            data.append(_marks(name, token, symbol(results, name), points, along))
    low, high = _range(data)
    x = axis(_NAMES[along], type="log", **_count_ticks(low[0], high[0]))
    y = axis("loss, nats per token", type="log", **_loss_ticks(low[1], high[1]))
    notes = direct_labels(ends, gap=0.06 * math.log10(high[1] / low[1]) if high[1] > low[1] else 0.01)
    shape = layout(x, y, annotations=notes)
    return data, shape


def _marks(name: str, token: str, shape: str, points: list[RunRow], along: str) -> Spec:
    points = sorted(points, key=lambda r: (_along(r, along), r.seed))
    return marks(
        [_along(r, along) for r in points],
        [r.loss for r in points],
        token,
        name,
        "%{x:.3s}: %{y:.3f} nats, seed %{customdata}",
        symbol=shape,
        size=8,
        customdata=[r.seed for r in points],
        legendgroup=name,
    )


def _range(data: list[Spec]) -> tuple[tuple[float, float], tuple[float, float]]:
    xs = [x for trace in data for x in trace["x"]]
    ys = [y for trace in data for y in trace["y"] if y > 0]
    return (min(xs), min(ys)), (max(xs), max(ys))


def _count_ticks(low: float, high: float) -> Spec:
    """1, 2 and 5 of each decade while they fit, else the decades alone, written as people write counts."""
    steps = (1, 2, 5) if high / low < 3000 else (1,)
    values = [m * 10**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in steps]
    values = [v for v in values if low * 0.8 <= v <= high * 1.25]
    return {"tickvals": values, "ticktext": [format_count(v) for v in values]}


def _loss_ticks(low: float, high: float) -> Spec:
    """Round tick values for a log axis that spans well under a decade, where Plotly's own are too sparse."""
    span = high - low
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if span / s <= 7), 10.0)
    first = math.ceil(low / step - 1e-9)
    values = [round(step * k, 4) for k in range(first, int(high / step + 1e-9) + 2) if k > 0]
    return {"tickvals": values, "ticktext": [f"{v:g}" for v in values]}


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
            marks(
                [value for _, value in found],
                [domains.index(domain) for domain, _ in found],
                recipe_token(results, name),
                name,
                "%{customdata}: %{x:.3f}",
                symbol=symbol(results, name),
                size=10,
                customdata=[label(domain) for domain, _ in found],
            )
        )
    y = _names([_domain(results, d) for d in domains], range=[len(domains) - 0.4, -0.6])
    return data, layout(axis(title), y)


def training_figure(results: Results) -> Figure | None:
    """A view per size and kind of loss: each recipe's longest run, held out first."""
    longest: dict[int, dict[str, RunRow]] = {}
    for run in sorted(results.runs, key=lambda run: (run.tokens, -run.seed)):
        if len(run.trace) > 1:
            longest.setdefault(run.params, {})[run.recipe] = run
    if not longest:
        return None
    views = []
    for params in sorted(longest, reverse=True):
        runs = longest[params]
        held = {name: [(at, fmean(each.values())) for at, each in run.heldout] for name, run in runs.items()}
        size = f"{format_count(params)} parameters"
        if any(held.values()):
            views.append(View(f"held out, {size}", *_along_runs(results, runs, held, "held-out loss")))
        trained = {name: run.trace for name, run in runs.items()}
        name = f"training, {size}" if any(held.values()) else size
        views.append(View(name, *_along_runs(results, runs, trained, "training loss")))
    return Figure(
        id="training",
        title="Training curves",
        caption="Of each recipe's longest run. Training loss is that of the batches: recipes are not comparable by it, "
        "each is scored on its own text. Held-out loss is the average over the domains, on a part of each that is the "
        "same for all runs of a size.",
        summary="Held-out and training loss against tokens, one line per recipe; the numbers are in the tables "
        "heldout_curves and training_curves.",
        views=views,
    )


def _along_runs(
    results: Results, runs: dict[str, RunRow], points: Mapping[str, Sequence[tuple[int, float]]], what: str
) -> tuple[list[Spec], Spec]:
    data = [
        line(
            [tokens for tokens, _ in points[name]],
            [loss for _, loss in points[name]],
            recipe_token(results, name),
            name,
            "%{x:.3s} tokens: %{y:.3f} nats",
            dash=dash(results, name),
        )
        for name in sorted(runs, key=lambda each: runs[each].share)
        if points[name]
    ]
    return data, layout(axis("training tokens", type="log"), axis(f"{what}, nats per token", tickformat=".3~f"))


def figures(results: Results) -> list[Figure]:
    """All figures that the results allow, in the order of the page."""
    found = [share_figure(results), loss_figure(results, "tokens"), loss_figure(results, "params")]
    found += [domain_figure(results), statistics_figure(results), training_figure(results)]
    found += [residual_figure(results), profile_figure(results), isoflop_figure(results)]
    found += [task_figure(results), task_share_figure(results)]
    return [figure for figure in found if figure is not None]
