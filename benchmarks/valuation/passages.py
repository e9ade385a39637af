"""Passages of so many words, cut from the texts of a file, and the tasks that are made of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.language import passage_learner
from benchmarks.valuation.noise_text import PLAIN
from benchmarks.valuation.sources import Source, rows
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

WORDS = 120
LEAST = 40  # words of a passage
MOST_TEXTS = 1500  # of one language model


def texts(name: str, keep: Callable[[dict[str, Any]], bool] = lambda row: True) -> list[str]:
    """The texts of a file's records that are to be kept."""
    return [row["text"] for row in rows(name) if keep(row)]


def passages(texts: Iterable[str], most: int, *, natural: bool, skip: int = 0, words: int = WORDS) -> Source:
    """At most ``most`` passages of a text, after its first ``skip`` words."""

    def cut() -> Iterator[str]:
        for text in texts:
            left = text.split()[skip:]
            for start in range(0, min(len(left), most * words), words):
                if len(part := left[start : start + words]) >= LEAST:
                    yield " ".join(part)

    return Source(list(cut()), natural=natural)


def written(name: str, model: str, op: str = "") -> Source:
    """Two passages each of what one model wrote."""
    kept = texts(name, lambda row: row["source"] == model and op in ("", row["op"]))
    return passages(kept[:MOST_TEXTS], 2, natural=False)


def passage_task(
    name: str,
    sources: Mapping[str, Source],
    *,
    generators: tuple[str, ...],
    fixed: tuple[Recipe, ...],
    sizes: tuple[int, ...],
    seed: int,
    reference: tuple[str, Source],
    test: tuple[str, Source],
    count: int = 32,
    seeds: int = 3,
    costed: bool = True,
) -> Task:
    """Contributors of passages, the ``fixed`` ones and random ones; truth: test loss of a small Llama, one budget for
    all.

    Args:
        sources: ``real`` among them. generators: those that the random ones draw from. sizes: of these, in passages.
        seed: of the random ones. seeds: of the truth.
        reference, test: what tables call them, and their passages.
    """
    recipes = design(
        count,
        {"size": sizes, "share": (0.0, 0.0, 0.25, 0.5, 0.75, 1.0), "generator": generators},
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in PLAIN for strength in (0.5, 1.0))),
        fixed=fixed,
        seed=seed,
    )
    return Task(
        name,
        (Pool.of(reference[0], reference[1].items, share=1),),
        tuple(contribute(recipe, sources, PLAIN) for recipe in recipes),
        Pool.of(test[0], test[1].items, share=1),
        learner=passage_learner,
        metrics=("loss",),
        seeds=seeds,
        costed=costed,
    )
