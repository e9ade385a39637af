"""The settings of our score that the sensitivity study changes, one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.valuation.tasks.task import Task

from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.discrepancy import WIDTHS
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.ridge_transfer import Lifted, RidgeTransfer
from synthmix.valuation.valuer import Valuer

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
