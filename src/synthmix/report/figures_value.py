"""The figures of ``synthmix value``: scores with intervals, their terms, and mixtures over their shares."""

from collections.abc import Mapping
from typing import Any

from synthmix.report.figures import Figure, Spec, View, axis, band, label, layout


def score_figure(scores: list[dict[str, Any]]) -> Figure:
    """A point with its interval a dataset, best on top."""
    rows = scores[::-1]
    bounds = [row["interval"] or [row["score"], row["score"]] for row in rows]
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": [row["score"] for row in rows],
        "y": list(range(len(rows))),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - row["score"] for row, (_, high) in zip(rows, bounds, strict=True)],
            "arrayminus": [row["score"] - low for row, (low, _) in zip(rows, bounds, strict=True)],
            "color": "@s1",
            "thickness": 2,
        },
        "marker": {"color": "@s1", "size": 9},
        "hovertemplate": "%{x:.4f}<extra></extra>",
        "showlegend": False,
    }
    names = axis("", tickvals=list(range(len(rows))), ticktext=[label(row["name"], 32) for row in rows], showgrid=False)
    return Figure(
        id="scores",
        title="Score of each dataset",
        caption="Points are scores, bars their intervals; intervals of two datasets share the reference's noise, so a "
        "difference is surer than the bars suggest.",
        summary="One point with an interval for each dataset, the best on top.",
        views=[View("all", [data], layout(axis("score (higher is better)"), names, showlegend=False))],
        height=max(220, 90 + 34 * len(rows)),
    )


def term_figure(scores: list[dict[str, Any]]) -> Figure:
    """Bars by dataset, a view a term."""
    rows = scores[::-1]
    views = []
    for i, term in enumerate(scores[0]["terms"], start=1):
        bar = {
            "type": "bar",
            "orientation": "h",
            "x": [row["terms"][term] for row in rows],
            "y": list(range(len(rows))),
            "marker": {"color": f"@s{i}"},
            "hovertemplate": "%{x:.5f}<extra></extra>",
        }
        names = axis(
            "", tickvals=list(range(len(rows))), ticktext=[label(row["name"], 32) for row in rows], showgrid=False
        )
        views.append(View(term, [bar], layout(axis(f"{term} (lower is better)"), names, showlegend=False)))
    return Figure(
        id="terms",
        title="Each term",
        caption="The order of datasets is that of the scores: a term whose bars do not grow downwards disagrees.",
        summary="Bars of each term by dataset.",
        views=views,
        height=max(220, 90 + 34 * len(rows)),
    )


def mixture_figure(curve: Mapping[str, Any]) -> Figure:
    """Score over the share of the second pool, with its interval."""
    second = curve["pools"][1]
    rows = sorted(curve["curve"], key=lambda row: row["shares"][second])
    x = [100 * row["shares"][second] for row in rows]
    low, high = ([row["interval"][i] for row in rows] for i in (0, 1))
    line: Spec = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": [row["score"] for row in rows],
        "line": {"color": "@s1", "width": 2},
        "marker": {"size": 5},
        "hovertemplate": "%{x:.0f} %: %{y:.4f}<extra></extra>",
        "showlegend": False,
    }
    return Figure(
        id="mixture",
        title="Score over the share",
        caption=f"Mixtures of {curve['size']:,.0f} {curve['unit']}. The band is the interval of each point.",
        summary="A line with a band over the share of the second dataset.",
        views=[
            View(
                "score",
                [band(x, low, high, "s1", "score"), line],
                layout(axis(f"share of {label(second, 40)}, %"), axis("score (higher is better)"), showlegend=False),
            )
        ],
    )


def surface_figure(curve: Mapping[str, Any]) -> Figure:
    """Score over the shares of the first two pools of three or more, the best of the others at each point."""
    first, second = curve["pools"][:2]
    top: dict[tuple[float, float], float] = {}
    for row in curve["curve"]:
        key = (row["shares"][first], row["shares"][second])
        top[key] = max(top.get(key, float("-inf")), row["score"])
    data: Spec = {
        "type": "scatter",
        "mode": "markers",
        "x": [100 * a for a, _ in top],
        "y": [100 * b for _, b in top],
        "marker": {
            "size": 18,
            "symbol": "square",
            "color": list(top.values()),
            "colorscale": "Viridis",
            "showscale": True,
        },
        "customdata": list(top.values()),
        "hovertemplate": "%{x:.0f} %, %{y:.0f} %: %{customdata:.4f}<extra></extra>",
        "showlegend": False,
    }
    x, y = axis(f"share of {label(first, 40)}, %"), axis(f"share of {label(second, 40)}, %")
    rest = "the rest is " + " and ".join(curve["pools"][2:])
    return Figure(
        id="mixture",
        title="Score over the shares",
        caption=f"Mixtures of {curve['size']:,.0f} {curve['unit']}; {rest}.",
        summary="A square for each pair of shares, coloured by the score.",
        views=[View("score", [data], layout(x, y, showlegend=False))],
    )
