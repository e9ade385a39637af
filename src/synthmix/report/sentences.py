"""Every sentence about a decision, made of its codes and numbers: the report, ``synthmix advise`` and its page all take
theirs from here. What was measured comes first, what is predicted second, with how confident one can be of it."""

import math
from collections.abc import Sequence
from statistics import fmean

from synthmix.interval import decimals, format_interval, level_text
from synthmix.quantities import fixed, format_count, format_share, listed, percent, plural, signed_text, times
from synthmix.results import Caveat, Decision, Measured, Option, Question, Range, Results, Sensitivity, Verdict
from synthmix.results.decisions import CAVEATS, NEARLY_FREE, UNDETERMINED
from synthmix.rounding import ROUNDING

SEVERAL = "several synthetic sources together"
UNCOMPARED = {
    "one_recipe": "Only one recipe was trained, so there is nothing to compare yet.",
    "no_natural": "Natural text alone was not trained, so no mixture can be compared with it yet.",
    "no_synthetic": "No recipe with synthetic text was trained, so there is nothing to compare yet.",
    "no_common_cell": "No size and budget was trained with both natural text alone and a mixture.",
}
_SENSITIVE = {
    "price": "price of {about}",
    "price against training": "price of {about} against training",
    "worth": "worth of {about}",
    "tokens": "budget",
    "params": "model size",
    "natural": "natural tokens",
    "budget_money": "money for synthetic text",
    "several kinds": "several kinds at once",
}
_THEN = {
    "not_determined": "no share of it is determined: no price can be named",
    "worse_at_every_share": "worse than the best at every share: at no price",
    "natural_as_good": "above it nothing is paid for: natural text alone is as good within the noise",
    "no_other_as_good": "no other recipe is as good, whatever the price",
    "other_as_good_and_cheaper": "above it {then} is as good and cheaper",
    "if_shown": "{per}",
    "if_gain_is_real": "{per}, if the expected gain is real",
    "worth_not_known": "not known",
    "another_recipe": "{then} (now {now})",
    "same_recipe": "no change: {now} from a hundredth to a hundred times of it",
    "same_recipe_below": "no change: {now} from a hundredth of it on",
    "never_mixed": "not known: no run mixes two of {names}, and a law of one source does not extend to two at once",
}


# The answer


def headline(decision: Decision) -> str:
    """One to three sentences: what was measured, what is predicted at the question, how confident that is."""
    return " ".join(part for part in (as_measured(decision), prediction(decision), confidence(decision)) if part)


def answer(decision: Decision) -> str:
    """The main sentence of a page: the prediction where it is determined, else what was measured."""
    return prediction(decision) or as_measured(decision)


def as_measured(decision: Decision) -> str:
    """What the largest runs showed, no law between; why nothing can be compared, where nothing can."""
    if decision.uncompared is not None:
        return UNCOMPARED[decision.uncompared]
    mixtures = [each for each in decision.measured if each.share > 0]
    if not mixtures:
        return ""
    best = min(mixtures, key=lambda each: each.loss.mid or 0.0)
    where = place(best.params, best.tokens)
    change = f"{format_interval(best.difference, signed=True)} nats per token"
    return f"Measured at {where}: the best mixture, {best.recipe}, differs from natural text alone by {change}."


def prediction(decision: Decision) -> str:
    """What is expected at the question; with nothing extrapolated, what the measurement shows. Empty where there is
    nothing to compare."""
    if not decision.verdicts:
        return ""
    first = decision.verdicts[0]
    where = f"At {place(decision.params, decision.tokens)}"
    if decision.basis == "measured":
        where = f"As measured at {place(decision.params, decision.tokens)}, nothing extrapolated"
    sentence = f"{where}: {claim(decision, first)}{best_share(decision, first)}"
    others = [v for v in decision.verdicts[1:] if v.state != first.state]
    if others:
        sentence += "; " + listed([f"{name_of(v)} {_state(decision, v)}" for v in others])
    return f"{sentence}."


def recommendation(decision: Decision) -> str:
    """Which recipe to take, what it changes and what it costs; empty where there is nothing to choose from."""
    if decision.recommended is None or decision.best is None:
        return ""
    chosen, best = decision.options[decision.recommended], decision.options[decision.best]
    alone = f"natural text alone{_repeated(chosen)}"
    if chosen.is_natural and best.is_natural:
        open_ = [v for v in decision.verdicts if v.state == "not determined"]
        why = "no mixture is shown to be better" if open_ else "no mixture is expected to be better"
        why += "" if chosen.allowed else " within the epochs that are allowed, which natural text alone does not keep"
        return f"Recommended: {alone}; {why}."
    if chosen.is_natural:
        change = format_interval(best.difference, signed=True)
        return (
            f"Recommended: {alone}, as good within the noise and at no cost. The lowest expected loss is "
            f"that of {best.recipe} ({change} nats per token), which these runs do not show to be better."
        )
    costs = [f"its text costs {amount(chosen.money)}"] if chosen.money else []
    if chosen.overhead:
        costs.append(f"its generation takes {chosen.overhead:.2g} times the FLOPs of training")
    if chosen.total_money is not None and chosen.gpu_hours is not None:
        costs.append(f"with {amount(chosen.gpu_hours)} GPU-hours of training {amount(chosen.total_money)}")
    cost = f"; {listed(costs)}" if costs else ""
    change = f"{format_interval(chosen.difference, signed=True)} nats per token against natural text alone"
    shown = "" if chosen.sign < 0 else ", a gain that these runs do not show to be real"
    natural = decision.natural
    often = "" if natural is None else _repeated(natural)
    return f"Recommended: {chosen.recipe}{_repeated(chosen)}, {change}{often}{shown}{cost}."


def _repeated(option: Option) -> str:
    """``, gone through 20 times``, where that is not nearly free, or not allowed; of a mixture its natural text."""
    often = option.natural_epochs or 0.0
    if often <= NEARLY_FREE and (option.allowed or often <= 1):
        return ""
    return f", {'' if option.is_natural else 'its natural text '}gone through {often:.3g} times"


def place(params: float, tokens: float) -> str:
    """``1B parameters and 100B tokens``."""
    return f"{format_count(params)} parameters and {format_count(tokens)} tokens"


def name_of(verdict: Verdict) -> str:
    """The source's name."""
    return verdict.source or SEVERAL


def claim(decision: Decision, verdict: Verdict) -> str:
    """What is said of one source, with the interval that it rests on."""
    name = name_of(verdict)
    option = None if verdict.option is None else decision.options[verdict.option]
    if option is None or option.difference.mid is None:
        return f"whether {name} helps is not determined{_reasons(decision, verdict)}"
    change = f"{format_interval(option.difference, signed=True)} nats per token"
    if verdict.state == "not determined":
        return f"whether {name} helps is not determined: {option.recipe} against natural text alone {change}"
    digits = decimals(option.difference)
    low, high = sorted(abs(x) for x in (option.difference.low or 0.0, option.difference.high or 0.0))
    size = fixed(abs(option.difference.mid), digits)
    by = f"by {size} nats per token ({level_text(option.difference)} {fixed(low, digits)} to {fixed(high, digits)})"
    does = _state(decision, verdict)
    if verdict.state == "helps":
        return f"{name} {does}: {option.recipe} lowers the loss {by}"
    least = f"even its least harmful recipe, {option.recipe}," if verdict.tried > 1 else option.recipe
    return f"{name} {does}: {least} raises the loss {by}"


def _state(decision: Decision, verdict: Verdict) -> str:
    if verdict.state == "not determined":
        return "is not determined"
    return f"is expected to {verdict.state[:-1]}" if decision.basis == "laws" else verdict.state


def _reasons(decision: Decision, verdict: Verdict) -> str:
    codes = next((c.names for c in verdict.caveats if c.code == "not_determined"), [])
    return f": {listed([UNDETERMINED[code] for code in codes[:2]])}" if codes else ""


def best_share(decision: Decision, verdict: Verdict) -> str:
    """``; the best share is about 31% (...)``, or what is wrong with it; empty where there is none."""
    best = verdict.best
    if verdict.option is None or best is None or best.mid is None:
        return ""
    if verdict.edge == "bottom":
        return f"; the best share is the lowest tried, {format_interval(best, percent)}"
    if verdict.edge == "top":
        if best.mid >= 0.995:
            return "; the loss is lowest at a share of 100%, the edge of what is possible"
        return f"; the best share is the highest tried, {percent(best.mid)}, so the optimum may lie beyond it"
    return f"; the best share is about {format_interval(best, percent)}"


# Confidence and caveats


def confidence(decision: Decision, verdict: Verdict | None = None) -> str:
    """``Confidence: low: the question lies 1.0 decades beyond the largest run.`` Empty without a verdict."""
    if verdict is None:
        if not decision.verdicts:
            return ""
        verdict = decision.verdicts[0]
    grave = [caveat_text(caveat) for caveat in (*verdict.caveats, *decision.caveats) if caveat.grave]
    if verdict.confidence == "high":
        option = decision.options[verdict.option or 0]
        ratio = abs(option.difference.mid or 0.0) / (decision.two_runs or float("inf"))
        mild = [caveat_text(caveat) for caveat in verdict.caveats]
        ground = f"the difference is {ratio:.1f} times what the seed alone can do"
        return f"Confidence: high: {ground}{', though ' + listed(mild) if mild else ''}."
    said = listed(grave[:2]) if grave else "the interval leaves it open"
    return f"Confidence: {verdict.confidence}: {said}."


def caveat_text(caveat: Caveat) -> str:
    """One caveat as a clause, with its numbers."""
    numbers, names = caveat.numbers, listed(caveat.names)
    if caveat.code == "within_noise":
        return f"two runs of one recipe may differ by {numbers['nats']:.2g} nats through the seed alone"
    if caveat.code in ("far", "beyond"):
        far = max(numbers["params"], numbers["tokens"])
        return f"the question lies {far:.1f} decades beyond the largest run"
    if caveat.code == "held_out":
        missed = f"the law missed runs that it was not fitted to by about {numbers['nats']:.2g} nats"
        return f"{missed}, as much as the difference"
    if caveat.code == "laws_disagree":
        each = listed([f"{law} {fixed(value, signed=True)}" for law, value in numbers.items()])
        return f"the laws of {caveat.about} disagree at the question: lowest difference from natural text {each}"
    if caveat.code == "repetition":
        read = f"natural text alone would be read {numbers['epochs']:.3g} times"
        return f"{read}; beyond {numbers['free']:g} epochs the law of repetition is itself uncertain"
    if caveat.code == "too_often":
        often, allowed = numbers["epochs"], numbers["allowed"]
        return f"natural text alone would be gone through {often:.3g} times, and {allowed:.3g} are allowed"
    if caveat.code == "not_determined":
        return listed([UNDETERMINED[code] for code in caveat.names[:3]]) if caveat.names else CAVEATS[caveat.code]
    if caveat.code == "tasks_disagree":
        return f"loss and task scores disagree about the best share: {names}"
    if caveat.code == "diverged":
        return f"{numbers['runs']:.0f} of {plural(int(numbers['of']), 'run')} diverged and were left out ({names})"
    if caveat.code == "valuation_disagrees":
        return f"{CAVEATS[caveat.code]}: {caveat.about}"
    return CAVEATS[caveat.code]


def caveats(decision: Decision) -> list[str]:
    """All caveats of a decision, each once, the grave ones first."""
    every = [*(c for verdict in decision.verdicts for c in verdict.caveats), *decision.caveats]
    return list(dict.fromkeys(caveat_text(c) for c in sorted(every, key=lambda c: not c.grave)))


def undetermined(codes: Sequence[str]) -> str:
    """Why an option is not determined."""
    return listed([UNDETERMINED[code] for code in codes])


# Options and what goes with them


def distance(decision: Decision) -> str:
    """How far the question lies beyond the runs."""
    far = decision.decades_params, decision.decades_tokens, decision.decades_compute
    if max(far) == 0:
        return "the question lies inside what was trained"
    return (
        f"{far[0]:.1f} decades in parameters, {far[1]:.1f} in tokens and {far[2]:.1f} in compute beyond the largest run"
    )


def measured_text(seen: Measured | None) -> str:
    """``−0.031 (−0.05 to −0.01)``, the measured difference of a recipe; its loss for natural text alone."""
    if seen is None:
        return "not measured"
    if seen.difference.mid is None:
        return format_interval(seen.loss, ".3f", level=False)
    return format_interval(seen.difference, "+.3f", level=False)


def amount(money: float) -> str:
    """Money, four digits."""
    return signed_text(f"{money:,.4g}" if abs(money) < 1e4 else f"{money:,.0f}")


def training_cost(question: Question) -> dict[str, str]:
    """What the price list says of the training, as a fact with its name; nothing where there is none."""
    prices = question.prices
    if prices is None:
        return {}
    hours = prices.hours(6.0 * question.params * question.tokens)
    said = f"{amount(hours)} GPU-hours, {amount(hours * prices.gpu_hour)}, by 6 FLOPs a parameter and token"
    how = f"{prices.flops:.3g} FLOP/s of which {percent(prices.mfu)} are used, {amount(prices.gpu_hour)} an hour"
    return {"Training": f"{said} ({how}); saves, net: what its saved tokens are worth minus the price of its text"}


def epochs(option: Option) -> str:
    """How often both texts are gone through."""
    natural = "?" if option.natural_epochs is None else f"{option.natural_epochs:.2g}"
    return f"{natural}, {option.synthetic_epochs:.2g}"


def alternative(found: Range) -> str:
    """``10% to 55% hq, for 5,000 to 27,500``."""
    if found.kind is None:
        return "natural text alone, at no cost"
    shares = format_share(found.low)
    if found.high > found.low:
        shares += f" to {format_share(found.high)}"
    money = amount(found.money_low)
    if found.money_high > found.money_low:
        money += f" to {amount(found.money_high)}"
    return f"{shares} {found.kind}, for {money}"


def sensitive_to(row: Sensitivity) -> str:
    """What is varied."""
    return _SENSITIVE[row.what].format(about=row.about)


def then(row: Sensitivity) -> str:
    """What holds from the value on."""
    if row.what == "natural" and row.code.startswith("same_recipe"):
        ends = "from a hundredth to a hundred times of it" if row.code == "same_recipe" else "from a hundredth of it on"
        return f"{row.recipe_now} {ends}, however often that repeats it"
    per = f"training tokens saved by one token of {row.about}: above the cost of training on so many it does not pay"
    if row.what == "price against training":
        per = "above it, training longer on natural text reaches the same loss for less"
    return _THEN[row.code].format(then=row.recipe_then, now=row.recipe_now, names=listed(row.names), per=per)


def to_mix(decision: Decision, natural: str) -> str:
    """The recipe to train to know of two kinds at once; empty where there is none to name."""
    if decision.next_run_to_mix is None:
        return ""
    parts = ", ".join(f"{name}: {share:.0%}" for name, share in decision.next_run_to_mix.items())
    names = listed(list(decision.next_run_to_mix))
    recipe = f"both: {{{natural}: rest, {parts}}}"
    return f"no run mixes {names}; whether both do better than one, a recipe in mix.recipes would tell: {recipe}"


# What else a study measured


def evidence(results: Results) -> list[str]:
    """Sentences about each source from the study's own numbers: by domain, by task, its text, its curve."""
    decision = results.decision
    if decision is None or not decision.measured:
        return []
    found = []
    for source in dict.fromkeys(recipe.synthetic for recipe in results.recipes if recipe.synthetic):
        found += [*_by_domain(results, source), *_by_task(results, source), *_text(results, source)]
        found += _collapse(decision, source)
    return found


def _by_domain(results: Results, source: str) -> list[str]:
    """The source's best recipe as trained at the largest cell, by domain."""
    assert results.decision is not None
    names = {recipe.name for recipe in results.recipes if recipe.synthetic == source}
    mine = [each for each in results.decision.measured if each.recipe in names]
    alone = [each for each in results.decision.measured if each.share == 0]
    if not mine or not alone:
        return []
    best = min(mine, key=lambda each: each.loss.mid or 0.0)
    rows = [row for row in results.runs if (row.params, row.tokens) == (best.params, best.tokens)]
    ours = [row for row in rows if row.recipe == best.recipe]
    base = [row for row in rows if row.recipe == alone[0].recipe]
    gains = {d: fmean(r.losses[d] for r in ours) - fmean(r.losses[d] for r in base) for d in base[0].losses}
    ends = sorted(gains, key=lambda d: gains[d])[:: max(1, len(gains) - 1)]  # none of runs without domains
    least_and_most = [f"{fixed(gains[each], signed=True)} on {each}" for each in ends]
    spread = (
        f"; from {least_and_most[0]} to {least_and_most[-1]}"
        if ends and gains[ends[-1]] - gains[ends[0]] > ROUNDING
        else ""
    )
    change = fixed(best.difference.mid, signed=True)
    return [
        f"{source}, measured at {place(best.params, best.tokens)}: {best.recipe} {change} nats against natural text "
        f"alone{spread}."
    ]


def _by_task(results: Results, source: str) -> list[str]:
    """Best share by each task's score beside that by loss: at the study's question where it has one."""
    found = []
    for task in results.tasks:
        mine = [share for share in task.shares if share.synthetic == source]
        if mine and task.at_chance:
            found.append(
                f"{source}, {task.task}: no run scores above chance, so it is no evidence about the best share."
            )
        elif mine:
            last = max(mine, key=lambda share: (share.is_question, share.params * share.tokens))
            score, loss = format_interval(last.by_score, percent), format_interval(last.by_loss, percent)
            at = place(last.params, last.tokens)
            verdict = AGREEMENT[last.verdict]
            best = f"best share by score {score}, by loss {loss}"
            found.append(f"{source}, {task.task} at {at}: {best}; {verdict} ({last.reason}).")
    return found


AGREEMENT = {
    "agree": "they agree",
    "disagree": "they disagree",
    "not determined": "whether they agree is not determined",
}


def _text(results: Results, source: str) -> list[str]:
    """Coverage and divergence of the source alone (or its largest share), beside those of natural text."""
    shares = {recipe.name: recipe.share for recipe in results.recipes if recipe.synthetic == source}
    natural = next((recipe.name for recipe in results.recipes if recipe.share == 0), "")
    name = max(shares, key=lambda each: shares[each])
    pairs = {recipe: [s for s in results.statistics if s.recipe == recipe] for recipe in (natural, name)}
    if not all(pairs.values()):
        return []
    cover = [fmean(s.coverage_mass for s in pairs[recipe]) for recipe in pairs]
    kl = [fmean(s.kl_test_train for s in pairs[recipe]) for recipe in pairs]
    return [
        f"{source}, its text: {name} covers {cover[1]:.2%} of the held-out tokens (natural text {cover[0]:.2%}), "
        f"KL(test || train) {kl[1]:.3f} nats (natural text {kl[0]:.3f})."
    ]


def _collapse(decision: Decision, source: str) -> list[str]:
    """The collapse test of the source's recipes."""
    rows = [(o.share, o.collapse.verdict) for o in decision.options if o.kind == source and o.collapse is not None]
    each = [f"{format_share(share)} {verdict}" for share, verdict in rows]
    return [f"{source}, collapse (does its curve flatten against natural text's?): {listed(each)}."] if each else []


# Findings and limits of the study: each sentence rests on a number of it


def says(results: Results) -> list[str]:
    """What the numbers support."""
    found = []
    if (decision := results.decision) is not None:
        for verdict in decision.verdicts:
            said = claim(decision, verdict) + best_share(decision, verdict)
            found.append(f"{_capital(said, name_of(verdict))}. {confidence(decision, verdict)}")
    found += _noise(results) + _held_out(results) + _domains(results)
    return found


def says_not(results: Results) -> list[str]:
    """What the numbers do not support, though a reader might think so."""
    verdicts = results.decision.verdicts if results.decision is not None else []
    found = [*_extrapolation(results), *_spans(results)]
    if any(v.tried > 1 for v in verdicts):
        most = max(v.tried for v in verdicts)
        found.append(
            f"The interval of the best recipe does not allow for its having been picked as the best of {most}, "
            "which flatters it a little."
        )
    if results.imported is not None:
        found.append(
            "The runs are another trainer's: their text, corpora, repetition, time and device are not known here, so "
            "coverage of held-out text, costs in time and epochs are left out, and whether the held-out text was kept "
            "out of training is that trainer's to say."
        )
    unseen = [d.name for d in results.domains if d.whole]
    scored = f"{plural(len(results.domains), 'held-out domain')}, {len(unseen)} of them never trained on"
    beyond = "tasks have a section of their own" if results.tasks else "task scores were not measured"
    if not results.tasks and any(run.tasks for run in results.runs):
        beyond = "scores are not weighed here, since how many questions were asked is not known (fit --best share does)"
    found.append(
        f"It is about loss on {scored}, averaged as stated below; {beyond}, and a source whose style matches a domain "
        "scores well there for its style."
    )
    epochs = max((e for run in results.runs for e in run.epochs.values()), default=0.0)
    if epochs > 1:
        found.append(f"Some runs read a source {times(epochs)} over, so repetition is mixed into their losses.")
    if verdicts:
        found.append(
            "It compares with the natural text as given, not with a better filtered one, and covers one round of "
            "generation, not models trained on their own output again and again."
        )
    return found


def _noise(results: Results) -> list[str]:
    noise, decision = results.noise, results.decision
    apart = None if decision is None else decision.two_runs
    if noise.sd is None or apart is None:
        return ["No recipe was trained with more than one seed: differences between single runs may be seed noise."]
    count = f"{plural(noise.runs, 'run')} of {plural(noise.cells, 'repeated setting')}"
    return [
        f"Seed noise is {noise.sd:.2g} nats per token (from {count}): in nine cases of ten, two runs that "
        f"differ only in their seed lie less than {apart:.2g} nats apart."
    ]


def _held_out(results: Results) -> list[str]:
    tests = [(fit.law, fit.held_out) for fit in results.fits if fit.held_out]
    if not tests:
        return []
    law, worst = max(tests, key=lambda test: test[1].mean_abs_relative_error)
    most = _relative(worst.mean_abs_relative_error)
    least = _relative(min(test.mean_abs_relative_error for _, test in tests))
    off = most if least == most else f"{least} to {most} (worst: {law})"
    return [f"On runs held out of their fit ({worst.what}), the laws have a mean error of {off}."]


def _domains(results: Results) -> list[str]:
    seen = results.decision.measured if results.decision is not None else []
    if not seen:
        return []
    cell = (seen[0].params, seen[0].tokens)
    rows = [run for run in results.runs if (run.params, run.tokens) == cell]
    by_recipe = {each.recipe: [run for run in rows if run.recipe == each.recipe] for each in seen}
    natural = by_recipe[seen[0].recipe]
    found = []
    for name, runs in by_recipe.items():
        if runs[0].share == 0:
            continue
        change = {
            domain: sum(r.losses[domain] for r in runs) / len(runs)
            - sum(r.losses[domain] for r in natural) / len(natural)
            for domain in natural[0].losses
            if all(domain in r.losses for r in [*runs, *natural])
        }
        if change:
            best, worst = min(change, key=lambda d: change[d]), max(change, key=lambda d: change[d])
            better = sum(x < 0 for x in change.values())
            found.append(
                f"{name}: lower loss than the natural text on {better} of {plural(len(change), 'domain')} "
                f"(most on {best}, {fixed(change[best], 3, signed=True)}; least on {worst}, "
                f"{fixed(change[worst], 3, signed=True)})"
            )
    return [f"As measured at {place(*cell)}, {'; '.join(found)}."] if found else []


def _extrapolation(results: Results) -> list[str]:
    decision = results.decision
    if decision is None:
        return []
    decades = ((decision.decades_params, "parameters"), (decision.decades_tokens, "tokens"))
    far = [f"{times(10**each)} ({each:.1f} decades) in {what}" for each, what in decades if each > 0]
    if not far:
        return []
    return [
        f"The question lies beyond the largest run by {listed(far)}. The intervals carry the runs' noise through the "
        "law but not the chance that the law itself bends out there."
    ]


def _spans(results: Results) -> list[str]:
    short = []
    for what, values in (
        ("parameters", {r.params for r in results.runs}),
        ("tokens", {r.tokens for r in results.runs}),
    ):
        span = math.log10(max(values) / min(values))
        if 0 < span < 2:
            short.append(f"{span:.1f} decades of {what}")
    if not short:
        return []
    return [f"The runs span only {listed(short)}; exponents are well determined from two or more."]


def _relative(error: float) -> str:
    return percent(error) if error >= 0.01 else f"{error * 100:.2g}%"


def _capital(sentence: str, name: str) -> str:
    """A capital first letter, unless a corpus's name stands there, which is written as its owner wrote it."""
    if sentence.startswith(name):
        return sentence
    return sentence[:1].upper() + sentence[1:]
