"""Valuation scores of a study's recipes, beside its statistics: would the score have chosen the right mixture?

Each corpus is read once for each held-out domain; every recipe's score follows from the corpora's sums (the same way as
``synthmix value --mix``). Transfer reads as many tokens as the largest budget; the discrepancy reads the first
:data:`DOCUMENTS` documents, an even sample, since a corpus stands in the order of a hash.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.progress import Progress, Silent
from synthmix.statistics.ranking import Measure
from synthmix.study.text_found import StudyText
from synthmix.valuation.curve import mixture
from synthmix.valuation.encoding import encoder_for
from synthmix.valuation.features import Encoded
from synthmix.valuation.pool import BATCH, Batch, Pool
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.term import Term
from synthmix.valuation.weights import FIXED

DOCUMENTS = 3000
NAMES = ("value: transfer", "value: discrepancy", "value: score")


def value_scores(
    text: StudyText, groups: list[tuple[tuple[int, int], str]], *, progress: Progress | None = None
) -> dict[str, Measure]:
    """Each of :data:`NAMES` as an array (groups, recipes), groups as :func:`.loss_groups` orders them.

    Raises:
        BadInput: a corpus that is gone.
    """
    progress = progress or Silent()
    records = {name: next(r for r in text.records if r.spec.recipe == name) for name in text.recipes}
    sources = {source: text.corpus(record, source) for record in records.values() for source in record.spec.shares}
    most = max(tokens for _, tokens in text.cells)
    found: dict[tuple[str, int, str], tuple[float, float, float]] = {}
    progress.start("valuation scores", len(text.domains), "domains")
    for number, domain in enumerate(text.domains, start=1):
        near, far = _terms(text, domain)
        read = {
            source: (
                summarise(Pool(source, partial(_tokens, corpus, "train", None, most)), [near]),
                summarise(Pool(source, partial(_texts, corpus, "train", None)), [far]),
            )
            for source, corpus in sources.items()
        }
        for recipe, record in records.items():
            names = list(record.spec.shares)
            shares = np.array([float(record.spec.shares[name]) for name in names])
            distance = _value(far, [read[name][1] for name in names], shares, None)
            for tokens in {tokens for _, tokens in text.cells}:
                transfer = _value(near, [read[name][0] for name in names], shares, tokens)
                terms = {"transfer": transfer, "discrepancy": distance}
                score = FIXED.score(terms, {"transfer": near.scale, "discrepancy": far.scale})
                found[recipe, tokens, domain] = (transfer, distance, score)
        progress.update("valuation scores", number)
    progress.finish("valuation scores")
    return {
        name: Measure(
            np.array([[found[recipe, tokens, domain][i] for recipe in text.recipes] for (_, tokens), domain in groups]),
            higher=name == "value: score",
        )
        for i, name in enumerate(NAMES)
    }


def _terms(text: StudyText, domain: str) -> tuple[NgramTransfer, Discrepancy]:
    """Both terms, fitted on a held-out domain."""
    corpus, stream = Corpus.open(text.domains[domain].folder), text.domains[domain].domain
    near = NgramTransfer(_same, corpus.meta.vocab_size)
    near.fit(Pool(domain, partial(_tokens, corpus, "heldout", stream, None)))
    reference = Pool(domain, partial(_texts, corpus, "heldout", stream))
    far = Discrepancy(Encoded(encoder_for(reference)))
    far.fit(reference)
    return near, far


def _value(term: Term, parts: list[Summary], shares: np.ndarray, tokens: int | None) -> float:
    size = min(part.size[0] for part in parts) if tokens is None else float(tokens)
    return term.value(mixture(parts, shares, size).total(term.reads))


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


def _texts(corpus: Corpus, split: str, domain: str | None) -> Iterator[Batch]:
    texts = list(corpus.texts(split, domain, DOCUMENTS))
    for start in range(0, len(texts), BATCH):
        yield Batch(texts[start : start + BATCH])
