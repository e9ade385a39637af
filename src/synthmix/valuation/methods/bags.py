"""Bags of words and pairs of words of a dataset beside those of the reference: coverage, DSIR, quality classifiers.

Nothing is trained but a linear classifier; texts are read at several megabytes a second.
"""

import os
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.methods.baseline import CountedPool, DocumentMethod, Result
from synthmix.valuation.methods.kneser_ney import held
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.term import block_of
from synthmix.valuation.words import Vocabulary, batches_of, hashed_bags, texts_in, words_of

BUCKETS = 2**18
DSIR_BUCKETS = 10_000
TRAINED = 5_000  # documents of each side that a classifier is trained on
SHOWN = 50_000  # texts that fastText sees at least, the same ones again and again
CHARACTERS = 20_000  # of a document that a classifier is trained on: a book is not a thousand pages


class Coverage(DocumentMethod):
    """Share of the reference's pairs of adjacent words, each place counted, that the pool has anywhere: what is not
    in the data cannot be learned from it. Grows with size. Of a document: the share of its pairs that the reference
    has. ``words`` among the terms is the same for single words."""

    name = "coverage"

    def _fit(self, reference: Pool) -> None:
        texts = held(reference)
        self.vocabulary = Vocabulary(texts)
        words, pairs = self._counted(texts)
        self.words = words
        self.pairs, self.counts = np.unique(pairs, return_counts=True)
        self.ones = np.bincount(words, minlength=self.vocabulary.size)

    def _counted(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(ids of known words, packed pairs of known words)."""
        ids, _ = self.vocabulary.stream(texts, 1)
        both = (ids[:-1] > Vocabulary.END) & (ids[1:] > Vocabulary.END)
        return ids[ids > Vocabulary.END], (ids[:-1] * self.vocabulary.size + ids[1:])[both]

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """See :class:`.DocumentMethod`; 0 of a text of one word or none."""
        ids, lengths = self.vocabulary.stream(texts, 1)
        owner = np.repeat(np.arange(len(texts)), lengths + 1)
        inside = (ids[:-1] != Vocabulary.BEFORE) & (ids[1:] != Vocabulary.END) & (ids[1:] != Vocabulary.BEFORE)
        known = inside & np.isin(ids[:-1] * self.vocabulary.size + ids[1:], self.pairs)
        counts = [np.bincount(owner[1:][each], minlength=len(texts)) for each in (known, inside)]
        return np.asarray(counts[0] / np.maximum(counts[1], 1))

    def _value(self, pool: CountedPool) -> Result:
        words, pairs = np.zeros(self.vocabulary.size, bool), np.zeros(len(self.pairs), bool)
        for texts in batches_of(pool):
            mine, both = self._counted(texts)
            words[mine] = True
            pairs |= np.isin(self.pairs, both)
        value = float(self.counts[pairs].sum() / max(self.counts.sum(), 1))
        return Result(value, {"words": self.ones[words].sum() / max(self.ones.sum(), 1)}, pairs.nbytes)


class Dsir(DocumentMethod):
    """Hashed words and pairs in 10,000 buckets: Xie et al., "Data Selection for Language Models via Importance
    Resampling" (NeurIPS 2023, arXiv 2302.03169).

    FOUND: a document's log importance weight is that of two bags of buckets, the reference's and the pool's; documents
    are drawn without replacement by adding Gumbel noise to it and taking the highest. A dataset's value is minus the KL
    divergence of its bag from the reference's (their "KL reduction" but for a constant).
    CHOSEN: one count more in every bucket.
    """

    name = "dsir"

    def _fit(self, reference: Pool) -> None:
        self.target = _bag(reference)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,) log importance weights with Gumbel noise."""
        ratio = np.log(self.target) - np.log(_bag(pool))
        made = [hashed_bags(texts_in(batch), DSIR_BUCKETS) @ ratio for batch in pool.batches()]
        weights = np.concatenate(made)
        return np.asarray(weights + np.random.default_rng(self.seed).gumbel(size=len(weights)))

    def _value(self, pool: CountedPool) -> Result:
        divergence = float((self.target * (np.log(self.target) - np.log(_bag(pool)))).sum())
        return Result(-divergence, {"kl": divergence})


def _bag(pool: Pool) -> np.ndarray:
    """(buckets,) probabilities."""
    counts = np.ones(DSIR_BUCKETS)
    for batch in pool.batches():
        counts += np.asarray(hashed_bags(texts_in(batch), DSIR_BUCKETS).sum(axis=0)).ravel()
    return np.asarray(counts / counts.sum())


Judge = Callable[[Sequence[str]], np.ndarray]  # texts to log odds (n,) of being the reference's


class Classifier(DocumentMethod):
    """A linear classifier of hashed words and pairs, reference against pool: the quality filter of GPT-3's data (Brown
    et al., arXiv 2005.14165, appendix A).

    A document's value is its log odds of being the reference's, from a classifier that was trained on the reference
    and on the half of a sample of the pool in which the document is not. A pool's value is minus the accuracy with
    which halves that were not trained on are told apart, above chance (a two-sample test: Lopez-Paz and Oquab, ICLR
    2017): 0 where nothing tells them apart, -1 where everything does.
    CHOSEN: term frequencies 1 + log, rows of length 1, logistic loss with an L2 penalty (C = 10), both sides weighing
    the same.
    """

    name = "classifier"

    def _fit(self, reference: Pool) -> None:
        texts_in(next(iter(reference.batches())))
        self.target = cut_texts(reference.take(TRAINED, seed=self.seed).items)
        if len(self.target) < 2:
            raise BadInput(f"holds one item, where {self.name} needs two or more", where=reference.name)

    def documents(self, pool: Pool) -> np.ndarray:
        """See :class:`.DocumentMethod`."""
        parts: list[list[str]] = [[], []]
        for batch, block in _in_halves(pool):
            for text, half in zip(texts_in(batch), block, strict=True):
                if len(parts[half]) < TRAINED:
                    parts[half].append(text)
        if not parts[0] or not parts[1]:
            raise BadInput(f"holds one item, where {self.name} needs two or more", where=pool.name)
        judges = [self.trained(self.target, cut_texts(parts[1 - half])) for half in (0, 1)]
        made = []
        for batch, block in _in_halves(pool):
            values, texts = np.zeros(len(batch)), texts_in(batch)
            for half in (0, 1):
                if len(mine := np.flatnonzero(block == half)):
                    values[mine] = judges[half]([texts[int(at)] for at in mine])
            made.append(values)
        return np.concatenate(made)

    def _value(self, pool: CountedPool) -> Result:
        theirs = cut_texts(texts_in(pool.take(TRAINED, seed=self.seed)))
        if len(theirs) < 2:
            raise BadInput(f"holds one item, where {self.name} needs two or more", where=pool.name)
        sides = [[self.target[::2], self.target[1::2]], [theirs[::2], theirs[1::2]]]
        right = []
        for half in (0, 1):
            judge = self.trained(sides[0][half], sides[1][half])
            right += [np.mean(judge(sides[0][1 - half]) > 0), np.mean(judge(sides[1][1 - half]) <= 0)]
        accuracy = float(np.mean(right))
        return Result(1 - 2 * accuracy, {"accuracy": accuracy})

    def trained(self, ours: list[str], theirs: list[str]) -> Judge:
        """The log odds of being one of ``ours``, from a classifier of these two sides."""
        from sklearn.linear_model import LogisticRegression

        labels = np.repeat([1, 0], [len(ours), len(theirs)])
        model = LogisticRegression(
            C=10.0, solver="liblinear", dual=True, class_weight="balanced", random_state=0, max_iter=2000
        )
        model.fit(_rows([*ours, *theirs]), labels)
        return lambda texts: np.asarray(model.decision_function(_rows(texts)))


class FastText(Classifier):
    """The same by fastText (Joulin et al., arXiv 1607.01759), as DCLM filters with it (arXiv 2406.11794): words and
    pairs, 64 dimensions, one thread. CHOSEN: 5 passes, of few texts as many as show it :data:`SHOWN` (five passes over
    some hundred texts leave it where it began). Needs the library."""

    name = "fasttext"

    def _fit(self, reference: Pool) -> None:
        _fasttext()
        super()._fit(reference)

    def trained(self, ours: list[str], theirs: list[str]) -> Judge:
        """The log odds of being one of ``ours``, from a classifier of these two sides."""
        lines = [f"__label__{name} {_line(text)}\n" for name, side in (("r", ours), ("p", theirs)) for text in side]
        order = np.random.default_rng(self.seed).permutation(len(lines))  # it trains in the order of the file
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "train.txt")
            with open(path, "w", encoding="utf-8", errors="replace") as file:
                file.writelines(lines[at] for at in order)
            passes = max(5, min(100, SHOWN // len(lines)))
            model = _fasttext().train_supervised(
                path, wordNgrams=2, dim=64, epoch=passes, thread=1, verbose=0, bucket=BUCKETS
            )

        def judge(texts: Sequence[str]) -> np.ndarray:
            made = np.zeros(len(texts))
            for at, text in enumerate(texts):
                found = model.f.predict(_line(text) + "\n", 2, 0.0, "strict")  # its own predict fails with numpy 2
                shares = {label: min(max(share, 1e-9), 1.0) for share, label in found}
                made[at] = np.log(shares.get("__label__r", 1e-9)) - np.log(shares.get("__label__p", 1e-9))
            return made

        return judge


def _fasttext() -> Any:
    try:
        import fasttext
    except ImportError:
        raise BadInput("fasttext is not installed", key="--method", remedy="pip install 'synthmix[fasttext]'") from None
    return fasttext


def _line(text: str) -> str:
    return " ".join(words_of(text))


def cut_texts(texts: Sequence[str]) -> list[str]:
    """Their beginnings."""
    return [text[:CHARACTERS] for text in texts]


def _in_halves(pool: Pool) -> Any:
    place = 0
    for batch in pool.batches():
        yield batch, block_of(np.arange(place, place + len(batch)), 2)
        place += len(batch)


def _rows(texts: Sequence[str]) -> Any:
    from sklearn.preprocessing import normalize

    made = hashed_bags(texts, BUCKETS)
    np.log1p(made.data, out=made.data)
    return normalize(made, copy=False)
