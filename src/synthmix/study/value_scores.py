"""Valuation scores of a study's recipes and of every share of its kinds: would the score have chosen the right mixture?

Each corpus is read once for each held-out domain: transfer reads as many tokens as the largest budget, at most
:data:`TOKENS`, the discrepancy the first :data:`DOCUMENTS` documents; both are even samples, since a corpus stands in
the order of a hash. The score of every recipe, budget and share
follows from the sums, the same way as ``synthmix value --mix``. What was found is kept in the study's folder and read
again while texts, domains and recipes are the same.
"""

import os
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.files import content_hash, read_json, write_json
from synthmix.progress import Progress, Silent
from synthmix.results import Part
from synthmix.statistics.ranking import Measure
from synthmix.study.finished_study import FinishedStudy
from synthmix.study.text_measures import Group
from synthmix.study.value_curves import SHARES, Drawn, ValueCurve, curve_over
from synthmix.study.workspace import Workspace
from synthmix.valuation.curve import mean_score, mixtures, scores_at
from synthmix.valuation.encoding import Encoded, encoder_for
from synthmix.valuation.pool import BATCH, Batch, Pool
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.term import Term, scaled
from synthmix.valuation.weights import FIXED

NAMES = ("value: transfer", "value: discrepancy", "value: score")
DOCUMENTS = 3000
TOKENS = 20_000_000
RULES = 4  # of what is kept: raised when the same text would be given another score, or an interval of another kind


class RecipeValue(Part):
    """The score of one recipe at one budget against one held-out domain, and its two terms."""

    recipe: str
    tokens: int
    domain: str
    transfer: float
    discrepancy: float
    score: float


class Values(Part):
    """All scores of a study; ``key`` is the hash of what they were made of."""

    key: str
    recipes: list[RecipeValue]
    curves: list[ValueCurve]

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
    return content_hash([RULES, recipes, domains, budgets, weights, DOCUMENTS, TOKENS, list(SHARES)])


def _made(text: FinishedStudy, key: str, progress: Progress) -> Values:
    records = {name: text.record(name) for name in text.recipes}
    corpora = {source: text.corpus(record, source) for record in records.values() for source in record.spec.shares}
    budgets = sorted({int(cell.D) for cell in text.cells})
    source = _natural([list(record.spec.shares) for record in records.values()], corpora)
    kinds = [] if source is None else [name for name in corpora if name != source]
    progress.start("valuation scores", len(text.domains), "domains")
    texts = texts_of(corpora)
    rows: list[RecipeValue] = []
    drawn: dict[str, list[Drawn]] = {kind: [] for kind in kinds}
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
            pair, grid = [read[source or kind], read[kind]], np.array([[1 - s, s] for s in SHARES])
            values, _, parts = scores_at(pair, terms, FIXED, grid, float(budgets[-1]))
            drawn[kind].append(Drawn(domain, values, parts))
        progress.update("valuation scores", number)
    progress.finish("valuation scores")
    curves = [curve_over(kind, budgets[-1], drawn[kind]) for kind in kinds]
    return Values(key=key, recipes=rows, curves=curves)


def _natural(recipes: list[list[str]], corpora: dict[str, Corpus]) -> str | None:
    """The natural text that is trained alone, and is in the most recipes."""
    alone = {names[0] for names in recipes if len(names) == 1 and corpora[names[0]].meta.kind == "natural"}
    return max(sorted(alone), key=lambda name: sum(name in names for names in recipes), default=None)


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
