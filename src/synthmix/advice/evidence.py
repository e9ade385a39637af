"""What else the study knows: losses as measured and by domain, task scores, text statistics, collapse."""

from statistics import fmean

from synthmix.advice.knowledge import KindLaws, Knowledge
from synthmix.advice.words import agreed
from synthmix.interval import format_interval
from synthmix.quantities import fixed, format_count, format_share, listed, percent
from synthmix.report.measured import at_cell, largest_cell


def evidence(known: Knowledge) -> list[str]:
    """Sentences about each kind, all from the study's own numbers."""
    found = []
    for laws in known.kinds.values():
        found += [*_measured(known, laws), *_tasks(known, laws), *_statistics(known, laws), *_collapse(known, laws)]
    return found


def _measured(known: Knowledge, laws: KindLaws) -> list[str]:
    """The kind's best recipe as trained at the largest cell, and by domain."""
    cell = largest_cell(known.results)
    if cell is None:
        return []
    runs = at_cell(known.results, cell)
    mine = {name: rows for name, rows in runs.items() if rows[0].synthetic == laws.kind}
    if not mine or known.natural.name not in runs:
        return []
    alone = runs[known.natural.name]
    name = min(mine, key=lambda each: fmean(row.loss for row in mine[each]))
    gains = {
        domain: fmean(r.losses[domain] for r in mine[name]) - fmean(r.losses[domain] for r in alone)
        for domain in alone[0].losses
    }
    low, high = min(gains, key=lambda d: gains[d]), max(gains, key=lambda d: gains[d])
    change = fmean(row.loss for row in mine[name]) - fmean(row.loss for row in alone)
    size = f"{format_count(cell[0])} parameters and {format_count(cell[1])} tokens"
    text = f"{laws.kind}, as trained at {size}: {name} came out {fixed(change, signed=True)} nats from real text alone"
    least, most = (f"{fixed(gains[each], signed=True)} on {each}" for each in (low, high))
    spread = f"; from {least} to {most}" if len(gains) > 1 else ""
    return [f"{text}{spread}."]


def _tasks(known: Knowledge, laws: KindLaws) -> list[str]:
    """Best share by each task's score beside that by loss: at the study's question where it has one."""
    found = []
    for task in known.results.tasks:
        mine = [share for share in task.shares if share.synthetic == laws.kind]
        if mine and task.at_chance:
            found.append(
                f"{laws.kind}, {task.task}: no run scores above guessing, so it says nothing of the best share."
            )
        elif mine:
            last = max(mine, key=lambda share: (share.is_question, share.params * share.tokens))
            size = f"{format_count(last.params)} parameters and {format_count(last.tokens)} tokens"
            by_score, by_loss = (format_interval(best, percent) for best in (last.by_score, last.by_loss))
            best = f"best share by score {by_score}, by loss {by_loss}"
            found.append(f"{laws.kind}, {task.task} at {size}: {best}; {agreed(last.verdict)} ({last.reason}).")
    return found


def _statistics(known: Knowledge, laws: KindLaws) -> list[str]:
    """Coverage and divergence of the kind alone (or its largest share), beside those of real text."""
    names = {row.recipe: row.share for row in laws.rows if row.share > 0}
    name = max(names, key=lambda each: names[each])
    pairs = {
        recipe: [s for s in known.results.statistics if s.recipe == recipe] for recipe in (known.natural.name, name)
    }
    if not all(pairs.values()):
        return []
    cover, kl = (
        [fmean(getattr(s, field) for s in pairs[recipe]) for recipe in pairs]
        for field in ("coverage_mass", "kl_test_train")
    )
    return [
        f"{laws.kind}, its text: {name} covers {cover[1]:.2%} of the held-out tokens (real text {cover[0]:.2%}), "
        f"KL(test || train) {kl[1]:.3f} nats (real text {kl[0]:.3f})."
    ]


def _collapse(known: Knowledge, laws: KindLaws) -> list[str]:
    """The study's collapse test of the kind's recipes."""
    answer = known.results.answer
    rows = [r for r in answer.recipes if r.synthetic == laws.kind and r.collapse] if answer else []
    verdicts = [f"{format_share(row.share)} {(row.collapse or '').split(':')[0]}" for row in rows]
    return [f"{laws.kind}, collapse (does its curve flatten against real text's?): {listed(verdicts)}."] if rows else []
