"""The tables of docs/results/second-study.md, from the records alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.second_study.records import (
    BEST,
    DRAWS,
    LAW,
    OTHER,
    PAGE,
    SEEDS,
    Array,
    asked,
    confirmed,
    everything,
    fitted,
    ladder,
    read,
    rows,
)
from synthmix.decisions.optimize import decide_mixture
from synthmix.interval import Interval
from synthmix.results.mixtures import MixtureDecision
from synthmix.scaling.mixtures import compare_mixtures, fit_mixtures
from synthmix.study.ladder import cells as cells_of
from synthmix.study.load import load_study

STUDY = Path(__file__).resolve().parents[2] / "examples" / "second-study.yaml"
FIRST = 2778  # seconds that the ladder took before the choices
STYLE = "philosophy"  # the held-out domain in the style of two sources


# Cells


def markdown(head: list[str], body: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def ends(interval: Sequence[float], form: str = ".3f") -> str:
    return f"{interval[0]:{form}} ({interval[1]:{form}} to {interval[2]:{form}})"


def gain_of(interval: Interval) -> str:
    return ends([interval.mid or 0.0, interval.low or 0.0, interval.high or 0.0], "+.3f")


def plus_minus(values: Array) -> str:
    """Mean and standard error."""
    return f"{values.mean():+.3f} \u00b1 {values.std(ddof=1) / np.sqrt(len(values)):.3f}"


def shares_text(shares: Mapping[str, float]) -> str:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return " + ".join(f"{100 * share:.3g} % {name}" for name, share in ordered if share > 0.0005)


def inside(interval: Sequence[float], value: float) -> bool:
    return interval[1] <= value <= interval[2]


def mark(held: bool) -> str:
    return "yes" if held else "**no**"


# The ladder


def whole_runs() -> list[dict[str, Any]]:
    """Rows of the ladder on uncut text: recipe, N, D, shares by source, losses by domain and their mean."""
    found = []
    for row in rows("ladder.csv"):
        losses = {key.removeprefix("loss."): float(value) for key, value in row.items() if key.startswith("loss.")}
        shares = {key.removeprefix("share."): float(value or 0) for key, value in row.items() if key[:6] == "share."}
        if any(float(row[f"unique.{name}"]) < 0.99 * share * float(row["D"]) for name, share in shares.items()):
            continue
        found.append({
            "recipe": row["recipe"], "N": float(row["N"]), "D": float(row["D"]), "shares": shares, "losses": losses,
            "loss": float(np.mean(list(losses.values()))),
        })  # fmt: skip
    return found


def cost() -> list[str]:
    """Tokens and FLOPs against the full grid."""
    about, table = read("study.json"), rows("ladder.csv")
    spent, chosen = about["spent"], [run for made in about["choices"]["rounds"] for run in made["runs"]]
    recipes, cells = {row["recipe"] for row in table}, {(row["N"], row["D"]) for row in table}
    one = len(recipes) * sum(float(tokens) for _, tokens in cells)
    whole = sum(cell.tokens for cell in cells_of(load_study(STUDY)))
    trained, part = spent["tokens"], sum(run["cost"] for run in chosen) / (sum(run["cost"] for run in chosen) + FIRST)
    saved, minutes = spent["tokens_separate"] - trained, spent["stage_seconds"]["ladder"] / 60
    return [
        f"{len(table)} runs of {len(recipes)} mixtures (two of them also on cut text) at {len(cells)} sizes and "
        f"budgets: {trained / 1e6:.0f}M tokens trained, of which trunks saved {saved / 1e6:.0f}M; "
        f"{spent['flops']:.2g} FLOPs, {minutes:.0f} minutes of two workers. {len(chosen)} runs, {part:.0%} of the time,"
        f" were chosen by `--cost`. All runs of the study file, each trained alone, are {whole / 1e6:.0f}M tokens "
        f"({trained / whole:.0%} of them trained); the mixtures that have a run, at every size and budget with one "
        f"seed, {one / 1e6:.0f}M ({trained / one:.0%}), with three {SEEDS * one / 1e6:.0f}M "
        f"({trained / SEEDS / one:.0%}).",
        "",
    ]


def by_size() -> list[str]:
    """Losses of the designed mixtures at the largest budget."""
    table = whole_runs()
    largest, sizes = max(row["D"] for row in table), sorted({row["N"] for row in table})
    by: dict[str, dict[float, list[float]]] = {}
    for row in table:
        if row["D"] == largest:
            by.setdefault(row["recipe"], {}).setdefault(row["N"], []).append(row["loss"])
    shares = {row["recipe"]: row["shares"] for row in table}
    body = []
    for name, losses in sorted(by.items(), key=lambda item: float(np.mean(item[1].get(sizes[-1], [9.0])))):
        cells = []
        for size in sizes:
            mine = losses.get(size, [])
            seeds = f" ({len(mine)})" if len(mine) > 1 else ""
            cells.append(f"{np.mean(mine):.3f}{seeds}" if mine else "")
        body.append([name, shares_text(shares[name]), *cells])
    said = f"Mean loss over the four domains at {largest / 1e6:.2g}M tokens, nats per token (seeds, where several):"
    return [said, "", *markdown(["mixture", "shares", *(f"N = {size / 1e3:.0f}k" for size in sizes)], body)]


def minus_natural() -> list[str]:
    """Each mixture minus natural text, over sizes and all budgets but the smallest; the mean of cells, its error."""
    table, natural = whole_runs(), dict(asked().natural)
    budgets = sorted({row["D"] for row in table})[1:]
    cells: dict[tuple[str, float, float], list[list[float]]] = {}
    for row in table:
        if row["D"] in budgets:
            cells.setdefault((row["recipe"], row["N"], row["D"]), []).append(list(row["losses"].values()))
    of = {key: np.mean(each, axis=0) for key, each in cells.items()}
    shares = {row["recipe"]: {name: share for name, share in row["shares"].items() if share} for row in table}
    yardstick = next(name for name, each in shares.items() if each == natural)
    ordered = []
    for name in shares:
        pairs = [(key, (yardstick, *key[1:])) for key in of if key[0] == name != yardstick]
        more = np.array([of[key] - of[beside] for key, beside in pairs if beside in of])
        if len(more) < 2:
            continue
        what = "alone" if len(shares[name]) == 1 else "mixture"
        cells_of = [
            name,
            what,
            str(len(more)),
            plus_minus(more.mean(axis=1)),
            *(plus_minus(column) for column in more.T),
        ]
        ordered.append((what, float(more.mean()), cells_of))
    domains = list(table[0]["losses"])
    head = ["minus natural text", "", "sizes and budgets", "mean of domains", *domains]
    return markdown(head, [row for *_, row in sorted(ordered, key=lambda each: each[:2])])


# Laws


def laws() -> list[str]:
    """Every law of mixtures on what it did not see."""
    found = compare_mixtures(ladder())
    body = []
    for score in found.scores:
        scale = ["-", "-"] if score.scale is None else [f"{score.scale:.2%}", f"{score.scale_covered or 0:.0%}"]
        body.append([
            f"`{score.law}`", str(score.parameters), f"{score.mixture:.2%}", f"{score.mixture_covered:.0%}", *scale,
            f"{score.rank:.3f}",
        ])  # fmt: skip
    head = ["law", "parameters", "held-out mixtures", "covered", "held-out largest size", "covered", "rank correlation"]
    lines = markdown(head, body)
    runs = ladder()
    assert runs.points.D is not None
    test = np.isclose(runs.points.D, runs.points.D.max())
    errors = []
    for law in (LAW, OTHER):
        part = fit_mixtures(law, runs.select(~test), draws=0)
        error = np.abs(part.predict(runs.points.select(test)) / runs.losses[test] - 1)
        errors.append(f"{error.mean():.2%} by `{law}`")
    return [
        *lines,
        f"Mean relative errors, and how many of them each law's own 90 % interval holds. `{found.winner}` is to be "
        f"taken. The largest budget held out ({int(test.sum())} runs): {', '.join(errors)}.",
        "",
    ]


# Predictions


def predictions(name: str = "predictions.json") -> list[str]:
    """Each prediction beside what was measured, and how many held; mixtures that were trained."""
    said, seen = read(name), confirmed()
    hits: list[tuple[str, bool]] = []
    main, by_domain = [], []
    for each in (each for each in said["mixtures"] if each["name"] in seen):
        name, mine = each["name"], seen[each["name"]]
        held = inside(each["loss"], mine.loss)
        hits.append(("losses", held))
        loss = f"{mine.loss:.3f} \u00b1 {mine.sd:.3f}"
        cells, beside = [name, shares_text(each["shares"]), ends(each["loss"]), loss, mark(held)], ["", "", ""]
        if each["more"] is not None:
            more = mine.loss - seen[BEST].loss
            held = inside(each["more"], more)
            hits.append(("differences from the best mixture", held))
            beside = [ends(each["more"], "+.3f"), f"{more:+.3f}", mark(held)]
        main.append([*cells, *beside])
        row = [name]
        for t, domain in enumerate(mine.domains):
            value = float(mine.losses[:, t].mean())
            held = inside(each["domains"][domain], value)
            hits.append(("losses by domain", held))
            row += [ends(each["domains"][domain]), f"{value:.3f}" if held else f"**{value:.3f}**"]
        by_domain.append(row)
    kinds = list(dict.fromkeys(kind for kind, _ in hits))
    count = [f"{kind} {sum(h for k, h in hits if k == kind)} of {sum(k == kind for k, _ in hits)}" for kind in kinds]
    total = sum(held for _, held in hits)
    head = ["mixture", "shares", "predicted loss", "measured loss", "inside"]
    head += ["predicted minus the best mixture", "measured minus it", "inside too"]
    domains = [cell for domain in next(iter(seen.values())).domains for cell in (domain, "measured")]
    return [
        f"{said['params'] / 1e3:,.0f}k parameters and {said['tokens'] / 1e6:.2g}M tokens; {said['level']:.0%} "
        f"intervals of the mean of {said['seeds']} seeds, \u00b1 one standard deviation of the seeds:",
        "",
        *markdown(head, main),
        f"Inside: {', '.join(count)}; **{total} of {len(hits)} ({total / len(hits):.0%})**.",
        "",
        "By domain, bold where it lies outside:",
        "",
        *markdown(["mixture", *domains], by_domain),
    ]


# What would have been chosen without training, and what each source is good for


def regret() -> list[str]:
    """What each rule chose, and what that loses: at the ladder's largest cell, and by the law of all runs."""
    said, question, table = read("before.json"), asked(), whole_runs()
    size, budget = max(row["N"] for row in table), max(row["D"] for row in table)
    measured: dict[str, list[float]] = {}
    for row in table:
        if (row["N"], row["D"]) == (size, budget):
            measured.setdefault(row["recipe"], []).append(row["loss"])
    least = min(float(np.mean(losses)) for losses in measured.values())
    same: dict[str, list[dict[str, Any]]] = {}
    for each in said["choices"]:
        same.setdefault(shares_text(each["shares"]), []).append(each)
    beside, runs = {text: chosen[0]["shares"] for text, chosen in same.items()}, everything()
    found = fitted(runs, question.model_copy(update={"beside": beside}), LAW).decision
    body = []
    for other in sorted(found.beside, key=lambda each: each.gain.mid or 0.0):
        chosen = same[other.name]
        mine = next((measured[each["recipe"]] for each in chosen if each["recipe"] in measured), None)
        there = "" if mine is None else f"{np.mean(mine) - least:+.3f}"
        rules = "; ".join(each["rule"].replace("|", "\\|") for each in chosen)
        rules += f" (of {chosen[0]['of']})"
        body.append([other.name, rules, there, gain_of(other.gain)])
    where = f"{size / 1e3:.0f}k parameters and {budget / 1e6:.2g}M tokens"
    head = ["choice", "by", f"loses at {where}, measured", "loses at the question, by the law of all runs"]
    return markdown(head, body)


def gain_over_natural(decision: MixtureDecision) -> str:
    return "" if decision.natural is None else gain_of(decision.natural.gain)


def sources() -> list[str]:
    """Each synthetic source with natural text alone, and all together: best share and gain, by the law of all runs;
    over all domains, without the one that imitates its style, and for that one."""
    question, runs = asked(), everything()
    fit = fit_mixtures(LAW, runs, draws=DRAWS)
    rest = {domain: 1.0 for domain in fit.domains if domain != STYLE}
    objectives: list[dict[str, float]] = [{}, rest, {STYLE: 1.0}]
    synthetic = [name for name in fit.sources if name not in question.natural]
    body = []
    for source in synthetic:
        most = question.most | {name: 0.0 for name in synthetic if name != source}
        row = [source]
        for objective in objectives:
            found = decide_mixture(fit, question.model_copy(update={"most": most, "objective": objective}))
            share = next(each for each in found.shares if each.source == source)
            low, high = share.interval.low or 0.0, share.interval.high or 0.0
            row += [f"{share.share:.0%} ({low:.0%} to {high:.0%})", gain_over_natural(found)]
        body.append(row)
    row = ["all sources"]
    for objective in objectives:
        found = decide_mixture(fit, question.model_copy(update={"objective": objective}))
        row += [shares_text(found.mixture), gain_over_natural(found)]
    head = ["source", "best share, all domains", "gain", f"without {STYLE}", "gain", f"{STYLE} alone", "gain"]
    return markdown(head, [*body, row])


def predictions_again() -> list[str]:
    return predictions("predictions-again.json")


TABLES = {
    "cost": cost, "by size": by_size, "minus natural": minus_natural, "laws": laws, "predictions": predictions,
    "predictions again": predictions_again, "regret": regret, "sources": sources,
}  # fmt: skip


def page() -> None:
    """Write each table between its marks in the page."""
    text = PAGE.read_text("utf-8")
    for name, make in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end: {name} -->"
        if begin in text:
            head, _, rest = text.partition(begin)
            text = head + begin + "\n" + "\n".join(make()) + "\n" + end + rest.partition(end)[2]
    PAGE.write_text(text, "utf-8")
