"""Difference from real text alone against the share: curves, bands, what is as good, and what is recommended."""

from synthmix.advice.found import Advice, KindCurve
from synthmix.advice.words import recipe
from synthmix.report.figures import Figure, Spec, View, axis, band, label, layout

_STRIP = 0.05  # height of a kind's strip of alternatives, as a part of the figure


def share_figure(advice: Advice) -> list[Figure]:
    """Difference from real text alone against the share, each kind with its band and the shares that are as good."""
    curves = [curve for curve in advice.curves if curve.shares]
    if not curves:
        return []
    views = [View("all kinds", *_shares(advice, curves))] if len(curves) > 1 else []
    views += [View(curve.kind, *_shares(advice, [curve])) for curve in curves]
    caption = (
        "Below zero a mixture is better than real text alone. The line is the law's expectation, the band its "
        "interval, widened to what the other laws say; rings are shares that were trained, the star is the recommended "
        "recipe. The bar at the foot marks every share that is as good as the best within the noise, the line in it "
        "the interval of the best share."
    )
    summary = (
        "Expected difference of loss from real text alone, by synthetic share; the numbers are in the table below."
    )
    return [
        Figure("advice-share", "Loss against real text alone, at the question", caption, summary, views, height=460)
    ]


def _shares(advice: Advice, curves: list[KindCurve]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    shapes: list[Spec] = []
    for lane, curve in enumerate(curves):
        token = token_of(advice, curve.kind)
        x = [100 * share for share in curve.shares]
        data += [
            band(x, curve.low, curve.high, token, curve.kind),
            _line(curve, x, token),
            _rings(advice, curve, token),
        ]
        shapes += _strip(advice, curve, token, lane)
    data += _star(advice, {curve.kind for curve in curves})
    shapes.append(
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": "@ink", "width": 1}}
    )
    floor = _STRIP * len(curves) + 0.02
    y = axis("loss minus real text's, nats per token", tickformat="+.3~f", domain=[floor, 1])
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102], anchor="free", position=0)
    return data, layout(x_axis, y, shapes=shapes)


def _line(curve: KindCurve, x: list[float], token: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(curve.kind),
        "legendgroup": curve.kind,
        "x": x,
        "y": curve.mean,
        "line": {"color": f"@{token}", "width": 2},
        "hovertemplate": "%{x:.0f}%: %{y:+.3f} nats<extra>" + label(curve.kind) + "</extra>",
    }


def _rings(advice: Advice, curve: KindCurve, token: str) -> Spec:
    """Options at shares that were trained: expected, not measured."""
    mine = [o for o in advice.options if o.kind == curve.kind and o.share in curve.measured]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(f"{curve.kind}, trained shares"),
        "legendgroup": curve.kind,
        "showlegend": False,
        "x": [100 * option.share for option in mine],
        "y": [option.difference.mid for option in mine],
        "marker": {
            "color": f"@{token}",
            "size": 9,
            "symbol": "circle-open",
            "line": {"width": 2, "color": f"@{token}"},
        },
        "hovertemplate": "%{x:.3g}%: %{y:+.3f} nats, a trained share<extra>" + label(curve.kind) + "</extra>",
    }


def _star(advice: Advice, shown: set[str]) -> list[Spec]:
    chosen = advice.recommended
    if chosen is None or (chosen.kind is not None and chosen.kind not in shown):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "recommended",
            "x": [100 * chosen.share],
            "y": [chosen.difference.mid if chosen.kind else 0.0],
            "marker": {"color": "@accent", "size": 15, "symbol": "star", "line": {"width": 1, "color": "@panel"}},
            "hovertemplate": label(recipe(chosen)) + "<extra>recommended</extra>",
        }
    ]


def _strip(advice: Advice, curve: KindCurve, token: str, lane: int) -> list[Spec]:
    """A lane at the foot: shares that are as good, and the interval of the best share."""
    low, high = _STRIP * lane + 0.01, _STRIP * (lane + 1) - 0.01
    middle = (low + high) / 2
    place = {"xref": "x", "yref": "paper"}
    found: list[Spec] = [
        {"type": "rect", **place, "x0": 100 * r.low - 0.4, "x1": 100 * r.high + 0.4, "y0": low, "y1": high,
         "fillcolor": f"@{token}-band", "line": {"width": 0, "color": f"@{token}"}}
        for r in advice.alternatives if r.kind == curve.kind
    ]  # fmt: skip
    best = curve.best
    if best.mid is not None and best.low is not None and best.high is not None:
        line = {"color": f"@{token}", "width": 2}
        found.append(
            {
                "type": "line",
                **place,
                "x0": 100 * best.low,
                "x1": 100 * best.high,
                "y0": middle,
                "y1": middle,
                "line": line,
            }
        )
    if best.mid is not None:
        x = 100 * best.mid
        line = {"color": f"@{token}", "width": 4}
        found.append({"type": "line", **place, "x0": x, "x1": x, "y0": low, "y1": high, "line": line})
    return found


def token_of(advice: Advice, kind: str) -> str:
    return f"s{[each.name for each in advice.asked.kinds].index(kind) + 1}"
