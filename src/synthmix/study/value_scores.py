"""Valuation scores of a study's recipes and of every share of its kinds: would the score have chosen the right mixture?

Mixtures are compared by the loss that a trained model is expected to have (:mod:`synthmix.valuation.trained_curve`),
which the study's own runs of the largest budget correct.

Each corpus is read once for each held-out domain: transfer reads as many tokens as the largest budget, at most
:data:`TOKENS`, the discrepancy the first :data:`DOCUMENTS` documents; both are even samples, since a corpus stands in
the order of a hash. The score of every recipe, budget and share
follows from the sums, the same way as ``synthmix value --mix``; where recipes mix three texts or more, so does the best
mixture of all. What was found is kept in the study's folder and read
again while texts, domains and recipes are the same.
"""

import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.files import content_hash, read_json, write_json
from synthmix.progress import Progress, Silent
from synthmix.results import Part
from synthmix.statistics.ranking import Measure
from synthmix.study.finished_study import FinishedStudy
from synthmix.study.text_measures import Group
from synthmix.study.value_curves import DRAWS, SHARES, Drawn, ValueCurve, ValueMixture, curve_over, mixture_over
from synthmix.study.workspace import Workspace
from synthmix.valuation.curve import (
    ByScore,
    best_mixture,
    mean_score,
    mixtures,
    neighbours,
    scores_at,
    worth_of_mixtures,
)
from synthmix.valuation.encoding import Encoded, encoder_for
from synthmix.valuation.pool import BATCH, Batch, Pool
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.term import Term, scaled
from synthmix.valuation.trained_curve import Trained
from synthmix.valuation.weights import FIXED

NAMES = ("value: transfer", "value: discrepancy", "value: score")
DOCUMENTS = 3000
TOKENS = 20_000_000
STEP = 0.1  # of a share, to the mixtures beside the best one that give its uncertainty
RULES = 6  # of what is kept: raised when the same text would be given another score, or an interval of another kind


class RecipeValue(Part):
    """The score of one recipe at one budget against one held-out domain, and its two terms."""

    recipe: str
    tokens: int
    domain: str
    transfer: float
    discrepancy: float
    score: float


class Values(Part):
    """All scores of a study; ``key`` is the hash of what they were made of. ``mixture``: the best one of all texts,
    where recipes mix three or more."""

    key: str
    recipes: list[RecipeValue]
    curves: list[ValueCurve]
    mixture: ValueMixture | None = None

    def measures(self, text: FinishedStudy, groups: list[Group]) -> dict[str, Measure]:
        """Each of :data:`NAMES` as an array (groups, recipes), groups as :func:`.loss_groups` orders them."""
        found = {(each.recipe, each.tokens, each.domain): each for each in self.recipes}
        return {
            name: Measure(
                np.array(
                    [
                        [getattr(found[recipe, int(cell.D), domain], name.split()[1]) for recipe in text.recipes]
                        for cell, domain in groups
                    ]
                ),
                higher=name == "value: score",
            )
            for name in NAMES
        }


def study_values(text: FinishedStudy, *, progress: Progress | None = None) -> Values:
    """The scores, read back where they were found before.

    Raises:
        BadInput: a corpus that is gone.
    """
    if (held := kept_values(text)) is not None:
        return held
    found = _made(text, _key(text), progress or Silent())
    if os.access(text.folder, os.W_OK):  # a study that may only be read is scored anew each time
        write_json(Workspace(text.folder).values, found.model_dump(mode="json"), digest=True)
    return found


def kept_values(text: FinishedStudy) -> Values | None:
    """The scores that are kept in the study's folder; None where there are none of these texts."""
    space = Workspace(text.folder)
    held = _held(space) if space.values.exists() else None
    return held if held is not None and held.key == _key(text) else None


def _held(space: Workspace) -> Values | None:
    """What is kept; None where it is damaged or of another form: it is then made anew."""
    try:
        return Values.model_validate(read_json(space.values))
    except (BadInput, ValueError):
        return None


def _key(text: FinishedStudy) -> str:
    recipes = {
        record.spec.recipe: [dict(record.spec.corpora), {name: str(s) for name, s in record.spec.shares.items()}]
        for record in text.records
    }
    domains = {name: domain.id for name, domain in text.domains.items()}
    budgets = sorted({int(cell.D) for cell in text.cells})
    weights = dict(FIXED.values)
    losses = [[text.table.mean(name, cell, f"loss.{d}") for d in domains] for cell in text.cells for name in recipes]
    known = [[float(f"{loss:.6g}") for loss in row] if np.isfinite(row).all() else None for row in losses]
    return content_hash([RULES, known, recipes, domains, budgets, weights, DOCUMENTS, TOKENS, list(SHARES)])


def _made(text: FinishedStudy, key: str, progress: Progress) -> Values:
    records = {name: text.record(name) for name in text.recipes}
    corpora = {source: text.corpus(record, source) for record in records.values() for source in record.spec.shares}
    budgets = sorted({int(cell.D) for cell in text.cells})
    natural = natural_mixture(text)
    kinds = [] if natural is None else [name for name in corpora if name not in natural]
    many = natural is not None and any(len(record.spec.shares) > 2 for record in records.values())
    progress.start("valuation scores", len(text.domains), "domains")
    texts = texts_of(corpora)
    rows: list[RecipeValue] = []
    drawn: dict[str, list[Drawn]] = {kind: [] for kind in kinds}
    held: list[_Read] = []
    for number, domain in enumerate(text.domains, start=1):
        terms = terms_of(text, domain)
        read = {name: summary_of(name, corpora[name], texts[name], terms, budgets[-1]) for name in corpora}
        for recipe, record in records.items():
            shares = {name: float(share) for name, share in record.spec.shares.items()}
            for tokens in budgets:
                mixed = mixtures([read[name] for name in shares], list(shares.values()), float(tokens))
                score, made = mean_score(mixed, terms, FIXED)
                rows.append(RecipeValue(recipe=recipe, tokens=tokens, domain=domain, score=score, **made))
        for kind in kinds:
            parts = {**(natural or {}), kind: 1.0}
            grid = np.array([[*((1 - s) * share for share in (natural or {}).values()), s] for s in SHARES])
            among = _Read(domain, terms, [read[name] for name in parts])
            drawn[kind].append(_drawn(among, grid, budgets[-1], _runs(text, domain, list(parts), budgets[-1])))
        if many:  # the best mixture is that of all domains together, so the sums of each are kept until then
            held.append(_Read(domain, terms, list(read.values())))
        progress.update("valuation scores", number)
    curves = [curve_over(kind, budgets[-1], drawn[kind]) for kind in kinds]
    mixture = _mixture(text, list(corpora), natural, budgets[-1], held) if many and natural is not None else None
    progress.finish("valuation scores")
    return Values(key=key, recipes=rows, curves=curves, mixture=mixture)


class _Read(NamedTuple):
    """One domain: its terms, and what each corpus came to."""

    domain: str
    terms: list[Term]
    pools: list[Summary]


def _runs(text: FinishedStudy, domain: str, sources: list[str], tokens: int) -> Trained | None:
    """The study's losses on a domain at a budget, of the largest size there, of mixtures of ``sources``; means over
    seeds. None without two mixtures."""
    cell = max((cell for cell in text.cells if int(cell.D) == tokens), key=lambda cell: cell.N)
    shares, losses = [], []
    for recipe in text.recipes:
        held = {name: float(share) for name, share in text.record(recipe).spec.shares.items() if share}
        loss = text.table.mean(recipe, cell, f"loss.{domain}")
        if set(held) <= set(sources) and np.isfinite(loss):
            shares.append([held.get(name, 0.0) for name in sources])
            losses.append(loss)
    return Trained(np.array(shares), np.array(losses)) if len(losses) > 1 else None


def _learnt(read: "_Read", tokens: int, trained: Trained | None) -> ByScore:
    """What mixtures of the pools are compared by."""
    count = len(read.pools)
    rows = np.eye(count) if trained is None else np.vstack([np.eye(count), trained.shares])
    _, found, _ = scores_at(read.pools, read.terms, FIXED, rows, float(tokens))
    worth = worth_of_mixtures(read.pools, read.terms, FIXED, found["transfer"][:count])
    if trained is not None:
        worth.learn(trained, found["transfer"][count:])
    return worth


def _drawn(read: "_Read", rows: np.ndarray, tokens: int, trained: Trained | None) -> Drawn:
    """Of mixtures ``rows`` (k, pools)."""
    worth = _learnt(read, tokens, trained)
    values, found, parts = scores_at(read.pools, read.terms, FIXED, rows, float(tokens))
    return Drawn(read.domain, *worth.draws(rows, values, found["transfer"], parts, draws=DRAWS, seed=0))


def _mixture(
    text: FinishedStudy, sources: list[str], natural: dict[str, float], tokens: int, held: list[_Read]
) -> ValueMixture:
    """The best mixture of all corpora by the mean expected loss over domains, beside each alone and the recipes."""

    runs = [_runs(text, each.domain, sources, tokens) for each in held]
    by = [_learnt(each, tokens, trained) for each, trained in zip(held, runs, strict=True)]

    def value(row: np.ndarray) -> float:
        each = []
        for read, worth in zip(held, by, strict=True):
            score, found = mean_score(mixtures(read.pools, row, float(tokens)), read.terms, FIXED)
            each.append(float(worth.values(row[None], np.array([score]), np.array([found["transfer"]]))[0]))
        return float(np.mean(each))

    best = best_mixture(value, len(sources))
    called = {source: {source: 1.0} for source in sources}
    for name in text.recipes:
        called[name] = {source: float(share) for source, share in text.record(name).spec.shares.items()}
    named = {name: [shares.get(source, 0.0) for source in sources] for name, shares in called.items()}
    base = [natural.get(source, 0.0) for source in sources]
    rows = np.vstack([base, best, neighbours(best, STEP), *named.values()])
    places = {name: len(rows) - len(named) + i for i, name in enumerate(named)}
    found = [_drawn(each, rows, tokens, trained) for each, trained in zip(held, runs, strict=True)]
    return mixture_over(rows, sources, tokens, found, places, 0)


def natural_mixture(text: FinishedStudy) -> dict[str, float] | None:
    """The recipe of natural text alone that is trained most often; of equals, whose texts are in the most recipes."""
    specs = [record.spec for record in text.records]
    recipes = {spec.recipe: {name: float(share) for name, share in spec.shares.items()} for spec in specs}
    kinds = text.table.kinds
    alone = [name for name, shares in recipes.items() if all(kinds.get(source) == "natural" for source in shares)]

    def often(name: str) -> tuple[int, int]:
        runs = sum(spec.recipe == name for spec in specs)
        return runs, sum(all(source in shares for source in recipes[name]) for shares in recipes.values())

    best = max(sorted(alone), key=often, default=None)
    return None if best is None else recipes[best]


def terms_of(text: FinishedStudy, domain: str) -> list[Term]:
    """Transfer and discrepancy, fitted on a held-out domain."""
    corpus, stream = Corpus.open(text.domains[domain].folder), text.domains[domain].domain
    near = NgramTransfer(_same, corpus.meta.vocab_size)
    near.fit(Pool(domain, partial(_tokens, corpus, "heldout", stream, None)))
    reference = Pool.of(domain, _texts(corpus, "heldout", stream))
    far = Discrepancy(Encoded(encoder_for(reference)))
    far.fit(reference)
    return [near, far]


def texts_of(corpora: Mapping[str, Corpus]) -> dict[str, list[str]]:
    """The documents that the discrepancy reads, decoded once for all domains."""
    return {source: _texts(corpus, "train", None) for source, corpus in corpora.items()}


def summary_of(source: str, corpus: Corpus, texts: list[str], terms: list[Term], most: int) -> Summary:
    """The sums of both terms over a corpus; those of the sample of documents count for all that were read."""
    near, far = terms
    read = summarise(Pool(source, partial(_tokens, corpus, "train", None, min(most, TOKENS))), [near])
    sample = summarise(Pool.of(source, texts), [far])
    sums = [scaled(block, read.items / sample.items) for block in sample.sums[far.name]]
    return Summary(source, read.items, {near.name: read.sums[near.name], far.name: sums})


def _same(batch: Batch) -> list[np.ndarray]:
    return list(batch.items)


def _tokens(corpus: Corpus, split: str, domain: str | None, most: int | None) -> Iterator[Batch]:
    held: list[np.ndarray] = []
    read = 0
    for _, ids in corpus.token_documents(split, domain):
        held.append(ids.astype(np.int64))
        read += len(ids)
        if len(held) == BATCH:
            yield Batch(held)
            held = []
        if most is not None and read >= most:
            break
    yield Batch(held)


def _texts(corpus: Corpus, split: str, domain: str | None) -> list[str]:
    return list(corpus.texts(split, domain, DOCUMENTS))
