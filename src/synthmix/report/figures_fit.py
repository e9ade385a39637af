"""Can the fits be trusted: residuals, profile likelihoods, and loss along FLOP budgets."""

import math
from html import escape

from synthmix.quantities import format_count
from synthmix.report.figures import Figure, Spec, View, axis, label, layout
from synthmix.report.palette import recipe_token, symbol
from synthmix.results import IsoFlop, ProfileCurve, Results

_GREEK = {"alpha": "\u03b1", "beta": "\u03b2"}


def residual_figure(results: Results) -> Figure | None:
    """Log residuals against tokens and against parameters; the dotted lines are twice the seed noise."""
    if not results.residuals:
        return None
    views = []
    for along, name in (("tokens", "training tokens"), ("params", "non-embedding parameters")):
        data: list[Spec] = []
        for recipe in dict.fromkeys(point.recipe for point in results.residuals):
            mine = [point for point in results.residuals if point.recipe == recipe]
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label(recipe),
                    "x": [getattr(point, along) for point in mine],
                    "y": [100 * point.residual for point in mine],
                    "marker": {
                        "color": "@" + recipe_token(results, recipe),
                        "symbol": symbol(results, recipe),
                        "size": 8,
                    },
                    "hovertemplate": "%{x:.3s}: %{y:+.2f} %<extra>" + label(recipe) + "</extra>",
                }
            )
        mean = sum(run.loss for run in results.runs) / len(results.runs)
        noise = [] if results.noise.sd is None else [200 * results.noise.sd / mean, -200 * results.noise.sd / mean]
        lines = [_level(0.0, "solid"), *(_level(height, "dot") for height in noise)]
        sizes = sorted({getattr(point, along) for point in results.residuals})
        x = axis(name, type="log", tickvals=sizes, ticktext=[format_count(size) for size in sizes])
        views.append(View(f"against {name}", data, layout(x, axis("residual, % of the loss"), shapes=lines)))
    return Figure(
        id="residuals",
        title="What the laws leave unexplained",
        caption="Measured over predicted loss of every run, under the law that answers for its recipe. The dotted "
        "lines are twice the seed noise. A pattern is a law that does not fit.",
        summary="Residuals of all runs; the numbers are in the table residuals.",
        views=views,
        height=340,
    )


def profile_figure(results: Results) -> Figure | None:
    """Profile likelihoods, one view per parameter, one line per recipe."""
    views = []
    for name in dict.fromkeys(curve.parameter for curve in results.profiles):
        mine = [curve for curve in results.profiles if curve.parameter == name and curve.values]
        if not mine:
            continue
        y = axis("excess / threshold", range=[0, 3])
        views.append(
            View(
                _GREEK.get(name, escape(name)),
                [_profile(results, curve) for curve in mine],
                layout(axis(_GREEK.get(name, escape(name))), y, shapes=[_level(1.0, "dot")]),
            )
        )
    if not views:
        return None
    level = results.profiles[0].interval.level
    return Figure(
        id="profiles",
        title="How well the parameters are known",
        caption=f"Profile likelihood of each recipe's own law: below the dotted line lies the {level:.0%} interval. "
        "A line that stays below it is a parameter that the runs do not determine.",
        summary="Profile likelihoods of E and the exponents; the intervals are in the table profiles.",
        views=views,
        height=340,
    )


def isoflop_figure(results: Results) -> Figure | None:
    """Loss against size along each FLOP budget, one line per recipe, its best size marked."""
    views = []
    for flops in sorted({curve.flops for curve in results.isoflops}, reverse=True):
        mine = [curve for curve in results.isoflops if curve.flops == flops]
        data = [trace for curve in mine for trace in _isoflop(results, curve)]
        x = axis("non-embedding parameters", type="log", dtick=1, exponentformat="SI")
        seen = [loss for curve in mine for loss in curve.loss] + [run.loss for run in results.runs]
        y = axis("loss, nats per token", range=[0.97 * min(seen), 1.03 * max(run.loss for run in results.runs)])
        exponent = math.floor(math.log10(flops))
        name = f"{flops / 10**exponent:.1f}e{exponent} FLOPs"
        views.append(View(name, data, layout(x, y)))
    if not views:
        return None
    return Figure(
        id="isoflop",
        title="The best size for a FLOP budget",
        caption="Each recipe's own law along one budget of 6 N D FLOPs; the mark is its best size. Far from the "
        "trained sizes the curves are extrapolation.",
        summary="Loss along FLOP budgets; the best sizes with their intervals are in the table isoflops.",
        views=views,
        height=360,
    )


def _level(height: float, dash: str) -> Spec:
    line = {"color": "@muted", "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height, "line": line}


def _profile(results: Results, curve: ProfileCurve) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(curve.recipe),
        "x": curve.values,
        "y": [excess / curve.threshold for excess in curve.excess],
        "line": {"color": "@" + recipe_token(results, curve.recipe), "width": 2},
        "hovertemplate": "%{x:.3g}<extra>" + label(curve.recipe) + "</extra>",
    }


def _isoflop(results: Results, curve: IsoFlop) -> list[Spec]:
    token = "@" + recipe_token(results, curve.recipe)
    line: Spec = {
        "type": "scatter",
        "mode": "lines",
        "name": label(curve.recipe),
        "legendgroup": curve.recipe,
        "x": curve.params,
        "y": curve.loss,
        "line": {"color": token, "width": 2},
        "hovertemplate": "%{x:.3s}: %{y:.3f}<extra>" + label(curve.recipe) + "</extra>",
    }
    if curve.best_params.mid is None or curve.best_loss.mid is None:
        return [line]
    best: Spec = {
        "type": "scatter",
        "mode": "markers",
        "legendgroup": curve.recipe,
        "showlegend": False,
        "x": [curve.best_params.mid],
        "y": [curve.best_loss.mid],
        "marker": {"color": token, "size": 9, "symbol": "diamond"},
        "hovertemplate": f"best N {format_count(curve.best_params.mid)}<extra>{label(curve.recipe)}</extra>",
    }
    return [line, best]
