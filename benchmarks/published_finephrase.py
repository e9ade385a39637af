"""What FinePhrase's 300 runs say (arXiv 2604.13977), for benchmarks/published_runs.py: each question a function.

Noise is that of nine seeds of natural text alone and nine of half tables at each student size, pooled, and is borrowed
by every other recipe. Intervals are at 90 %. Generator, prompt and source were varied together in most sets, so that
differences between sets are described, not explained, unless all else was held (which the functions say).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from scipy import stats

from synthmix.runs import RunsTable, read_runs
from synthmix.runs.best_share import SourceShare, best_shares

GROUPS = {"macro": "macro", "GK": "general knowledge", "RC": "reading", "RES": "reasoning", "NLU": "understanding",
          "MATH": "maths", "TABLE": "tables"}  # fmt: skip
PUBLISHED = {"faq": 0.6, "math": 0.8, "table": 0.7, "tutorial": 0.6}
SIZES = (0.5e9, 1.7e9, 2.9e9)
LEVEL = 0.9
HQ = "fw_edu_hq"


@dataclass(frozen=True)
class Statement:
    """A published statement beside ours."""

    about: str
    published: str
    ours: str
    verdict: str


@dataclass
class Found:
    """One section: its text (markdown), statements for the table at the top, data for figures."""

    title: str
    text: list[str]
    statements: list[Statement] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Last:
    """Runs at their last checkpoint by student size and mixture (name -> share); the mean over seeds."""

    size: float
    mixture: tuple[tuple[str, float], ...]
    score: float
    runs: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.mixture)


def points(value: float) -> str:
    """A score difference in points."""
    return f"{100 * value:+.2f}".replace("-", "\N{MINUS SIGN}")


def ended(mid: float, low: float, high: float, *, signed: bool = True) -> str:
    form = points if signed else (lambda value: f"{100 * value:.0f}")
    return f"{form(mid)} ({form(low)} to {form(high)})"


@cache
def table() -> RunsTable:
    """The last checkpoints of the runs that were trained as long as all others."""
    from evidence_rows import HERE, PUBLIC

    found = read_runs(
        PUBLIC / "finephrase_runs.csv.gz", mapping=HERE / "examples" / "mappings" / "finephrase_runs.yaml"
    )
    return found.select(np.isclose(found.column("D"), 21e9, rtol=1e-3))


def at_size(size: float) -> RunsTable:
    runs = table()
    return runs.select(np.isclose(runs.column("N"), size))


def noise(size: float, metric: str = "task.macro") -> tuple[float, int]:
    """Standard deviation of one run at a student's size, and its degrees of freedom."""
    found = at_size(size).noise(metric)
    assert found.sd is not None
    return found.sd, found.dof


@cache
def cells(metric: str = "task.macro") -> tuple[Last, ...]:
    from evidence_rows import shares_of

    found: dict[tuple[float, tuple[tuple[str, float], ...]], list[float]] = {}
    runs = table()
    scores, sizes = runs.column(metric), runs.column("N")
    for i, shares in enumerate(shares_of(runs)):
        key = (float(sizes[i]), tuple(sorted((name, round(part, 4)) for name, part in shares.items())))
        found.setdefault(key, []).append(float(scores[i]))
    return tuple(Last(size, mixture, float(np.mean(v)), len(v)) for (size, mixture), v in found.items())


def score(size: float, metric: str = "task.macro", **shares: float) -> Last | None:
    """A mixture's cell, by its shares."""
    wanted = tuple(sorted((name, round(part, 4)) for name, part in shares.items()))
    return next((one for one in cells(metric) if one.size == size and one.mixture == wanted), None)


def half(name: str, base: str = HQ, size: float = 1.7e9, metric: str = "task.macro") -> Last | None:
    return score(size, metric, **{name: 0.5, base: 0.5})


def quantile(dof: float) -> float:
    return float(stats.t.ppf((1 + LEVEL) / 2, dof))


def holm(chances: Sequence[float]) -> np.ndarray:
    """Holm's step-down adjusted p-values (1979)."""
    p = np.asarray(chances)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    found = np.empty(len(p))
    found[order] = np.minimum(adjusted, 1.0)
    return found


def correlation(a: Sequence[float], b: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Spearman's correlation with a bootstrap interval over items."""
    x, y = np.asarray(a), np.asarray(b)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(1000):
        i = rng.integers(0, len(x), len(x))
        if len(set(x[i])) > 1 and len(set(y[i])) > 1:
            draws.append(stats.spearmanr(x[i], y[i])[0])
    low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(stats.spearmanr(x, y)[0]), float(low), float(high)


# The best share


def shares_section() -> Found:
    runs = at_size(1.7e9)
    lines = ["| kind | " + " | ".join(GROUPS.values()) + " |", "|---" * (len(GROUPS) + 1) + "|"]
    found: dict[str, dict[str, SourceShare]] = {}
    for group in GROUPS:
        for kind in PUBLISHED:
            source = f"{kind}_smollm2_1.7b_hq"
            found.setdefault(kind, {})[group] = best_shares(runs, f"task.{group}", source=source, bootstrap=2000)[0]
    for kind, each in found.items():
        row = []
        for group in GROUPS:
            one = each[group]
            flat = "" if one.flat is None else f"; {100 * one.flat[0]:.0f} to {100 * one.flat[1]:.0f}"
            best = one.best
            row.append(f"{ended(best.mid or 0, best.low or 0, best.high or 0, signed=False)}{flat}")
        lines.append(f"| {kind} | " + " | ".join(row) + " |")
    sd, dof = noise(1.7e9)
    beside = ["| kind | arg max of nine | its score minus its neighbours' | noise of such a difference | as good within one run's noise |", "|---|---|---|---|---|"]  # fmt: skip
    statements, apart_of, narrow = [], {}, []
    for kind, published in PUBLISHED.items():
        source = f"{kind}_smollm2_1.7b_hq"
        values = {s: score(1.7e9, **{source: s, HQ: round(1 - s, 4)}) for s in np.round(np.arange(0.1, 0.91, 0.1), 1)}
        own = {float(s): each.score for s, each in values.items() if each is not None}
        top = max(own, key=lambda s: own[s])
        gaps, chances = [], []
        for near in (round(top - 0.1, 1), round(top + 0.1, 1)):
            if near in own:
                gaps.append(own[top] - own[near])
                chances.append(2 * float(stats.t.sf(abs(gaps[-1]) / (sd * 2**0.5), dof)))
        apart = any(chance < 0.1 / len(chances) for chance in chances)
        apart_of[kind] = apart
        good = [s for s in own if own[top] - own[s] <= quantile(dof) * sd * 2**0.5]
        beside.append(
            f"| {kind} | {100 * top:.0f} | {', '.join(points(gap) for gap in gaps)} (p {', '.join(f'{c:.2f}' for c in chances)}) "
            f"| {100 * sd * 2**0.5:.2f} | {', '.join(f'{100 * s:.0f}' for s in good)} |"
        )
        one = found[kind]["macro"]
        inside = one.best.holds(published)
        narrow.append(one)
        statements.append(
            Statement(
                f"best share, {kind}", f"{100 * published:.0f} %",
                f"{ended(one.best.mid or 0, one.best.low or 0, one.best.high or 0, signed=False)} %; arg max "
                f"{'told' if apart else 'not told'} from its neighbours",
                "agrees, without its precision" if inside and not apart else "agrees" if inside else "differs",
            )
        )  # fmt: skip
    text = [
        "Quadratic plus process through ten shares (0 to 90 %; 1.7B student, SmolLM2-1.7B as generator, fw_edu_hq as natural text), percent "
        "with its 90 % interval; after the semicolon the shares that are as good within one run's noise.",
        "", *lines, "",
        "Is the arg max told from the shares beside it? The difference of two runs, p by the borrowed noise (two-sided, t), and all shares that are not "
        f"clearly below the arg max at 90 %, of one run's noise {100 * sd:.2f} points ({dof} degrees of freedom):",
        "", *beside,
    ]  # fmt: skip
    data = {
        "shares": {
            kind: {float(s): v.score for s in np.round(np.arange(0.1, 0.91, 0.1), 1)
                   if (v := score(1.7e9, **{f"{kind}_smollm2_1.7b_hq": s, HQ: round(1 - s, 4)})) is not None}
            for kind in PUBLISHED
        },
        "natural": _natural().score, "sd": sd, "found": {kind: each["macro"] for kind, each in found.items()},
    }  # fmt: skip
    return Found("The best share of each kind", text, statements, data)


def _natural(base: str = HQ, size: float = 1.7e9) -> Last:
    found = score(size, **{base: 1.0})
    assert found is not None
    return found


# Which kinds differ


def kinds_section() -> Found:
    sd, dof = noise(1.7e9)
    text, statements = [], []
    data: dict[str, Any] = {}
    for generator, ending in (("gemma-3-1b", "_1b_hq"), ("SmolLM2-1.7B", "_smollm2_1.7b_hq")):
        halves: dict[str, Last] = {}
        for one in cells():
            made = [name for name in one.names if name != HQ]
            if one.size != 1.7e9 or len(made) != 1 or HQ not in one.names or dict(one.mixture)[made[0]] != 0.5:
                continue
            bare = made[0].removesuffix(ending)
            other_family = ending == "_1b_hq" and re.search(r"(falcon3|granite3|llama3\.2)$", bare)
            if made[0].endswith(ending) and not other_family:
                halves[bare] = one
        natural = _natural()
        names = sorted(halves, key=lambda name: -halves[name].score)
        against = [2 * float(stats.t.sf(abs(halves[n].score - natural.score) / (sd * (1 + 1 / natural.runs) ** 0.5), dof)) for n in names]  # fmt: skip
        better = int(np.sum(holm(against) < 0.1))
        pairs = list(combinations(names, 2))
        p = [2 * float(stats.t.sf(abs(halves[a].score - halves[b].score) / (sd * 2**0.5), dof)) for a, b in pairs]
        told = {pair for pair, chance in zip(pairs, holm(p), strict=True) if chance < 0.1}
        first = [n for n in names if n == names[0] or (names[0], n) not in told]
        order = ", ".join(f"{n} {points(halves[n].score - natural.score)}" for n in names)
        text += [
            f"**{generator}**, {len(names)} prompts, half of each with half fw_edu_hq, the macro score against natural text alone, points: {order}. "
            f"By Holm's correction at 10 %, {better} of {len(names)} differ from natural text alone and {len(told)} of {len(pairs)} pairs of prompts "
            f"differ from each other; not told from the first: {', '.join(first)}.",
            "",
        ]
        data[generator] = {n: halves[n].score - natural.score for n in names}
        if ending != "_1b_hq":
            continue
        structured = [n for n in names if n in ("table", "math", "faq", "tutorial")]
        others = [n for n in names if n not in structured]
        gap = np.mean([halves[n].score for n in structured]) - np.mean([halves[n].score for n in others])
        error = sd * (1 / len(structured) + 1 / len(others)) ** 0.5
        low, high = gap - quantile(dof) * error, gap + quantile(dof) * error
        above = sum((a, b) in told or (b, a) in told for a in structured for b in others)
        statements.append(
            Statement(
                "structured formats (tables, maths, FAQ, tutorials)", "consistently better than the other prompts",
                f"on average by {ended(gap, low, high)} points of one generator's half mixtures; {above} of {len(structured) * len(others)} pairs of prompts told apart by Holm",
                "agrees on average" if low > 0 else "not shown",
            )
        )  # fmt: skip
        statements.append(
            Statement(
                "against curated web text", "structured formats beat natural text alone",
                f"{better} of {len(names)} prompts differ from fw_edu_hq alone beyond noise, all of them above it"
                if all(halves[n].score > natural.score for n, q in zip(names, holm(against), strict=True) if q < 0.1) else f"{better} of {len(names)} differ",
                "agrees",
            )
        )  # fmt: skip
    return Found("Which kinds differ", text, statements, data)


# The generator's size and family


def generator_section() -> Found:
    prompts = ("math", "tutorial", "guided_rewrite_original")
    order = ("270m", "1b", "4b", "12b", "27b")
    text, statements = [], []
    rows = ["| against gemma-3-1b | difference, points | 90 % by seed noise alone | 90 % over prompts and students | no more than, 90 % (TOST) |", "|---|---|---|---|---|"]  # fmt: skip
    data: dict[str, Any] = {}
    for name in order:
        if name == "1b":
            continue
        gaps, variances = [], []
        for size in SIZES:
            sd, _ = noise(size)
            for prompt in prompts:
                one, other = half(f"{prompt}_{name}_hq", size=size), half(f"{prompt}_1b_hq", size=size)
                if one is not None and other is not None:
                    gaps.append(one.score - other.score)
                    variances.append(2 * sd**2)
        mid, seed = float(np.mean(gaps)), float(np.sqrt(np.sum(variances)) / len(gaps))
        spread = float(np.std(gaps, ddof=1) / len(gaps) ** 0.5)
        dof = 3 * noise(1.7e9)[1]
        inner = (mid - quantile(dof) * seed, mid + quantile(dof) * seed)
        outer = (mid - quantile(len(gaps) - 1) * spread, mid + quantile(len(gaps) - 1) * spread)
        bound = max(abs(outer[0]), abs(outer[1]), abs(inner[0]), abs(inner[1]))
        data[name] = (mid, *outer, gaps)
        rows.append(f"| {name} | {points(mid)} ({len(gaps)} pairs) | {points(inner[0])} to {points(inner[1])} | {points(outer[0])} to {points(outer[1])} | {100 * bound:.2f} |")  # fmt: skip
        if name == "27b":
            statements.append(
                Statement(
                    "generators beyond 1B", "no gain from a larger one",
                    f"27B minus 1B {ended(mid, *outer)} points; equivalent within {100 * bound:.1f} points of score at 90 % (TOST)",
                    "agrees, to that bound" if outer[0] <= 0 <= outer[1] else "a small gain is there",
                )
            )  # fmt: skip
        if name == "270m":
            statements.append(
                Statement(
                    "a generator of 270M", "(1B is enough)", f"270M minus 1B {ended(mid, *outer)} points",
                    "270M is worse" if outer[1] < 0 else "not told apart",
                )
            )  # fmt: skip
    text += [
        "Three prompts (maths, tutorial, guided rewrite) of gemma-3 at five sizes, half of each with half fw_edu_hq, three students: nine pairs a size, everything else held. The two one-sided "
        "tests at 5 % each (TOST, Schuirmann 1987) conclude equivalence within any margin that contains the 90 % interval; the wider of both intervals is used.",
        "", *rows, "",
    ]  # fmt: skip
    by = {}
    for size in SIZES:
        each = [half(f"{p}_27b_hq", size=size) for p in prompts], [half(f"{p}_1b_hq", size=size) for p in prompts]
        by[size] = float(np.mean([a.score - b.score for a, b in zip(*each, strict=True) if a and b]))
    text.append(
        "27B minus 1B by student: " + ", ".join(f"{size / 1e9:.1f}B {points(gap)}" for size, gap in by.items()) + " points."
    )  # fmt: skip
    families = ("1b", "falcon3_1b", "granite3_1b", "llama3.2_1b", "qwen3_1.7b", "smollm2_1.7b")
    formats = ("article", "discussion", "explanation", "faq", "math", "narrative", "table", "tutorial")
    grid = np.array([[one.score if (one := half(f"{p}_{f}_hq")) is not None else np.nan for f in families] for p in formats])  # fmt: skip
    effect = grid - np.nanmean(grid, axis=1, keepdims=True)
    residual = effect - np.nanmean(effect, axis=0, keepdims=True)
    rest = int(np.isfinite(grid).sum()) - grid.shape[0] - grid.shape[1] + 1
    sd = float(np.sqrt(np.nansum(residual**2) / rest))
    means, error = np.nanmean(effect, axis=0), sd * np.sqrt(2 / grid.shape[0])
    pairs = list(combinations(range(len(families)), 2))
    chance = [2 * float(stats.t.sf(abs(means[a] - means[b]) / error, rest)) for a, b in pairs]
    told = [pair for pair, q in zip(pairs, holm(chance), strict=True) if q < 0.1]
    place = np.argsort(-means)
    text += [
        "",
        f"Six generators of 1 to 1.7B on the same eight prompts (1.7B student): prompt and generator additive, what is left has a standard deviation of {100 * sd:.2f} points "
        f"({100 * noise(1.7e9)[0]:.2f} is seed noise). Against the prompt's mean: "
        + ", ".join(f"{families[i].replace('1b', 'gemma3-1b') if families[i] == '1b' else families[i]} {points(means[i])}" for i in place)
        + f" (a difference of two has a standard error of {100 * error:.2f}). Told apart by Holm at 10 %: {len(told)} of {len(pairs)} pairs"
        + (", all with " + families[place[0]] if told and all(place[0] in pair for pair in told) else "") + ".",
    ]  # fmt: skip
    statements.append(
        Statement(
            "the generator's family", "(not stated)",
            f"{families[place[0]]} first, {points(means[place[0]] - means[place[1]])} points above the second; {len(told)} of {len(pairs)} pairs of generators told apart",
            "it matters" if told else "not shown",
        )
    )  # fmt: skip
    data["families"] = {families[i]: float(means[i]) for i in place}
    return Found("The generator's size and family", text, statements, data)


# The student's size


def student_section() -> Found:
    import rank

    macro = rank.finephrase()
    text = ["| the smaller says of the larger | Spearman | pairs rightly ordered: plain order | `rank` | told apart | right, of these | Brier | expected right |", "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    checks, statements = [], []
    for name, small, large in (
        (".5B of 1.7B", [0.5e9], 1.7e9), (".5B of 2.9B", [0.5e9], 2.9e9), ("1.7B of 2.9B", [1.7e9], 2.9e9),
        (".5B and 1.7B of 2.9B", [0.5e9, 1.7e9], 2.9e9),
    ):  # fmt: skip
        found = rank.foretold(macro, small, large)
        checks.append(found)
        grid = macro.grid()
        a, b = (int(np.argmin([abs(c.N - n) for c in macro.at])) for n in (small[-1], large))
        rho = correlation(grid[:, a].tolist(), grid[:, b].tolist())
        expected = sum(each.expected * each.pairs for each in found.bins) / sum(each.pairs for each in found.bins)
        right = "" if found.decided_right is None else f"{found.decided_right:.3f}"
        text.append(f"| {name} | {rho[0]:.2f} ({rho[1]:.2f} to {rho[2]:.2f}) | {found.single:.3f} | {found.right:.3f} | {found.decided:.2f} | {right} | {found.brier:.3f} | {expected:.3f} |")  # fmt: skip
    text += ["", "17 recipes, 136 pairs (not independent: they share recipes). How the probabilities of an order hold:", "", "| probability | expected | right | pairs |", "|---|---|---|---|"]  # fmt: skip
    bins = rank.pooled(checks)
    text += [f"| {low:.1f} to {high:.1f} | {e:.2f} | {r:.2f} | {n} |" for low, high, e, r, n in bins]
    off = float(np.sqrt(sum(n * (e - r) ** 2 for _, _, e, r, n in bins) / sum(n for *_, n in bins)))
    text += ["", f"Root mean square of expected minus right over these bins, weighted: {off:.3f}."]
    tops = []
    for size in SIZES:
        best = max((one for one in cells() if one.size == size), key=lambda one: one.score)
        tops.append(f"{size / 1e9:.1f}B {next(n for n in best.names if n != HQ)}")
    statements.append(
        Statement(
            "what a smaller student says of a larger one", "(not stated)",
            f"pairs rightly ordered {checks[0].single:.3f}, {checks[1].single:.3f}, {checks[2].single:.3f} (.5B to 1.7B, .5B to 2.9B, 1.7B to 2.9B); with both smaller ones {checks[3].right:.3f}",
            "ours",
        )
    )  # fmt: skip
    text += [
        "",
        "The best recipe that was trained at each size: " + "; ".join(tops) + ".",
        "",
        *_kinds_by_student(),
        "",
        *_largest(macro),
    ]
    return Found("The student's size", text, statements, {"bins": bins})


def _kinds_by_student() -> list[str]:
    """Whether the better kind changes with the student: three prompts, each the mean over five generator sizes."""
    prompts = ("math", "tutorial", "guided_rewrite_original")
    lines = ["Does the better kind change with the student? Three prompts, mean over five generators of gemma-3, points above natural text alone:", "", "| student | " + " | ".join(prompts) + " | standard error |", "|---|---|---|---|---|"]  # fmt: skip
    for size in SIZES:
        natural, sd = _natural(size=size), noise(size)[0]
        cells_of = [[one for g in ("270m", "1b", "4b", "12b", "27b") if (one := half(f"{p}_{g}_hq", size=size)) is not None] for p in prompts]  # fmt: skip
        means = [float(np.mean([one.score for one in each])) - natural.score for each in cells_of]
        error = sd * (1 / len(cells_of[0]) + 1 / natural.runs) ** 0.5
        lines.append(f"| {size / 1e9:.1f}B | " + " | ".join(points(m) for m in means) + f" | {100 * error:.2f} |")
    return lines


def _largest(macro: Any) -> list[str]:
    """What the three students foretell of one of 6.2B that nobody here has seen."""
    target = float(np.log10(6 * 6.2e9 * 21e9))
    posterior = macro.posterior(target)
    expected = posterior.weights @ posterior.means
    order = np.argsort(-expected, kind="stable")
    better, draws = posterior.better(), posterior.draws(4000, seed=0)
    best = np.bincount(draws.argmax(axis=1), minlength=len(order)) / len(draws)
    lines = ["Foretold for a student of 6.2B, which is not among these runs (by `rank`, from all three sizes):", "", "| place | recipe | best of the 17 | a run of it beats one of the next |", "|---|---|---|---|"]  # fmt: skip
    for place, i in enumerate(order):
        beats = "" if place + 1 == len(order) else f"{better[i, order[place + 1]]:.2f}"
        lines.append(f"| {place + 1} | {macro.names[i].removeprefix('mix-fw_edu_hq-')} | {best[i]:.2f} | {beats} |")
    pairs = better[np.triu_indices(len(order), 1)]
    lines += ["", f"It expects {np.maximum(pairs, 1 - pairs).mean():.3f} of the 136 pairs in this order."]
    return lines


# When one may stop


def training_section() -> Found:
    import rank

    rows = rank.rows_of("finephrase_runs.csv.gz")
    scores: dict[str, dict[int, float]] = {}
    for row in rows:
        name = row["runname"]
        if "--data-seed" not in name and not name.endswith(("-0.5b", "-2.9b")):
            scores.setdefault(name, {})[int(row["steps"])] = float(row["agg_score_macro"])
    steps = sorted(set.intersection(*(set(v) for v in scores.values() if 10000 in v and len(v) > 15)))
    full = [v for v in scores.values() if all(s in v for s in steps)]
    grid = np.array([[v[s] for s in steps] for v in full])
    last = grid[:, -1]
    sd, dof = noise(1.7e9)
    i, j = np.triu_indices(len(last), 1)
    gap = last[i] - last[j]
    clear = abs(gap) > quantile(dof) * sd * 2**0.5
    text = [
        f"{len(last)} recipes of the 1.7B student with every checkpoint. Two runs of a recipe that differ in their seed alone are ordered at random, so pairs whose final difference is beyond the "
        f"noise of two runs ({100 * quantile(dof) * sd * 2**0.5:.2f} points, {clear.mean():.0%} of the pairs) are shown too. Such a pair is in order at the end by definition.",
        "", "| tokens | part of the run | Spearman with the end | pairs in order | of the clear pairs | the best at the end is among the first | loss of stopping there, points |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    shown, enough = {}, None
    for k, step in enumerate(steps):
        now = grid[:, k]
        agree = np.sign(now[i] - now[j]) == np.sign(gap)
        rho = float(stats.spearmanr(now, last)[0])
        place = int((now > now[last.argmax()]).sum()) + 1
        regret = last.max() - last[now.argmax()]
        shown[step] = (float(agree.mean()), float(agree[clear].mean()))
        if enough is None and agree[clear].mean() >= 0.95:
            enough = step
        if step in (500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 9500) and step in steps:
            text.append(f"| {step * 21e9 / 1e13:.1f}B | {step / 1e4:.0%} | {rho:.3f} | {agree.mean():.3f} | {agree[clear].mean():.3f} | {place} | {100 * regret:.2f} |")  # fmt: skip
    statement = Statement(
        "when one may stop", "(not stated)",
        f"95 % of the clear pairs are in order from {0 if enough is None else enough / 1e4:.0%} of the run on; the learning rate falls to the end, so that a shorter run of its own may say more",
        "ours",
    )  # fmt: skip
    return Found("The order along training: when one may stop", text, [statement], {"along": shown})


# Natural text


def natural_section() -> Found:
    sd, _ = noise(1.7e9)
    text = ["The same synthetic text, half of it, with another natural text (1.7B student):", "", "| natural text | sets | against fw_edu_hq, points | the natural texts alone |", "|---|---|---|---|"]  # fmt: skip
    statements: list[Statement] = []
    for base in ("dclm", "fw_edu_lq"):
        gaps = []
        for one in cells():
            made = [n for n in one.names if n != base]
            if one.size == 1.7e9 and len(one.mixture) == 2 and base in one.names and made[0] != HQ:
                other = half(made[0])
                if other is not None and dict(one.mixture)[base] == 0.5:
                    gaps.append(one.score - other.score)
        mid = float(np.mean(gaps))
        error = max(float(np.std(gaps, ddof=1)) if len(gaps) > 1 else 0.0, sd * 2**0.5) / len(gaps) ** 0.5
        low, high = mid - quantile(max(len(gaps) - 1, 1)) * error, mid + quantile(max(len(gaps) - 1, 1)) * error
        alone = _natural(base).score - _natural().score
        text.append(f"| {base} | {len(gaps)} | {ended(mid, low, high)} | {points(alone)} |")
        if base == "dclm":
            statements.append(
                Statement(
                    "the mixed-in natural text", "matters much",
                    f"dclm instead of fw_edu_hq {ended(mid, low, high)} points ({len(gaps)} sets; alone {points(alone)})",
                    "small here, where both are curated" if abs(mid) < 0.01 else "agrees",
                )
            )  # fmt: skip
        else:
            statements.append(
                Statement(
                    "poor natural text", "matters much",
                    f"fw_edu_lq instead of fw_edu_hq {ended(mid, low, high)} points ({len(gaps)} sets; alone {points(alone)})",
                    "agrees" if high < 0 else "not shown",
                )
            )  # fmt: skip
    same = []
    for kind in ("faq", "tutorial"):
        hq, lq = half(f"{kind}_1b_hq"), half(f"{kind}_1b_lq")
        if hq and lq:
            same.append((kind, lq.score - hq.score))
    text += ["", "The text that was rewritten, at one natural text: low-quality instead of high-quality documents " + ", ".join(f"{k} {points(g)}" for k, g in same) + f" points (one run each; a difference of two has a noise of {100 * sd * 2**0.5:.2f})."]  # fmt: skip
    return Found("The natural text mixed in", text, statements)


# Several kinds


def several_section() -> Found:
    sd, dof = noise(1.7e9)
    text = ["| mixture | against the best half of its parts, points |", "|---|---|"]
    statements: list[Statement] = []
    gaps = []
    for one in cells():
        made = [n for n in one.names if n != HQ]
        if one.size != 1.7e9 or HQ not in one.names or len(made) < 2:
            continue
        parts = [half(n) for n in made]
        known = [p.score for p in parts if p is not None]
        if len(known) < len(made):
            continue
        gap = one.score - max(known)
        gaps.append(gap)
        error = quantile(dof) * sd * 2**0.5
        text.append(f"| {' + '.join(f'{100 * s:.0f} {n}' for n, s in one.mixture)} | {ended(gap, gap - error, gap + error)} |")  # fmt: skip
    mid, spread = float(np.mean(gaps)), float(np.std(gaps, ddof=1) / len(gaps) ** 0.5)
    low, high = mid - quantile(len(gaps) - 1) * spread, mid + quantile(len(gaps) - 1) * spread
    text += ["", f"Mean {ended(mid, low, high)} points over {len(gaps)} mixtures. These have a larger synthetic share than a half, and the best of several noisy parts is a little too good: neither is corrected."]  # fmt: skip
    statements.append(
        Statement(
            "several kinds together", "(not stated)",
            f"against the best single one {ended(mid, low, high)} points ({len(gaps)} mixtures)",
            "no gain shown" if low <= 0 else "a gain",
        )
    )  # fmt: skip
    return Found("Several kinds against the best one", text, statements)


# What generation costs, and what a set's own statistics foretell

FEATURES = {
    "output_edu_score": "educational score", "output_dclm_score": "DCLM score", "edu_score_difference": "educational score gained",
    "dclm_score_difference": "DCLM score gained", "compression_ratio": "output over input tokens", "output_token_count_mean": "output length",
    "near_dup_rate": "near-duplicates", "vendi_score": "Vendi score", "g_vendi_score": "gradient Vendi score", "mean_intra_cos_sim": "mean similarity",
}  # fmt: skip


def generated() -> list[dict[str, Any]]:
    """The generated sets that were mixed with fw_edu_hq, with their macro score."""
    from evidence_rows import PUBLIC, generator_of, kind_of

    found = []
    for each in json.loads((PUBLIC / "finephrase_generated_sets.json").read_text()):
        flat = each["training_run"].rsplit("-", 1)[-1]
        one = half(flat)
        if one is not None and each["source_dataset"].startswith("fineweb-edu-hq"):
            kind = kind_of(each["run"].split("/")[1])
            found.append({**each, "score": one.score, "kind": kind, "generator": generator_of(flat)[0]})
    return found


def statistics_section() -> Found:
    sets = generated()
    y = np.array([each["score"] for each in sets])
    text = [f"{len(sets)} sets rewritten from one source and mixed half and half with fw_edu_hq (1.7B student).", "", "| statistic of the generated set | Spearman with the macro score |", "|---|---|"]  # fmt: skip
    statements = []
    columns = []
    for key, name in FEATURES.items():
        x = np.array([np.nan if each.get(key) is None else float(each[key]) for each in sets])
        known = np.isfinite(x)
        rho = correlation(x[known].tolist(), y[known].tolist())
        text.append(f"| {name} | {rho[0]:+.2f} ({rho[1]:+.2f} to {rho[2]:+.2f}) |")
        columns.append(np.where(known, x, np.nanmean(x)))
    design = np.column_stack(columns)
    design = (design - design.mean(axis=0)) / design.std(axis=0)
    inside = float(stats.pearsonr(_ridge(design, y, design), y)[0])
    held = {}
    for key, name in (("kind", "a prompt"), ("generator", "a generator"), (None, "a tenth")):
        labels = [each[key] for each in sets] if key else [i % 10 for i in range(len(sets))]
        predicted = np.empty(len(y))
        for label in set(labels):
            test = np.array([one == label for one in labels])
            predicted[test] = _ridge(design[~test], y[~test], design[test])
        held[name] = correlation(predicted.tolist(), y.tolist())
    text += ["", f"All ten together (ridge, its strength by leave-one-out inside): correlation in sample {inside:.2f}; out of sample, Spearman, " + ", ".join(f"{name} left out {r[0]:+.2f} ({r[1]:+.2f} to {r[2]:+.2f})" for name, r in held.items()) + ". The bootstrap is over sets, though sets of one prompt or generator are alike."]  # fmt: skip
    best = held["a prompt"]
    statements.append(
        Statement(
            "quality scores and statistics foretell the score", "correlation of .61 at best, in sample",
            f"in sample {inside:.2f} (ten statistics); with the prompt left out {best[0]:+.2f} ({best[1]:+.2f} to {best[2]:+.2f})",
            "weaker out of sample" if best[0] < 0.61 else "agrees",
        )
    )  # fmt: skip
    hours = np.array([each["gpu_time_seconds"] / 3600 for each in sets])
    rho = correlation(hours.tolist(), y.tolist())
    natural = _natural().score
    top = sorted(sets, key=lambda each: -(each["score"] - natural) / each["gpu_time_seconds"])[:5]
    text += ["", f"**Score per GPU-hour.** GPU-hours of generation and score: Spearman {rho[0]:+.2f} ({rho[1]:+.2f} to {rho[2]:+.2f}); from {hours.min():.0f} to {hours.max():.0f} hours. Most points above natural text alone for a thousand GPU-hours: " + ", ".join(f"{each['run'].split('/')[1]} {100 * (each['score'] - natural) / (each['gpu_time_seconds'] / 3.6e6):.1f}" for each in top) + ". Hours depend on batching and retries as much as on the model: one generator's range on one source is more than fourfold."]  # fmt: skip
    statements.append(
        Statement(
            "GPU time of generation and score", "unrelated",
            f"Spearman {rho[0]:+.2f} ({rho[1]:+.2f} to {rho[2]:+.2f})",
            "agrees" if rho[1] <= 0 <= rho[2] else "a relation: more hours, " + ("lower" if rho[0] < 0 else "higher") + " score",
        )
    )  # fmt: skip
    return Found("What a generated set's own statistics and cost foretell", text, statements, {"hours": hours, "score": y - natural})  # fmt: skip


def _ridge(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Ridge regression, its strength by generalised cross-validation on what it is fitted to."""
    centre, mean = x.mean(axis=0), y.mean()
    u, s, vt = np.linalg.svd(x - centre, full_matrices=False)
    projected, best = u.T @ (y - mean), (np.inf, 0.0)
    for strength in np.geomspace(1e-2, 1e4, 40):
        shrink = s**2 / (s**2 + strength)
        left = (y - mean) - u @ (shrink * projected)
        gcv = float(left @ left) / (len(y) - 1 - shrink.sum()) ** 2
        best = min(best, (gcv, float(strength)))
    return np.asarray(mean + (at - centre) @ (vt.T @ (s / (s**2 + best[1]) * projected)))


# Pure synthetic text


def pure() -> tuple[list[float], list[float]]:
    """Score of a set alone minus that of half of it with its best natural text, and minus natural text alone."""
    gaps, against = [], []
    for one in cells():
        if (
            one.size == 1.7e9
            and len(one.mixture) == 1
            and one.names[0].endswith(("_hq", "_dclm"))
            and one.names[0] != HQ
        ):
            mixed = [m.score for base in (HQ, "dclm") if (m := half(one.names[0], base)) is not None]
            if mixed:
                gaps.append(one.score - max(mixed))
                against.append(one.score - _natural("dclm" if one.names[0].endswith("_dclm") else HQ).score)
    return gaps, against


def sections() -> Iterable[Found]:
    yield shares_section()
    yield kinds_section()
    yield generator_section()
    yield student_section()
    yield training_section()
    yield natural_section()
    yield several_section()
    yield statistics_section()
