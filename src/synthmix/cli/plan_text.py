"""Plans and statuses as text."""

from typing import TYPE_CHECKING

from synthmix.quantities import format_count, format_seconds

if TYPE_CHECKING:
    from synthmix.study.plan import Plan
    from synthmix.study.status import Status


def table(head: list[str], rows: list[list[str]]) -> str:
    """Plain columns: the first left, the others right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [[head[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(head[1:], widths[1:], strict=True))]]
    lines += [
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))] for row in rows
    ]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def plan_text(plan: "Plan") -> str:
    """A table by size and recipe, then the sums."""
    groups: dict[tuple[str, int], list[int]] = {}
    for i, run in enumerate(plan.runs):
        groups.setdefault((run.recipe, run.shape.params), []).append(i)
    rows = []
    for (recipe, params), members in sorted(groups.items(), key=lambda item: item[0][1]):
        runs = [plan.runs[i] for i in members]
        rows.append(
            [
                recipe,
                format_count(params),
                str(len(runs)),
                format_count(sum(run.own for run in runs)),
                f"{sum(run.flops for run in runs):.2g}",
                format_seconds(sum(run.seconds for run in runs)),
                str(sum(run.done for run in runs)),
            ]
        )
    for run in (*plan.trunks, *plan.generators):
        rows.append(
            [
                run.recipe,
                format_count(run.shape.params),
                "1",
                format_count(run.own),
                f"{run.flops:.2g}",
                format_seconds(run.seconds),
                str(int(run.done)),
            ]
        )
    done = sum(run.done for run in plan.runs)
    budgets = sum(run.tokens for run in plan.runs)
    lines = [
        table(["recipe", "N", "runs", "tokens", "FLOPs", "worker time", "done"], rows),
        "",
        f"{len(plan.runs)} runs, {done} done; {format_count(plan.tokens_trained)} tokens, "
        f"{sum(run.flops for run in plan.all_work):.2g} FLOPs.",
        *(
            [
                f"{len(plan.trunks)} trunks serve several budgets each: {plan.tokens_trained / budgets:.0%} of the "
                f"{format_count(budgets)} tokens that separate runs would take."
            ]
            if plan.trunks
            else []
        ),
        f"About {format_seconds(plan.seconds_left)} left on {plan.speeds.workers} worker(s) of {plan.speeds.device}, "
        f"{plan.speeds.precision}; building text and the report come on top.",
        "Memory of a worker: "
        + ", ".join(f"{size / 1e9:.2g} GB at {format_count(n)}" for n, size in plan.memory.items())
        + ".",
        f"Disk: at most {plan.disk / 1e6:.0f} MB for models, corpora not counted.",
    ]
    if plan.to_build:
        lines.append(f"Still to be built: {', '.join(plan.to_build)}.")
    return "\n".join(lines)


def status_text(status: "Status") -> str:
    """A few lines."""
    lines = [f"{status.study}: {status.done} of {status.runs} runs done, in {status.folder}"]
    for name, tokens in status.corpora.items():
        lines.append(f"  corpus {name}: " + ("not built" if tokens is None else f"{format_count(tokens)} tokens"))
    for run in status.working:
        state = "in work" if run.held else "begun, resumes at the next run"
        lines.append(
            f"  {run.recipe}, N={format_count(run.params)}, seed {run.seed}: "
            f"{format_count(run.tokens)} of {format_count(run.of)} tokens, {state}"
        )
    lines.append(f"Report: {status.report}" if status.report else "No report yet.")
    return "\n".join(lines)
