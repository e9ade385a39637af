"""What DCLM, mixtures of 7 and 17 sources, and the published laws say, for benchmarks/published_runs.py."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import stats

from synthmix.decisions.optimize import decide_mixture
from synthmix.evidence import Effect, effects
from synthmix.results.mixtures import MixtureDecision, MixtureQuestion
from synthmix.scaling.mixtures import MixtureFit, fit_mixtures

LAW, DRAWS = "effective_tokens", 100
#: Mean log perplexity of GPT-2 124M on five held-out sets, trained on natural text alone (Dolma), by billions of tokens
#: in epochs of 8.4B (arXiv 2412.14689, table 15: the logarithms of five perplexities, averaged).
NATURAL_CURVE = {8.4: 3.8820, 16.8: 3.7672, 25.2: 3.7160, 33.6: 3.6826, 42.0: 3.6712}


def dclm_section() -> Any:
    import rank
    from published_finephrase import Found, Statement, correlation

    core = rank.dclm()
    text = ["CORE of models trained on 20 tokens a parameter (one or a few runs a training set; the median of replicates).", "", "| the smaller says of the larger | sets | Spearman | pairs in order: plain order | `rank` | told apart | right, of these |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    right = {}
    for name, small, large in (
        (".4B of 1.4B", [0.41e9], 1.44e9), ("1.4B of 6.9B", [1.44e9], 6.89e9), (".4B of 6.9B", [0.41e9], 6.89e9),
        (".4B and 1.4B of 6.9B", [0.41e9, 1.44e9], 6.89e9),
    ):  # fmt: skip
        found = rank.foretold(core, small, large)
        a, b = (min(range(len(core.at)), key=lambda i, n=n: abs(core.at[i].N - n)) for n in (small[-1], large))
        grid = core.grid()
        known = np.isfinite(grid[:, a]) & np.isfinite(grid[:, b])
        rho = correlation(grid[known, a].tolist(), grid[known, b].tolist())
        decided = "" if found.decided_right is None else f"{found.decided_right:.3f}"
        right[name] = (found.single, found.right)
        text.append(f"| {name} | {found.recipes} | {rho[0]:.2f} ({rho[1]:.2f} to {rho[2]:.2f}) | {found.single:.3f} | {found.right:.3f} | {found.decided:.2f} | {decided} |")  # fmt: skip
    last = max(range(len(core.at)), key=lambda i: core.at[i].N if abs(core.at[i].N / 6.89e9 - 1) < 0.1 else 0)
    column = core.grid()[:, last]
    order = [i for i in np.argsort(-np.nan_to_num(column, nan=-1.0)) if np.isfinite(column[i])][:6]
    text += ["", f"The highest at {core.at[last].N / 1e9:.1f}B (seed noise {100 * core.sd:.2f} points where runs were repeated): " + "; ".join(f"`{core.names[i]}` {100 * column[i]:.1f}" for i in order) + ". Most sets were trained at one size only, so that nothing is said of the 258 others."]  # fmt: skip
    statement = Statement(
        "DCLM: small scales rank training sets", "small scales order them as large ones do",
        f"pairs in order by the plain order {right['.4B of 1.4B'][0]:.3f} (.4B to 1.4B), {right['1.4B of 6.9B'][0]:.3f} (1.4B to 6.9B), {right['.4B of 6.9B'][0]:.3f} (.4B to 6.9B)",
        "agrees: about four of five pairs",
    )  # fmt: skip
    return Found("DCLM: which training sets, and what small scales say", text, [statement])


def _row(found: MixtureDecision) -> dict[str, tuple[float, float, float]]:
    return {one.source: (one.share, one.interval.low or 0.0, one.interval.high or 0.0) for one in found.shares}


def _best(fit: MixtureFit, **asked: Any) -> MixtureDecision:
    return decide_mixture(fit, MixtureQuestion(**asked))


def seven_section() -> Any:
    import many_sources
    from published_finephrase import Found, Statement

    runs = many_sources.table("slimpajama_7_sources.csv.gz", many_sources.SLIM)
    size = runs.points.N
    assert size is not None
    small, large = runs.select(size < 0.7e9), runs.select(size > 0.9e9)
    of_small = fit_mixtures(LAW, small, draws=DRAWS)
    of_large = fit_mixtures(LAW, large, draws=DRAWS, hold_out=False)
    at = {"params": 1_235_000_000, "tokens": 100_000_000_000}
    here = _row(_best(of_small, params=310_000_000, tokens=10_000_000_000))
    there, measured = _row(_best(of_small, **at)), _row(_best(of_large, **at))
    held = float(np.nanmean(np.abs(of_small.predict(large.points) / large.losses - 1)))
    text = [f"All eight domains alike, {len(small)} runs of N up to .68B and {len(large)} of .937B and 1.235B, the law of effective tokens. Fitted on the small runs it misses the large ones by {held:.2%} of the loss on average.", "", "| source | best share at .31B and 10B | small runs' law at 1.235B and 100B | large runs' law there | the two |", "|---|---|---|---|---|"]  # fmt: skip
    meet = 0
    for source in there:
        a, b, c = ((f"{100 * m:.0f} ({100 * lo:.0f} to {100 * hi:.0f})") for m, lo, hi in (here[source], there[source], measured[source]))  # fmt: skip
        ok = there[source][1] <= measured[source][2] and measured[source][1] <= there[source][2]
        meet += ok
        text.append(f"| {source} | {a} | {b} | {c} | {'meet' if ok else 'do not meet'} |")
    gap = 0.5 * sum(abs(there[s][0] - measured[s][0]) for s in there)
    moved = 0.5 * sum(abs(there[s][0] - here[s][0]) for s in there)
    text += ["", f"The small runs' best mixture and the large runs' differ in {gap:.0%} of the tokens; from .31B and 10B to 1.235B and 100B the best mixture moves {moved:.0%} of them. Intervals are of the posterior draws: they leave out that another law may be true."]  # fmt: skip
    statement = Statement(
        "7 sources: the optimum of small runs holds at large ones", "best mixture extrapolates (arXiv 2507.09404, additive law: the same at every scale)",
        f"differs in {gap:.0%} of the tokens; {meet} of 7 intervals meet; it moves by {moved:.0%} over 1.6 decades of compute; {held:.2%} error of the loss (published law, our fit: 1.43 %)",
        "agrees nearly: it moves, a little",
    )  # fmt: skip
    return Found("Seven sources: the optimum, and how it moves", text, [statement], {"here": here, "there": there, "measured": measured})  # fmt: skip


def seventeen_section() -> Any:
    import many_sources
    from published_finephrase import Found, Statement

    train = many_sources.table("pile_17_sources_1m_train.csv.gz", many_sources.PILE)
    test = many_sources.table("pile_17_sources_1m_test.csv.gz", many_sources.PILE)
    fit = fit_mixtures(LAW, train, draws=DRAWS, hold_out=False)
    rho = many_sources.spearman(fit.predict(test.points), test.losses)
    place = train.domains.index(many_sources.CC)
    cc = _best(fit, objective={many_sources.CC: 1.0})
    even = _best(fit)
    text = [f"512 runs of 1M parameters; 256 unseen mixtures: Spearman {rho[place]:.4f} on Pile-CC, {rho.mean():.4f} over the 13 domains. One size only: nothing here says how the optimum moves. The best mixture for Pile-CC, and for all domains alike, percent (90 % interval; sources above 2 %):", ""]  # fmt: skip
    for name, found in (("Pile-CC", cc), ("all domains", even)):
        shown = [one for one in found.shares if one.share > 0.02]
        text.append(f"- {name}: " + ", ".join(f"{one.source} {100 * one.share:.0f} ({100 * (one.interval.low or 0):.0f} to {100 * (one.interval.high or 0):.0f}{', ' + one.verdict if one.verdict != 'in' else ''})" for one in shown) + ".")  # fmt: skip
    assert cc.best_measured is not None
    gain = cc.best_measured.gain
    text += ["", f"For Pile-CC it is expected {100 * (gain.mid or 0) / (cc.loss.mid or 1):.2f} % below the best measured mixture ({gain.mid:.3f} nats, {gain.low:.3f} to {gain.high:.3f})."]  # fmt: skip
    statement = Statement(
        "17 sources: unseen mixtures are ranked", "Spearman .9892 (LightGBM)", f"{rho[place]:.4f} (effective tokens)", "agrees, higher"
    )  # fmt: skip
    return Found("Seventeen sources", text, [statement])


# The published laws


def _losses(study: str) -> list[Effect]:
    return [row for row in effects() if row.study == study and row.unit == "nats"]


def laws_section() -> Any:
    from published_finephrase import (  # fmt: skip
        PUBLISHED,
        Found,
        Statement,
        ended,
        noise,
        points,
        pure,
        quantile,
        score,
        shares_section,
    )

    sd, dof = noise(1.7e9)
    text: list[str] = ["**About 30 % synthetic is best at every scale (arXiv 2510.01631, rephrased text, loss).** On task scores (FinePhrase, 1.7B):", ""]  # fmt: skip
    error = quantile(dof) * sd * 2**0.5
    outside = 0
    best = shares_section().data["found"]
    for kind in PUBLISHED:
        name = f"{kind}_smollm2_1.7b_hq"
        at = {s: score(1.7e9, **{name: s, "fw_edu_hq": round(1 - s, 4)}) for s in (0.3, 0.6, 0.7, 0.8)}
        high = max(v.score for s, v in at.items() if v is not None and s > 0.5)
        third = at[0.3]
        assert third is not None
        gap = high - third.score
        low = best[kind].best.low or 0.0
        outside += low > 0.3
        text.append(f"- {kind}: 60 to 80 % scores {points(gap)} points above 30 % (\N{PLUS-MINUS SIGN}{100 * error:.2f}, the best of three); the interval of its best share begins at {100 * low:.0f} %.")  # fmt: skip
    zhu = [row for row in _losses("zhu2024") if "GPT-2" in row.recipe]
    by_share = {s: float(np.mean([row.effect for row in zhu if row.share == s])) for s in (0.25, 0.5, 0.75, 1.0)}
    own = [row for row in _losses("first-study") if row.D and row.D >= 1e6]
    thirds = {k: float(np.mean([row.effect for row in own if row.kind == k and row.share and row.share < 0.4])) for k in ("continue", "rephrase")}  # fmt: skip
    text += [
        "", f"On losses: textbooks mixed with Dolma cost {', '.join(f'{v:+.3f} at {s:.0%}' for s, v in by_share.items())} nats (GPT-2 124M, mean over budgets, arXiv 2412.14689): none is best. In our own ladder a third of rewrites or continuations "
        f"changes the loss by {thirds['rephrase']:+.3f} and {thirds['continue']:+.3f} nats: flat to a third. So the rule may hold for the loss of rephrased text (no table of losses is published to test it on), not for textbooks, and not for task scores, "
        "whose format (questions, short answers, tables) the synthetic text shares.",
    ]  # fmt: skip
    statements = [
        Statement("30 % synthetic is best (arXiv 2510.01631)", "rephrased text, loss, every scale", f"task scores: {outside} of 4 intervals of the best share lie above 30 %; losses of textbooks: 0 %; our rewrites: flat to a third", "does not hold for task scores or textbooks"),
    ]  # fmt: skip
    gaps, against = pure()
    t = stats.t.ppf(0.95, len(gaps) - 1)
    mid, half = float(np.mean(gaps)), float(t * np.std(gaps, ddof=1) / len(gaps) ** 0.5)
    wins = sum(gap > error for gap in gaps)
    over = sum(value > error for value in against)
    text += ["", f"**Pure synthetic text never wins.** FinePhrase, {len(gaps)} sets trained on alone: against the better half mixture {ended(mid, mid - half, mid + half)} points, beyond noise above it {wins} of {len(gaps)}; but {over} of {len(against)} are above natural text alone of their own source beyond noise (up to {points(max(against))} points: maths and tables), {sum(v < -error for v in against)} below. By loss pure textbooks cost {by_share[1.0]:+.2f} nats, and pure text of our ladders +0.08 and +0.23."]  # fmt: skip
    statements.append(
        Statement("pure synthetic text never wins (arXiv 2510.01631)", "mixtures beat it, natural text alone too", f"task scores: {mid * 100:+.1f} points against its half mixture, {wins} of {len(gaps)} above it; {over} of {len(against)} above natural text alone".replace("-", "\N{MINUS SIGN}"), "against mixtures it holds; against natural text alone not for structured kinds on tasks"),
    )  # fmt: skip
    cosmopedia = score(1.7e9, cosmopedia=0.5, fw_edu_hq=0.5), score(1.7e9, cosmopedia=1.0), score(1.7e9, fw_edu_hq=1.0)
    mixed, alone, natural = (np.nan if one is None else one.score for one in cosmopedia)
    a, b = mixed - natural, alone - natural
    text += ["", f"**Textbooks need care.** Cosmopedia in FinePhrase: half of it {points(a)}, alone {points(b)} points against fw_edu_hq alone (\N{PLUS-MINUS SIGN}{100 * error:.2f}); by loss on other corpora it costs at every share (above)."]  # fmt: skip
    statements.append(
        Statement("textbooks need care (arXiv 2510.01631)", "33 % better than 67 %, alone clearly worse", f"half {points(a)}, alone {points(b)} points; by loss {by_share[0.25]:+.3f} nats at 25 %, {by_share[0.75]:+.3f} at 75 %, {by_share[1.0]:+.2f} alone".replace("-", "\N{MINUS SIGN}"), "agrees"),
    )  # fmt: skip
    budgets = sorted({row.D for row in zhu if row.D})
    lines = []
    for s in (0.25, 0.5, 1.0):
        lines.append(f"{s:.0%}: " + ", ".join(f"{next(row.effect for row in zhu if row.share == s and budget == row.D):+.3f}" for budget in budgets))  # fmt: skip
    text += ["", "**Collapse.** Does the gap to natural text grow with the budget, as a generator's cut tail would have it? Textbooks with Dolma, nats, at " + ", ".join(f"{d / 1e9:.1f}B" for d in budgets) + " tokens: " + "; ".join(lines) + ". At 25 % it grows a little (one seed, natural text repeated), at 50 and 100 % it stays: no pattern of collapse over this factor of five."]  # fmt: skip
    found = []
    logs, curve = np.log(list(NATURAL_CURVE)), list(NATURAL_CURVE.values())
    slope = (curve[1] - curve[0]) / (logs[1] - logs[0])
    for row in zhu:
        if row.share and row.share < 1 and row.D:
            d = row.D / 1e9
            part = np.log((1 - row.share) * d)
            alone = np.interp(part, logs, curve) if part >= logs[0] else curve[0] + slope * (part - logs[0])
            found.append((row.share, d, row.effect, float(alone - np.interp(np.log(d), logs, curve))))
    off = np.array([e - p for _, _, e, p in found])
    text += ["", f"**Only the natural part counts in the last phase (arXiv 2511.13640).** With synthetic tokens worth nothing a mixture at share r and D tokens has the loss of natural text alone at (1 - r) D. GPT-2 on Dolma and textbooks, 15 mixtures: it foretells the cost with a mean error of {off.mean():+.3f} nats (standard deviation {off.std(ddof=1):.3f}; costs from {min(e for _, _, e, _ in found):.3f} to {max(e for _, _, e, _ in found):.3f}): " + "; ".join(f"{s:.0%} {np.mean([e for r, _, e, _ in found if r == s]):+.3f} measured, {np.mean([p for r, _, _, p in found if r == s]):+.3f} foretold" for s in (0.25, 0.5, 0.75)) + ". (Natural text is repeated beyond 8.4B tokens, so its curve is flatter than that of new text.) For task scores it fails: there a half of structured text is worth more than the natural text it replaced."]  # fmt: skip
    statements.append(
        Statement("only natural tokens count at last (arXiv 2511.13640)", "tail learning as if by the natural part alone", f"loss, textbooks: cost foretold to {off.mean():+.3f} \N{PLUS-MINUS SIGN} {off.std(ddof=1):.3f} nats; task scores: a half gains up to 5 points".replace("+-", "+"), "about right for loss, wrong for task scores"),
    )  # fmt: skip
    return Found("The published laws", text, statements, {"foretold": found})


def sections() -> Iterable[Any]:
    yield dclm_section()
    yield seven_section()
    yield seventeen_section()
    yield laws_section()
