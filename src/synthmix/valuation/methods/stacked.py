"""One filter from three: what a classifier, coverage and perplexity say of a document, weighed by how well each tells
the reference from the pool at hand."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.methods.bags import TRAINED, Classifier, Coverage, cut_texts
from synthmix.valuation.methods.baseline import CountedPool, DocumentMethod, Result
from synthmix.valuation.methods.kneser_ney import KneserNeyFilter
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.counts import item_hash
from synthmix.valuation.words import texts_in

FOLDS = 5


class Stacked(DocumentMethod):
    """Stacked filters (Wolpert, "Stacked Generalization", 1992): the log odds of being the reference's by a logistic
    regression of three values of each document, :class:`.Classifier`'s, :class:`.Coverage`'s and
    :class:`.KneserNeyFilter`'s.

    No filter alone serves every pool: coverage sees shuffled words and typos, which a classifier of known words cannot,
    and a classifier sees another domain, which coverage cannot. Documents are judged in five folds: those of a fold, of
    the reference and of the pool alike, by what was fitted to the others, so that the values of both can be compared.
    CHOSEN: the filters, on development pools (docs/results/valuation.md); L2 penalty of 1 on standardised values.
    """

    name = "stacked"
    least = 10

    def _fit(self, reference: Pool) -> None:
        texts_in(next(iter(reference.batches())))
        self.target = cut_texts(reference.take(TRAINED, seed=self.seed).items)
        if len(self.target) < self.least:
            raise BadInput(
                f"holds {len(self.target)} documents, where {self.name} needs {self.least}",
                where=reference.name,
                remedy="give a larger reference, or another method",
            )

    def documents(self, pool: Pool) -> np.ndarray:
        """See :class:`.DocumentMethod`; in two passes."""
        from sklearn.linear_model import LogisticRegression

        sample = cut_texts(texts_in(pool.take(TRAINED, seed=self.seed)))
        mine, theirs = _folds(self.target), _folds(sample)
        judges, known = [], np.zeros((len(self.target), 3))
        for fold in range(FOLDS):
            kept = [text for text, at in zip(self.target, mine, strict=True) if at != fold] or self.target
            others = [text for text, at in zip(sample, theirs, strict=True) if at != fold] or sample
            judges.append(_Judge(kept, others))
            if (mine == fold).any():
                known[mine == fold] = judges[-1](
                    [text for text, at in zip(self.target, mine, strict=True) if at == fold]
                )
        found = pool.values(partial(_judged, judges))
        drawn = np.random.default_rng(self.seed).permutation(len(found))[: 4 * TRAINED]
        both = np.concatenate([known, found[drawn]])
        centre, spread = both.mean(axis=0), np.maximum(both.std(axis=0), 1e-9)
        labels = np.repeat([1, 0], [len(known), len(drawn)])
        model = LogisticRegression(C=1.0, class_weight="balanced").fit((both - centre) / spread, labels)
        self.weights = dict(zip(("classifier", "coverage", "kneser_ney_filter"), model.coef_[0], strict=True))
        return np.asarray(model.decision_function((found - centre) / spread))

    def _value(self, pool: CountedPool) -> Result:
        each = self.documents(pool)
        return Result(float(each.mean()), self.weights, each.nbytes, each=each)


def _judged(judges: Sequence["_Judge"], batch: Batch) -> np.ndarray:
    """(n, 3) values of each document, by the judge that knows those of the other folds."""
    texts = texts_in(batch)
    block = _folds(cut_texts(texts))
    made = np.zeros((len(batch), 3))
    for fold in np.unique(block):
        which = np.flatnonzero(block == fold)
        made[which] = judges[fold]([texts[int(at)] for at in which])
    return made


def _folds(texts: Sequence[str]) -> np.ndarray:
    """(n,) by the text alone: copies of one text are in one fold."""
    return np.array([item_hash(text)[0] % FOLDS for text in texts])


class _Judge:
    """The three filters, fitted to some of the reference and of the pool."""

    def __init__(self, ours: list[str], theirs: list[str]) -> None:
        held = Pool.of("reference", ours)
        self._coverage, self._likely = Coverage().fit(held), KneserNeyFilter().fit(held)
        self._classify = Classifier().trained(ours, theirs)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 3) values."""
        each = (self._classify(texts), self._coverage.of_texts(texts), self._likely.of_texts(texts))
        return np.stack(each, axis=1)
