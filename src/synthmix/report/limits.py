"""What this says and what it does not: sentences that each hang on a number of this very study."""

import math

from synthmix.quantities import fixed, listed, percent, plural, times
from synthmix.report import sentences
from synthmix.results import Results


def says(results: Results) -> list[str]:
    """What the numbers support."""
    found = []
    if (decision := results.decision) is not None:
        for verdict in decision.verdicts:
            claim = sentences.claim(decision, verdict) + sentences.best_share(decision, verdict)
            found.append(f"{_capital(claim, sentences.name_of(verdict))}. {sentences.confidence(decision, verdict)}")
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
    unseen = [d.name for d in results.domains if d.whole]
    scored = f"{plural(len(results.domains), 'held-out domain')}, {len(unseen)} of them never trained on"
    beyond = "it does not say how a model does at tasks" if not results.tasks else "tasks have a section of their own"
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
        return ["No recipe was trained with more than one seed: differences between single runs may be luck."]
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
    return [f"Asked to predict runs left out of their fit ({worst.what}), the laws were off by {off} on average."]


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
    return [f"As measured at {sentences.place(*cell)}, {'; '.join(found)}."] if found else []


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
