"""What our score's settings change: Spearman with the truth by task, of the score and, in brackets, of a term alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from benchmarks.valuation.correlation import agreements, signed
from benchmarks.valuation.methods import SEED, learner_of
from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks import DEVELOPMENT, make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import truth
from synthmix.valuation.encoding import Encoder
from synthmix.valuation.gradients import gradients_for
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.discrepancy import WIDTHS
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.ridge_transfer import Lifted, RidgeTransfer
from synthmix.valuation.valuer import Valuer

WHOLE = "score"


LABELLED, TEXT = ("images", "sentiment"), ("instruction", "reasoning")
Change = Callable[[Task], Task]


@dataclass(frozen=True)
class Setting:
    """One change.

    Attributes:
        changed: what :class:`Valuer` is told.
        alone: a term that it changes, whose own order of the datasets is shown beside the whole score's, which may not
            show it: the discrepancy has a weight of a tenth, the complexity none.
        tasks: on which it changes anything; empty: on all.
        task: what happens to the task before; encoder and tokenizer are then fitted anew.
        after: what happens to the fitted valuer.
        model: columns of the gradients of the task's model; 0: no model is asked.
        encoder: its width, where another one is taken.
    """

    name: str
    changed: dict[str, Any] = field(default_factory=dict)
    alone: str = "discrepancy"
    tasks: tuple[str, ...] = ()
    task: Change | None = None
    after: Callable[[Valuer], None] | None = None
    model: int = 0
    encoder: int = 0


def settings() -> Iterator[Setting]:
    """All of them; the first is the default."""
    yield Setting("default")
    for seed in (1, 2):
        yield Setting(f"random features of seed {seed} (0)", {"seed": seed})
    for ridge in (1e-6, 1e-4, 1e-2, 1.0, 10.0, 100.0):
        yield Setting(f"regression: ridge {ridge:g} (best of 7)", {"ridges": (ridge,)}, "", LABELLED)
    for factor in (0.25, 4.0):
        yield Setting(f"regression: bandwidth times {factor:g}", {}, "", LABELLED, after=_widened(factor))
    for lift in (0, 128, 1024):
        yield Setting(f"regression: {lift} random features (256)", {"lift": lift}, "", LABELLED)
    for factor in (0.25, 4.0):
        yield Setting(f"n-grams: back-off times {factor:g}", {}, "", TEXT, after=_smoothed(factor))
    for slower in ((1.0,), (1.0, 4.0, 16.0), (1.0, 4.0, 16.0, 64.0, 256.0), (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)):
        told = ", ".join(f"{each:g}" for each in slower)
        yield Setting(f"n-grams: learners {told} (1, 4, 16, 64)", {}, "", TEXT, after=_learning(slower))
    for order in (1, 2, 3, 5):
        yield Setting(f"n-grams: up to {order} (4)", {"order": order}, "", TEXT)
    for factor in (0.25, 4.0):
        widths = tuple(factor * width for width in WIDTHS)
        yield Setting(f"discrepancy: bandwidths times {factor:g}", {"widths": widths})
    yield Setting("discrepancy: one kernel (3), of the median distance", {"widths": (1.0,)})
    for features in (64, 256, 2048):
        yield Setting(f"discrepancy: {features} random features a kernel (512)", {"features": features})
    for width in (32, 64, 128):
        yield Setting(f"encoder of {width} directions (256; images have 64)", encoder=width)
    for share in (0.1, 0.25, 0.5):
        yield Setting(f"{share:.0%} of the reference", task=_smaller_reference(share))
    for most in (50, 100, 400):
        yield Setting(f"at most {most} items of each dataset", task=_subsampled(most))
    for ridge in (1e-4, 1e-2, 1.0):
        yield Setting(f"complexity: ridge {ridge:g} (0.01)", {"ridge": ridge}, "complexity", LABELLED, model=512)
    for width in (64, 2048):
        yield Setting(f"complexity: gradients {width} wide (512)", {}, "complexity", LABELLED, model=width)


def _widened(factor: float) -> Callable[[Valuer], None]:
    def change(valuer: Valuer) -> None:
        term = next(term for term in valuer.terms if isinstance(term, RidgeTransfer))
        assert isinstance(term.featurise, Lifted)
        term.featurise.bandwidth *= factor
        term.fit(valuer.reference)

    return change


def _smoothed(factor: float) -> Callable[[Valuer], None]:
    def change(valuer: Valuer) -> None:
        term = next(term for term in valuer.terms if isinstance(term, NgramTransfer))
        assert term.kappas is not None
        term.kappas = term.kappas * factor

    return change


def _learning(slower: tuple[float, ...]) -> Callable[[Valuer], None]:
    def change(valuer: Valuer) -> None:
        next(term for term in valuer.terms if isinstance(term, NgramTransfer)).slower = slower

    return change


def _smaller_reference(share: float) -> Change:
    def change(task: Task) -> Task:
        size = max(20, round(share * len(task.reference.all())))
        return replace(task, references=tuple(_sampled(pool, size) for pool in task.references))

    return change


def _subsampled(most: int) -> Change:
    def change(task: Task) -> Task:
        smaller = (replace(each, pool=_sampled(each.pool, most)) for each in task.contributors)
        return replace(task, contributors=tuple(smaller))

    return change


def _sampled(pool: Pool, most: int) -> Pool:
    batch = pool.take(most, seed=1)
    return Pool.of(pool.name, batch.items, batch.labels, share=pool.share)


class RememberedTokenizer:
    """Any tokenizer whose ids of a text are looked up the second time."""

    def __init__(self, tokenizer: Any) -> None:
        self.vocab_size = tokenizer.vocab_size
        self._tokenizer, self._known = tokenizer, dict[str, np.ndarray]()

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text."""
        return _looked_up(self._known, texts, lambda new: map(np.asarray, self._tokenizer.encode_batch(new)))


class RememberedEncoder:
    """A fitted encoder whose features of a text are looked up the second time; arrays are encoded anew."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self._known = encoder, dict[str, np.ndarray]()

    def fit(self, reference: Pool) -> Self:
        """It is fitted already."""
        return self

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, d)."""
        if isinstance(items, np.ndarray):
            return self._encoder.encode(items)
        return np.stack(_looked_up(self._known, items, self._encoder.encode))

    def seen(self, items: int) -> np.ndarray:
        """The encoder's own."""
        return self._encoder.seen(items)


def _looked_up(known: dict[str, Any], texts: Sequence[str], make: Callable[[list[str]], Any]) -> list[Any]:
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        known.update(zip(new, make(new), strict=True))
    return [known[text] for text in texts]


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
