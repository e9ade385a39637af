"""What our score's settings change: Spearman with the truth by task, of the score and, in brackets, of a term alone."""

from collections.abc import Iterator, Sequence

import numpy as np
from benchmarks.valuation.correlation import agreements, signed
from benchmarks.valuation.methods import SEED, learner_of
from benchmarks.valuation.remembered import RememberedEncoder, RememberedTokenizer
from benchmarks.valuation.settings import Setting, settings
from benchmarks.valuation.tasks import DEVELOPMENT, make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import truth

from synthmix.markdown import markdown_table
from synthmix.valuation.gradients import gradients_for
from synthmix.valuation.valuer import Valuer

WHOLE = "score"


def tables(names: Sequence[str]) -> Iterator[str]:
    """One table of the development tasks: nothing may be chosen by the truth of the others."""
    chosen = [name for name in names if name in DEVELOPMENT]
    found = [spearmans(make_task(name)) for name in chosen]
    rows = []
    for setting in settings():
        made = [each.get(setting.name, (np.nan, np.nan)) for each in found]
        if any(np.isfinite(pair).any() for pair in made):
            rows.append([setting.name, *map(_shown, made), _shown(_mean(made)) if not setting.tasks else ""])
    yield "## Sensitivity\n"
    yield markdown_table(["setting (default)", *chosen, "mean"], rows) + "\n"


def spearmans(task: Task) -> dict[str, tuple[float, float]]:
    """By setting: of the score, and of the term alone that it is asked of; nothing of one that changes nothing here."""
    worth, made = truth(task), dict[str, tuple[float, float]]()
    usual = Valuer().fit(task.reference)
    shared = {"encoder": RememberedEncoder(usual.encoded)}
    shared |= {} if usual.tokenizer is None else {"tokenizer": RememberedTokenizer(usual.tokenizer)}
    for setting in settings():
        if setting.tasks and task.name not in setting.tasks:
            continue
        mine = setting.task(task) if setting.task else task
        asked = setting.changed | ({} if setting.task else shared)
        if setting.encoder:
            asked["encoder"] = type(usual.encoded)(setting.encoder).fit(task.reference)
        if setting.model:
            learner = learner_of(task, task.reference)
            asked["gradients"] = gradients_for(learner, learner.initial(SEED), width=setting.model)
        found = scores(mine, setting, Valuer(**asked))
        target = signed(worth, [each.name for each in task.contributors], task.metrics[0])
        whole = np.nan if setting.model else _spearman(found[WHOLE], target)
        made[setting.name] = whole, _spearman(found[setting.alone], target) if setting.alone else np.nan
    return made


def scores(task: Task, setting: Setting, valuer: Valuer) -> dict[str, np.ndarray]:
    """(contributors,) of the whole score and of each term alone, higher being better."""
    valuer.fit(task.reference)
    if setting.after is not None:
        setting.after(valuer)
    made: dict[str, list[float]] = {part: [] for part in (WHOLE, *(term.name for term in valuer.terms))}
    for each in task.contributors:
        summary = valuer.summarise(each.pool)
        score, terms = valuer.weights.score_summary(summary, valuer.terms)
        made[WHOLE].append(score)
        for name, value in terms.items():
            made[name].append(-value)
    return {part: np.array(row) for part, row in made.items()}


def _spearman(row: np.ndarray, target: np.ndarray) -> float:
    return agreements(row, target, np.arange(len(row))[None])["spearman"].value


def _mean(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return float(np.mean([pair[0] for pair in pairs])), float(np.mean([pair[1] for pair in pairs]))


def _shown(pair: tuple[float, float]) -> str:
    """The score's, and the term's in brackets."""
    score, alone = (f"{value:.3f}" if np.isfinite(value) else "" for value in pair)
    return f"{score} ({alone})".strip() if alone else score
