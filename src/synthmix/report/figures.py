"""The figures as plain data in Plotly's JSON schema, and their colours: ``@tokens`` that a page resolves by its theme.

A figure has one or more views (one size, one cell), of which the page shows one at a time. One colour per recipe, the
same everywhere: a hue per synthetic source, its strength by the share. The hues are Okabe and Ito's (2008, "Color
Universal Design"), which stay apart under the common colour-vision deficiencies; the natural text has the colour of the
ink. Marker shapes repeat the distinction without colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from synthmix.interval import Interval
from synthmix.results import Recipe, Results

Spec = dict[str, Any]
_LONGEST_LABEL = 26


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


def axis(title: str, **more: Any) -> Spec:
    """An axis in the page's style; ``title`` is trusted text."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": "@grid",
        "linecolor": "@rule",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "@rule",
        "ticklen": 4,
        "automargin": True,
        "ticklabeloverflow": "allow",
        **more,
    }


def layout(x: Spec, y: Spec, **more: Any) -> Spec:
    """A layout without frame, title or background: the page gives those."""
    return {
        "xaxis": x,
        "yaxis": y,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "@ink", "size": 13, "family": "system-ui, -apple-system, 'Segoe UI', sans-serif"},
        "margin": {"l": 64, "r": 24, "t": 12, "b": 96},
        "hoverlabel": {"bgcolor": "@panel", "bordercolor": "@rule", "font": {"color": "@ink"}},
        "legend": {"orientation": "h", "x": 0, "yref": "container", "y": 0, "yanchor": "bottom", "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "@muted", "activecolor": "@ink"},
        "showlegend": True,
        **more,
    }


def label(name: str, longest: int = _LONGEST_LABEL) -> str:
    """A user's name as Plotly text: markup escaped (Plotly reads a subset of HTML), long names shortened."""
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return escape(short).replace("$", "&#36;").replace("%{", "%&#123;")


def band(x: list[float], low: list[float], high: list[float], token: str, group: str) -> Spec:
    """A filled interval, drawn as one closed path so that it needs no hidden partner trace."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*x, *reversed(x)],
        "y": [*high, *reversed(low)],
        "fill": "toself",
        "fillcolor": f"@{token}-band",
        "line": {"width": 0, "color": f"@{token}"},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": group,
    }


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


def recipe_colour(results: Results, name: str) -> str:
    """``@r<i>`` of a recipe."""
    return "@" + recipe_token(results, name)


def error_bars(found: Sequence[Interval], colour: str) -> Spec:
    """Plotly's ``error_x`` for intervals whose estimates stand along x; an end that is not known has no bar."""

    def reach(end: float | None, mid: float | None) -> float:
        return 0.0 if end is None or mid is None else abs(end - mid)

    return {
        "type": "data",
        "symmetric": False,
        "array": [reach(one.high, one.mid) for one in found],
        "arrayminus": [reach(one.low, one.mid) for one in found],
        "color": colour,
        "thickness": 1.2,
        "width": 0,
    }


THEMES = ("light", "dark")
_BASE = {
    "light": {
        "paper": "#fcfcfb",
        "panel": "#ffffff",
        "ink": "#17191c",
        "muted": "#5c636b",
        "rule": "#d9dce0",
        "grid": "#e8eaec",
        "accent": "#0b5c94",
        "flag": "#a34700",
    },
    "dark": {
        "paper": "#121417",
        "panel": "#191c20",
        "ink": "#e7e9ec",
        "muted": "#9aa2ab",
        "rule": "#33383f",
        "grid": "#272b31",
        "accent": "#7cc0f2",
        "flag": "#f0a35e",
    },
}
_HUES = {  # blue, vermilion, bluish green, reddish purple, orange, sky blue
    "light": ["#0067ab", "#c04a00", "#00805d", "#a84f86", "#936400", "#1d7a94"],
    "dark": ["#58b1f0", "#ff8a4c", "#2fc79b", "#e294c2", "#f0b83d", "#8fd0f2"],
}
_SCALES = {
    "light": {"diverging": ["#0067ab", "#f4f4f2", "#c94f00"], "sequential": ["#f2f5f8", "#1d4c74"]},
    "dark": {"diverging": ["#2a76ad", "#22262b", "#b95a22"], "sequential": ["#1c2126", "#356f9e"]},
}
_SYMBOLS = ("diamond", "square", "triangle-up", "triangle-down", "cross", "star")
_FAINTEST = 0.65  # strength at share 0+: a third of any source keeps a contrast of 3 to 1 with the page


def sources(results: Results) -> list[str]:
    """Synthetic sources in the order of the recipes; several together count as one more."""
    return list(dict.fromkeys(_source(recipe) for recipe in results.recipes if recipe.share > 0))


def colours(results: Results, theme: str) -> dict[str, str]:
    """Colour by token: the page's own, ``r<i>`` and ``r<i>-band`` per recipe, ``s<i>`` and ``s<i>-band`` per source."""
    base, found = _BASE[theme], dict(_BASE[theme])
    order = sources(results)
    for i, recipe in enumerate(results.recipes):
        if recipe.share == 0:
            found[f"r{i}"] = base["ink"]
        else:
            strength = _FAINTEST + (1 - _FAINTEST) * recipe.share
            found[f"r{i}"] = _blend(_hue(order.index(_source(recipe)), theme), base["panel"], strength)
        found[f"r{i}-band"] = _faint(found[f"r{i}"])
    for i in range(len(order)):
        found[f"s{i}"] = _hue(i, theme)
        found[f"s{i}-band"] = _faint(found[f"s{i}"])
    return found


def series(count: int, theme: str) -> dict[str, str]:
    """The page's own colours, and ``s<i>``, ``s<i>-band`` for ``count`` series that are no recipes; ``s0`` is ink."""
    found = dict(_BASE[theme])
    for i in range(count):
        found[f"s{i}"] = _BASE[theme]["ink"] if i == 0 else _hue(i - 1, theme)
        found[f"s{i}-band"] = _faint(found[f"s{i}"])
    return found


def scales(theme: str) -> dict[str, list[tuple[float, str]]]:
    """Colour scales of the heat maps, as Plotly takes them."""
    return {name: [(i / (len(c) - 1), colour) for i, colour in enumerate(c)] for name, c in _SCALES[theme].items()}


def recipe_token(results: Results, name: str) -> str:
    """``r<i>`` of a recipe; ``muted`` for a name that the study does not list."""
    return next((f"r{i}" for i, recipe in enumerate(results.recipes) if recipe.name == name), "muted")


def source_token(results: Results, name: str | None) -> str:
    """``s<i>`` of a synthetic source; ``muted`` for one that no recipe uses."""
    order = sources(results)
    return f"s{order.index(name)}" if name in order else "muted"


def symbol(results: Results, name: str) -> str:
    """Marker of a recipe: a circle for the natural text, then one shape per share."""
    shares = sorted({recipe.share for recipe in results.recipes if recipe.share > 0})
    share = next((recipe.share for recipe in results.recipes if recipe.name == name), 0.0)
    return "circle" if share == 0 else _SYMBOLS[shares.index(share) % len(_SYMBOLS)]


def _source(recipe: Recipe) -> str:
    return recipe.synthetic or "several together"


def _hue(index: int, theme: str) -> str:
    return _HUES[theme][index % len(_HUES[theme])]


def _blend(over: str, under: str, strength: float) -> str:
    pairs = zip(_rgb(over), _rgb(under), strict=True)
    return "#" + "".join(f"{round(strength * a + (1 - strength) * b):02x}" for a, b in pairs)


def _faint(colour: str) -> str:
    red, green, blue = _rgb(colour)
    return f"rgba({red},{green},{blue},0.13)"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
