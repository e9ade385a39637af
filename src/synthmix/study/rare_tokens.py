"""Rare in training, costly in loss: the loss of a study's models at the largest cell by the token's training frequency.

Two binnings. By the recipe's own counts: what a token costs a model that saw it so often. By the natural recipe's
counts, the same bins for all: from which tokens a mixture's gain or loss over the natural text comes; the parts add up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from synthmix.errors import SynthmixError
from synthmix.evaluation.losses import EDGES, TokenLosses, bin_names
from synthmix.progress import Progress, Silent
from synthmix.statistics.count import Each, in_turn, recipe_counts
from synthmix.store import RunRecord, Store
from synthmix.study.corpora import EvaluationDomain
from synthmix.study.finished_study import FinishedStudy


@dataclass(frozen=True)
class RareRow:
    """One recipe, domain and bin at the largest cell, means over seeds. ``nats``: per token of the bin; ``of_tokens``
    and ``of_loss``: the bin's shares of the held-out tokens and of the loss; ``gain``: by how many nats per token of
    the whole text the recipe's loss lies above the natural text's because of the tokens in this bin of the natural
    text's counts (below zero: better; None for the natural text itself)."""

    recipe: str
    domain: str
    bin: str
    tokens: int
    nats: float | None
    of_tokens: float
    of_loss: float
    gain: float | None


@dataclass(frozen=True)
class ScoreTask:
    """One finished model on all domains: (name, domain, how many tokens of it the run was scored on)."""

    run: str
    store: Store
    domains: tuple[tuple[str, EvaluationDomain, int], ...]
    vocab: int
    context: int
    precision: str


def score_by_token(task: ScoreTask) -> dict[str, TokenLosses]:
    """Losses by predicted token of each domain.

    Raises:
        BadInput: the checkpoint is damaged, or a domain is too short.
    """
    from synthmix.evaluation.losses import losses_by_token
    from synthmix.training.checkpoint import load_checkpoint

    model = load_checkpoint(task.store.checkpoint(task.run))
    return {
        name: losses_by_token(
            model, domain.open().stream, task.vocab,
            context=task.context, precision=task.precision, max_tokens=tokens, name=name,
        )
        for name, domain, tokens in task.domains
    }  # fmt: skip


def rare_tokens(text: FinishedStudy, *, each: Each = in_turn, progress: Progress | None = None) -> list[RareRow]:
    """All recipes, domains and bins at the largest cell that has checkpoints; empty where none was kept.

    The same held-out tokens as the runs' losses are measured on, so the bins add up to these.

    Raises:
        BadInput: a damaged checkpoint, or a corpus that is gone.
    """
    progress, store = progress or Silent(), Store(text.folder / "runs")
    kept = [r for r in text.records if (store.checkpoint(r.id) / "config.json").exists()]
    ids = {r.id for r in kept}
    held = np.array([run in ids for run in text.table.text("run")])
    cell = text.table.select(held).largest_cell() if held.any() else None
    if cell is None:
        return []
    records = {r.id: r for r in kept if (r.params, r.tokens) == (cell.N, cell.D)}
    tasks = [
        ScoreTask(
            run=r.id,
            store=store,
            domains=tuple((name, domain, r.losses[name].tokens) for name, domain in text.domains.items()),
            vocab=r.spec.vocab,
            context=r.spec.protocol.context,
            precision=r.precision,
        )
        for r in records.values()
    ]
    progress.start("loss by training frequency", len(tasks), "models")
    losses: dict[tuple[str, str], TokenLosses] = {}
    for done, (task, outcome) in enumerate(each(score_by_token, tasks), start=1):
        if isinstance(outcome, SynthmixError):
            raise outcome
        for domain, found in outcome.items():
            key = (records[task.run].spec.recipe, domain)
            losses[key] = losses[key] + found if key in losses else found
        progress.update("loss by training frequency", done)
    progress.finish("loss by training frequency")
    recipes = [recipe for recipe in text.recipes if (recipe, next(iter(text.domains))) in losses]
    counts = {recipe: _counts(text, next(r for r in records.values() if r.spec.recipe == recipe)) for recipe in recipes}
    return _rows(recipes, text.domains, losses, counts)


def _counts(text: FinishedStudy, record: RunRecord) -> np.ndarray:
    streams = {source: text.corpus(record, source).train for source in record.spec.shares}
    shares = {name: Fraction(share) for name, share in record.spec.shares.items()}
    return recipe_counts(streams, shares, record.tokens, record.spec.vocab)


def _rows(
    recipes: list[str],
    domains: Mapping[str, object],
    losses: Mapping[tuple[str, str], TokenLosses],
    counts: Mapping[str, np.ndarray],
) -> list[RareRow]:
    rows, natural = [], recipes[0]
    for domain in domains:
        base = losses[natural, domain].binned(counts[natural])
        for recipe in recipes:
            own = losses[recipe, domain].binned(counts[recipe])
            same = losses[recipe, domain].binned(counts[natural])
            gain = same.nats / same.tokens.sum() - base.nats / base.tokens.sum()
            for i, name in enumerate(bin_names(EDGES)):
                rows.append(
                    RareRow(
                        recipe=recipe,
                        domain=domain,
                        bin=name,
                        tokens=int(own.tokens[i]),
                        nats=own.mean[i],
                        of_tokens=float(own.of_tokens[i]),
                        of_loss=float(own.of_loss[i]),
                        gain=None if recipe == natural else float(gain[i]),
                    )
                )
    return rows
