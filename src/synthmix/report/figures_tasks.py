"""Tasks beyond loss: score against loss with the fitted sigmoid, and score against the synthetic share."""

from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, Spec, View, axis, band, label, layout, recipe_colour
from synthmix.report.palette import recipe_token, source_token, symbol
from synthmix.results import Results, TaskFound, TaskShare


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
        for asked, params, tokens in sorted({(s.is_question, s.params, s.tokens) for s in task.shares}, reverse=True):
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
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "law, natural text",
                "x": task.loss,
                "y": task.mean,
                "line": {"color": "@muted", "width": 2},
                "hovertemplate": "%{x:.3f} nats: %{y:.1%}, fitted<extra></extra>",
            }
        )
    for recipe in results.recipes:
        runs = [run for run in results.runs if run.recipe == recipe.name and task.task in run.tasks]
        if runs:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": label(recipe.name),
                    "x": [run.loss for run in runs],
                    "y": [run.tasks[task.task] for run in runs],
                    "customdata": [[format_count(r.params), format_count(r.tokens), r.seed] for r in runs],
                    "marker": {
                        "color": recipe_colour(results, recipe.name),
                        "symbol": symbol(results, recipe.name),
                        "size": 9,
                        "line": {"color": "@panel", "width": 1},
                    },
                    "hovertemplate": "%{x:.3f} nats: %{y:.1%}<br>%{customdata[0]} on %{customdata[1]} tokens, seed "
                    "%{customdata[2]}<extra>" + label(recipe.name) + "</extra>",
                }
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
        token, name = source_token(results, share.synthetic), label(share.synthetic)
        x = [100 * each for each in share.shares]
        data.append(band(x, share.low, share.high, token, share.synthetic))
        line = {"color": f"@{token}", "width": 2}
        hover = "%{x:.0f}%: %{y:.1%}<extra>" + name + "</extra>"
        base: Spec = {"type": "scatter", "name": name, "legendgroup": share.synthetic, "hovertemplate": hover}
        data.append({**base, "mode": "lines", "x": x, "y": share.mean, "line": line})
        if share.measured:
            marks = {"color": f"@{token}", "size": 9, "line": {"color": "@panel", "width": 1}}
            points = {"x": [100 * p.share for p in share.measured], "y": [p.score for p in share.measured]}
            data.append({**base, **points, "mode": "markers", "marker": marks, "showlegend": False})
        for best, dash in ((share.by_score, "solid"), (share.by_loss, "dash")):
            if best.mid is not None:
                at = {"x0": 100 * best.mid, "x1": 100 * best.mid, "y0": 0, "y1": 1, "yref": "paper"}
                shapes.append({"type": "line", **at, "line": {"color": f"@{token}", "width": 1.5, "dash": dash}})
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102])
    return data, layout(x_axis, axis(f"{label(task.task)}, {label(task.metric)}", tickformat=".1~%"), shapes=shapes)


def disagreements(results: Results) -> list[str]:
    """Sentences on the best share, task by task, at the largest cell and at the question."""
    found = []
    for task in results.tasks:
        if task.at_chance and task.shares:
            found.append(
                f"{task.task}: no run scores above guessing by more than the luck of {task.items:,} questions, so this "
                "task says nothing of the best share."
            )
            continue
        for share in _told(task):
            where = f"{format_count(share.params)} parameters on {format_count(share.tokens)} tokens"
            by = f"{percent(share.by_loss.mid)} {share.synthetic} by loss, {percent(share.by_score.mid)} by score"
            told = {"agree": "loss and score agree", "disagree": "loss and score disagree"}.get(
                share.verdict, "it cannot be told whether loss and score agree"
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
