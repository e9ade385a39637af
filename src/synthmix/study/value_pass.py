"""One pass of the valuation score over a study's corpora for one held-out domain: what every mixture's score needs.

Transfer reads as many tokens as the largest budget, at most :data:`TOKENS`; the discrepancy reads the first
:data:`DOCUMENTS` documents. Both are even samples, since a corpus stands in the order of a hash.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.study.finished_study import FinishedStudy
from synthmix.valuation.encoding import Encoded, encoder_for
from synthmix.valuation.pool import BATCH, Batch, Pool
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.term import Term, scaled

DOCUMENTS = 3000
TOKENS = 20_000_000


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
