"""Figures of the laws: residuals, profile likelihoods, IsoFLOP curves, and tasks."""

import math

from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, View, dash, recipe_token, source_dash, source_symbol, source_token, symbol
from synthmix.results import IsoFlop, ProfileCurve, Results, TaskFound, TaskShare
from synthmix.style import Spec, axis, band, label, layout, line, marks

_GREEK = {"alpha": "\u03b1", "beta": "\u03b2"}
_NEAR = 0.1  # of a budget, in logs: a run that is drawn with it


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
                marks(
                    [getattr(point, along) for point in mine],
                    [100 * point.residual for point in mine],
                    recipe_token(results, recipe),
                    recipe,
                    "%{x:.3s}: %{y:+.2f} %",
                    symbol=symbol(results, recipe),
                    size=8,
                )
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
                _GREEK.get(name, name),
                [_profile(results, curve) for curve in mine],
                layout(axis(_GREEK.get(name, label(name))), y, shapes=[_level(1.0, "dot")]),
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
    most = max((6.0 * run.params * run.tokens for run in results.runs), default=0.0)
    budgets = {curve.flops for curve in results.isoflops}
    for flops in sorted(budgets, key=lambda each: (each > most * (1 + _NEAR), -each)):  # those trained first
        mine = [curve for curve in results.isoflops if curve.flops == flops]
        data = [trace for curve in mine for trace in _isoflop(results, curve)]
        x = axis("non-embedding parameters", type="log", dtick=1, exponentformat="SI")
        seen = [loss for curve in mine for loss in curve.loss] + [run.loss for run in results.runs]
        y = axis("loss, nats per token", range=[0.97 * min(seen), 1.03 * max(run.loss for run in results.runs)])
        exponent = math.floor(math.log10(flops))
        name = f"{flops / 10**exponent:.1f}e{exponent} FLOPs" + (" (not trained)" if flops > most * (1 + _NEAR) else "")
        views.append(View(name, data, layout(x, y)))
    if not views:
        return None
    return Figure(
        id="isoflop",
        title="The best size for a FLOP budget",
        caption="Each recipe's own law along one budget of 6 N D FLOPs; the star is its best size, other marks are "
        "models trained at that budget. Far from the trained sizes the curves are extrapolation.",
        summary="Loss along FLOP budgets; the best sizes with their intervals are in the table isoflops.",
        views=views,
        height=360,
    )


def _level(height: float, dash: str) -> Spec:
    line = {"color": "@muted", "width": 1, "dash": dash}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height, "line": line}


def _profile(results: Results, curve: ProfileCurve) -> Spec:
    excess = [each / curve.threshold for each in curve.excess]
    token, dashed = recipe_token(results, curve.recipe), dash(results, curve.recipe)
    return line(curve.values, excess, token, curve.recipe, "%{x:.3g}", dash=dashed)


def _isoflop(results: Results, curve: IsoFlop) -> list[Spec]:
    token, name = recipe_token(results, curve.recipe), curve.recipe
    dashed = dash(results, name)
    found = [line(curve.params, curve.loss, token, name, "%{x:.3s}: %{y:.3f}", dash=dashed, legendgroup=name)]
    more: Spec = {"legendgroup": name, "showlegend": False}
    near = [
        run for run in results.runs
        if run.recipe == name and abs(math.log(6.0 * run.params * run.tokens / curve.flops)) < _NEAR
    ]  # fmt: skip
    if near:
        at = [run.params for run in near], [run.loss for run in near]
        found.append(marks(*at, token, name, "%{x:.3s}: %{y:.3f}, trained", symbol=symbol(results, name), **more))
    if curve.best_params.mid is not None and curve.best_loss.mid is not None:
        hover = f"best N {format_count(curve.best_params.mid)}"
        best = [curve.best_params.mid], [curve.best_loss.mid]
        found.append(marks(*best, token, name, hover, symbol="star-open", size=13, **more))
    return found


def task_figure(results: Results) -> Figure | None:
    """One view a task: its score against the averaged held-out loss, a mark a trained model."""
    views = [View(task.task, *_law(results, task)) for task in results.tasks]
    if not views:
        return None
    return Figure(
        id="tasks",
        title="Task score against loss",
        caption="Marks are trained models. The line is the fitted sigmoid for the natural text and the band its "
        "interval; the dotted line is what guessing scores. A recipe whose marks lie off the line scores more or less "
        "than its loss says.",
        summary="Scores of every run against its averaged held-out loss; the numbers are in the tables task_scores and "
        "task_laws.",
        views=views,
        height=520,
    )


def task_share_figure(results: Results) -> Figure | None:
    """One view a task and cell: score against the share, with the best share by score and that by loss upright."""
    views = []
    for task in results.tasks:
        places = {(s.is_question, s.params, s.tokens) for s in task.shares}
        for asked, params, tokens in sorted(places, key=lambda at: (at[0], -at[1] * at[2], -at[1])):  # measured first
            mine = [s for s in task.shares if (s.is_question, s.params, s.tokens) == (asked, params, tokens)]
            where = f"{format_count(params)} on {format_count(tokens)}"
            name = f"{task.task}, {'question: ' if asked else ''}{where} tokens"
            views.append(View(name, *_shares(results, task, mine)))
    if not views:
        return None
    return Figure(
        id="task-share",
        title="Task score against the synthetic share",
        caption="Marks are trained models, the line is the expected score and the band its interval. Upright lines "
        "are best shares: whole by this score, dashed by the averaged loss.",
        summary="Score of one task against the share of synthetic text beside the best shares by score and by loss; "
        "the numbers are in the table task_shares.",
        views=views,
    )


def _law(results: Results, task: TaskFound) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    if task.loss:
        data.append(band(task.loss, task.low, task.high, recipe_token(results, results.recipes[0].name), "law"))
        data.append(line(task.loss, task.mean, "muted", "law, natural text", "%{x:.3f} nats: %{y:.1%}, fitted"))
    for recipe in results.recipes:
        runs = [run for run in results.runs if run.recipe == recipe.name and task.task in run.tasks]
        if runs:
            data.append(
                marks(
                    [run.loss for run in runs],
                    [run.tasks[task.task] for run in runs],
                    recipe_token(results, recipe.name),
                    recipe.name,
                    "%{x:.3f} nats: %{y:.1%}<br>%{customdata[0]} on %{customdata[1]} tokens, seed %{customdata[2]}",
                    symbol=symbol(results, recipe.name),
                    customdata=[[format_count(r.params), format_count(r.tokens), r.seed] for r in runs],
                )
            )
    chance = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": task.chance,
        "y1": task.chance,
        "line": {"color": "@muted", "width": 1, "dash": "dot"},
    }
    x = axis("loss, nats per token (less is better, to the right)", autorange="reversed", tickformat=".3~f")
    return data, layout(x, axis(label(task.metric), tickformat=".0~%"), shapes=[chance])


def _shares(results: Results, task: TaskFound, mine: list[TaskShare]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    shapes: list[Spec] = []
    for share in sorted(mine, key=lambda each: each.synthetic):
        token, name = source_token(results, share.synthetic), share.synthetic
        x = [100 * each for each in share.shares]
        data.append(band(x, share.low, share.high, token, share.synthetic))
        dashed, shape = source_dash(results, name), source_symbol(results, name)
        more: Spec = {"legendgroup": name, "showlegend": not share.measured}
        data.append(line(x, share.mean, token, name, "%{x:.0f}%: %{y:.1%}", dash=dashed, **more))
        if share.measured:
            points = ([100 * p.share for p in share.measured], [p.score for p in share.measured])
            data.append(marks(*points, token, name, "%{x:.0f}%: %{y:.1%}", symbol=shape, legendgroup=name))
        for best, upright in ((share.by_score, "solid"), (share.by_loss, "dash")):
            if best.mid is not None:
                at = {"x0": 100 * best.mid, "x1": 100 * best.mid, "y0": 0, "y1": 1, "yref": "paper"}
                shapes.append({"type": "line", **at, "line": {"color": f"@{token}", "width": 1.5, "dash": upright}})
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102])
    return data, layout(x_axis, axis(f"{label(task.task)}, {label(task.metric)}", tickformat=".1~%"), shapes=shapes)


def disagreements(results: Results) -> list[str]:
    """Sentences on the best share, task by task, at the largest cell and at the question."""
    found = []
    for task in results.tasks:
        if task.at_chance and task.shares:
            found.append(
                f"{task.task}: no run scores above guessing by more than the luck of {task.items:,} questions, so this "
                "task is no evidence about the best share."
            )
            continue
        for share in _told(task):
            where = f"{format_count(share.params)} parameters on {format_count(share.tokens)} tokens"
            by = f"{percent(share.by_loss.mid)} {share.synthetic} by loss, {percent(share.by_score.mid)} by score"
            told = {"agree": "loss and score agree", "disagree": "loss and score disagree"}.get(
                share.verdict, "whether loss and score agree is not determined"
            )
            expected = "expected at" if share.is_question else "measured at"
            found.append(f"{task.task}, {expected} {where}: best {by}; {told} ({share.reason}).")
    return found


def _told(task: TaskFound) -> list[TaskShare]:
    """Of each source the question's best share and that of its largest measured cell."""
    chosen: dict[tuple[str, bool], TaskShare] = {}
    for share in sorted(task.shares, key=lambda s: (s.params * s.tokens, s.params)):
        chosen[share.synthetic, share.is_question] = share
    return [chosen[key] for key in sorted(chosen)]
