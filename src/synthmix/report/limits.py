"""What this says and what it does not: sentences that each hang on a number of this very study."""

import math

from synthmix.quantities import fixed, format_count, listed, percent, plural, times
from synthmix.report.measured import at_cell, largest_cell
from synthmix.report.verdict import judge, two_runs
from synthmix.report.words import verdict_sentence
from synthmix.results import Results


def says(results: Results) -> list[str]:
    """What the numbers support."""
    judgement = judge(results)
    found = [_capital(verdict_sentence(v, judgement), v.synthetic) for v in judgement.verdicts]
    found += _noise(results) + _held_out(results) + _domains(results)
    return found


def says_not(results: Results) -> list[str]:
    """What the numbers do not support, though a reader might think so."""
    judgement = judge(results)
    found = []
    if judgement.answer is not None and judgement.asked:
        found += _extrapolation(results)
    found += _spans(results)
    if any(v.tried > 1 for v in judgement.verdicts):
        most = max(v.tried for v in judgement.verdicts)
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
    if judgement.verdicts:
        found.append(
            "It compares with the natural text as given, not with a better filtered one, and covers one round of "
            "generation, not models trained on their own output again and again."
        )
    return found


def _noise(results: Results) -> list[str]:
    apart = two_runs(results)
    if results.noise.sd is None or apart is None:
        return ["No recipe was trained with more than one seed: differences between single runs may be luck."]
    count = f"{plural(results.noise.runs, 'run')} of {plural(results.noise.cells, 'repeated setting')}"
    return [
        f"Seed noise is {results.noise.sd:.2g} nats per token (from {count}): in nine cases of ten, two runs that "
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
    cell = largest_cell(results)
    if cell is None:
        return []
    by_recipe = at_cell(results, cell)
    natural = next(runs for runs in by_recipe.values() if runs[0].share == 0)
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
    size = f"{format_count(cell[0])} parameters and {format_count(cell[1])} tokens"
    return [f"As measured at {size}, {'; '.join(found)}."] if found else []


def _extrapolation(results: Results) -> list[str]:
    answer = results.answer
    assert answer is not None
    far = [
        f"{times(10**decades)} ({decades:.1f} decades) in {what}"
        for decades, what in ((answer.decades_params, "parameters"), (answer.decades_tokens, "tokens"))
        if decades > 0
    ]
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
