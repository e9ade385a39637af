"""The figures as plain data in Plotly's JSON schema; colours are ``@tokens`` that the page resolves for its theme.

A figure has one or more views (one size, one cell), of which the page shows one at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from synthmix.interval import Interval
from synthmix.report.palette import recipe_token
from synthmix.results import Results

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
