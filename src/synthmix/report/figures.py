"""A figure of the pages: one or more views (one size, one cell), of which the page shows one at a time.

One colour per recipe, the same everywhere: a hue per synthetic source, its tone by the share (``@r<i>``). Markers and
dashes repeat the distinction without colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthmix.interval import Interval
from synthmix.results import Recipe, Results
from synthmix.style import Spec, base, faint, hue, label, layout, marks, tones


@dataclass(frozen=True)
class View:
    """One state of a figure: Plotly traces and layout."""

    label: str
    data: list[Spec]
    layout: Spec


@dataclass(frozen=True)
class Figure:
    """``summary`` says in words what is drawn, for those who cannot see it. ``height`` in CSS pixels."""

    id: str
    title: str
    caption: str
    summary: str
    views: list[View]
    height: int = 420
    min_width: int = 0  # scrolls sideways on a screen narrower than this


def direct_labels(ends: list[tuple[str, float, float, str]], gap: float) -> list[Spec]:
    """Names beside the ends of their lines, pushed apart vertically by at least ``gap`` (in the axis' own units).

    ``ends``: (name, x, y, colour token), in the units Plotly uses for annotations (log10 on log axes).
    """
    notes = []
    ends = sorted(ends, key=lambda end: end[2])
    heights = _apart([y for _, _, y, _ in ends], gap)
    for (name, x, _, token), y in zip(ends, heights, strict=True):
        notes.append(
            {
                "name": "direct",
                "text": label(name),
                "x": x,
                "y": y,
                "xanchor": "left",
                "yanchor": "middle",
                "xshift": 6,
                "showarrow": False,
                "font": {"color": f"@{token}", "size": 12},
            }
        )
    return notes


def _apart(heights: list[float], gap: float) -> list[float]:
    """The heights nearest to ``heights`` (sorted) in least squares that are ``gap`` apart: pool adjacent violators."""
    pools: list[list[float]] = []
    for i, height in enumerate(heights):
        pools.append([height - i * gap])
        while len(pools) > 1 and sum(pools[-2]) / len(pools[-2]) > sum(pools[-1]) / len(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    level = [sum(pool) / len(pool) for pool in pools for _ in pool]
    return [height + i * gap for i, height in enumerate(level)]


def dots(
    found: Sequence[Interval], y: Sequence[float | str], token: str, name: str, hover: str = "", **more: Any
) -> Spec:
    """Estimates along x with their intervals, at ``y``; an end that is not known has no bar."""

    def reach(end: float | None, mid: float | None) -> float:
        return 0.0 if end is None or mid is None else abs(end - mid)

    bars = {
        "type": "data",
        "symmetric": False,
        "array": [reach(one.high, one.mid) for one in found],
        "arrayminus": [reach(one.low, one.mid) for one in found],
        "color": f"@{token}",
        "thickness": 1.2,
        "width": 0,
    }
    return marks([one.mid for one in found], y, token, name, hover, error_x=bars, **more)


def ternary(name: str, at: Sequence[Sequence[float]], marker: Spec, hover: str) -> Spec:
    """Points in a triangle of three sources, by the percentages ``at`` of each."""
    a, b, c = (list(column) for column in at)
    return {
        "type": "scatterternary", "mode": "markers", "name": name, "showlegend": False, "a": a, "b": b, "c": c,
        "marker": marker, "hovertemplate": f"{hover}<extra>{name}</extra>",
    }  # fmt: skip


def triangle(corners: Sequence[str]) -> Spec:
    """The layout that :func:`ternary` is drawn in; each corner is one source alone."""
    shape = layout({}, {})
    del shape["xaxis"], shape["yaxis"]
    shape["margin"] = {**shape["margin"], "t": 48}
    axes = zip(("aaxis", "baxis", "caxis"), corners, strict=True)
    shape["ternary"] = {
        "sum": 100, "bgcolor": "rgba(0,0,0,0)",
        **{key: {"title": {"text": label(name)}, "gridcolor": "@grid", "ticksuffix": "%"} for key, name in axes},
    }  # fmt: skip
    return shape


SHAPES = ("diamond", "square", "triangle-up", "cross", "triangle-down", "star")
_SYMBOLS = tuple(shape + fill for fill in ("", "-open", "-open-dot") for shape in SHAPES)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def sources(results: Results) -> list[str]:
    """Synthetic sources in the order of the recipes; several together count as one more."""
    return list(dict.fromkeys(_source(recipe) for recipe in results.recipes if recipe.share > 0))


def colours(results: Results, theme: str) -> dict[str, str]:
    """Colour by token: the page's own, ``r<i>`` and ``r<i>-band`` per recipe, ``s<i>`` and ``s<i>-band`` per source."""
    found = base(theme)
    order = sources(results)
    toned = {name: tones(i, theme, len(shares)) for i, name in enumerate(order) if (shares := _shares(results, name))}
    for i, recipe in enumerate(results.recipes):
        found[f"r{i}"] = found["ink"]
        if recipe.share > 0:
            name = _source(recipe)
            found[f"r{i}"] = toned[name][_shares(results, name).index(recipe.share)]
        found[f"r{i}-band"] = faint(found[f"r{i}"])
    for i in range(len(order)):
        found[f"s{i}"] = hue(i, theme)
        found[f"s{i}-band"] = faint(found[f"s{i}"])
    return found


def recipe_token(results: Results, name: str) -> str:
    """``r<i>`` of a recipe; ``muted`` for a name that the study does not list."""
    return next((f"r{i}" for i, recipe in enumerate(results.recipes) if recipe.name == name), "muted")


def source_token(results: Results, name: str | None) -> str:
    """``s<i>`` of a synthetic source; ``muted`` for one that no recipe uses."""
    order = sources(results)
    return f"s{order.index(name)}" if name in order else "muted"


def source_symbol(results: Results, name: str) -> str:
    """Marker of a synthetic source where its shares lie along an axis."""
    order = sources(results)
    return _SYMBOLS[order.index(name) % len(_SYMBOLS)] if name in order else "circle"


def source_dash(results: Results, name: str) -> str:
    """Dash of a synthetic source's line where its shares lie along an axis."""
    order = sources(results)
    return DASHES[order.index(name) % len(DASHES)] if name in order else DASHES[0]


def symbol(results: Results, name: str) -> str:
    """Marker of a recipe: a circle for the natural text, then one each; the nineteenth mixture has the first's."""
    place = _place(results, name)
    return "circle" if place is None else _SYMBOLS[place % len(_SYMBOLS)]


def dash(results: Results, name: str) -> str:
    """Dash of a recipe's line: a full line for the natural text, then one of the others, again after the last."""
    place = _place(results, name)
    return DASHES[0] if place is None else DASHES[1 + place % (len(DASHES) - 1)]


def _place(results: Results, name: str) -> int | None:
    """Place among the mixtures; None: natural text alone, or not listed."""
    return next((i for i, r in enumerate(r for r in results.recipes if r.share > 0) if r.name == name), None)


def _shares(results: Results, source: str) -> list[float]:
    """The shares of a source, sorted."""
    return sorted({recipe.share for recipe in results.recipes if recipe.share > 0 and _source(recipe) == source})


def _source(recipe: Recipe) -> str:
    return recipe.synthetic or "several together"
