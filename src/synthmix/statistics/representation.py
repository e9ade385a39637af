"""What synthetic text over- and under-represents against its source: words, word lists, topics.

Words: log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words", equations 16 to
22). With counts y and pseudo-counts a, whose sizes follow the words' frequencies in both texts together, the difference
of log-odds has a variance of about 1/(y_1 + a) + 1/(y_2 + a); its z-score ranks words without favouring rare or common
ones. CHOSEN: 500 pseudo-words. The variance is that of words drawn one by one: words come in clumps, so scores of 2 are
no proof; look at the largest.

Word lists: rates per thousand words. The ratio's interval comes from drawing documents again (percentile bootstrap),
since words of one document are not independent; with pairs (the same source document behind both), pairs are drawn.
The lists are our own, small and readable. They are a lens, not a measure of bias: a list holds what we thought of.

Topics: documents are embedded without any download, TF-IDF of words reduced by a truncated SVD (latent semantic
analysis, Deerwester et al. 1990) and scaled to length one; k-means on both texts together gives the topics. A topic's
share of the one text is set against its share of the other; the interval of the difference is Newcombe's (1998, method
10), which takes documents as independent. CHOSEN: at most 12 topics, 64 dimensions, documents cut at 2,000 characters.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.count import count_words, words_of
from synthmix.statistics.redundancy import wilson

LISTS: dict[str, tuple[str, ...]] = {
    "feminine terms": (
        "she", "her", "hers", "herself", "woman", "women", "girl", "girls", "mother", "mothers", "daughter",
        "daughters", "sister", "sisters", "wife", "wives", "aunt", "grandmother", "lady", "ladies", "female", "females",
        "mrs", "ms", "queen", "actress", "mum", "mom",
    ),
    "masculine terms": (
        "he", "him", "his", "himself", "man", "men", "boy", "boys", "father", "fathers", "son", "sons", "brother",
        "brothers", "husband", "husbands", "uncle", "grandfather", "gentleman", "gentlemen", "male", "males", "mr",
        "king", "actor", "dad",
    ),
    "first person": ("i", "me", "my", "mine", "myself", "we", "us", "our", "ours", "ourselves", "i'm", "i've", "i'd"),
    "second person": ("you", "your", "yours", "yourself", "you're", "you've", "you'll"),
    "hedges": (
        "perhaps", "maybe", "possibly", "probably", "might", "may", "could", "seems", "seemed", "appears", "likely",
        "arguably", "somewhat", "generally", "often", "typically", "usually", "suggests", "i think", "i guess",
    ),
    "emphasis": (
        "crucial", "vital", "essential", "significant", "significantly", "profound", "remarkable", "pivotal",
        "invaluable", "comprehensive", "robust", "seamless", "intricate", "vibrant", "unwavering", "testament",
        "tapestry", "delve", "delves", "delving", "underscore", "underscores", "showcase", "showcasing", "foster",
        "fostering", "landscape", "realm", "nuanced", "multifaceted",
    ),
    "connectives": (
        "moreover", "furthermore", "additionally", "however", "therefore", "thus", "consequently", "nevertheless",
        "nonetheless", "in addition", "as a result", "on the other hand", "in contrast", "overall", "ultimately",
    ),
    "talk about the text": (
        "in conclusion", "in summary", "to summarize", "this article", "this passage", "this story", "this essay",
        "here is", "here's", "certainly", "as an ai", "language model", "rewritten", "the following", "as requested",
        "i hope this", "note that", "i cannot", "i'm sorry",
    ),
    "negation": (
        "no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "cannot", "can't", "don't", "doesn't",
        "didn't", "won't", "wouldn't", "isn't", "aren't", "wasn't", "weren't", "couldn't", "shouldn't",
    ),
    "contractions": (
        "it's", "i'm", "don't", "can't", "that's", "didn't", "i've", "you're", "he's", "she's", "we're", "they're",
        "won't", "there's", "isn't", "doesn't", "wasn't", "couldn't", "wouldn't", "let's", "what's", "we've", "i'll",
    ),
    "doubt and blame": (
        "alleged", "allegedly", "accused", "guilty", "crime", "criminal", "killed", "murder", "death", "died",
        "violence",
        "attack", "war", "police", "blood", "hate", "fear", "angry", "anger",
    ),
    "comfort": (
        "hope", "hopeful", "joy", "love", "peace", "peaceful", "gentle", "warm", "warmth", "comfort", "smile", "smiled",
        "dream", "dreams", "beautiful", "beauty", "heart", "resilience", "strength", "together",
    ),
}  # fmt: skip
NUMBERS = "numbers"  # words that hold a digit
PRIOR = 500.0
_DIGIT = re.compile(r"\d")
# Per list the entries of one word, of two, of three and of four.
_ENTRIES = [
    [frozenset(entry for entry in entries if len(entry.split()) == n) for n in range(1, 5)]
    for entries in LISTS.values()
]
_VERDICTS = {1: "over", -1: "under", 0: "alike"}
TOPICS, DIMENSIONS, CHARACTERS, SMALLEST = 12, 64, 2000, 30
WORDS = 20


@dataclass(frozen=True)
class WordContrast:
    """``log_odds`` above zero: the first text uses the word more; ``z`` is that over its standard deviation."""

    word: str
    log_odds: float
    z: float
    first: int
    second: int


def log_odds(first: Counter[str], second: Counter[str], *, prior: float = PRIOR) -> list[WordContrast]:
    """Every word of either text, by falling ``z``: over-represented in ``first`` first, under-represented last.

    Raises:
        ValueError: an empty text.
    """
    words = sorted(first.keys() | second.keys())
    y1, y2 = (np.array([side[word] for word in words], dtype=np.float64) for side in (first, second))
    if not y1.sum() or not y2.sum():
        raise ValueError("an empty text uses no words")
    a = prior * (y1 + y2) / (y1 + y2).sum()
    delta = _logit(y1 + a) - _logit(y2 + a)
    z = delta / np.sqrt(1 / (y1 + a) + 1 / (y2 + a))
    order = np.argsort(-z, kind="stable")
    return [WordContrast(words[i], float(delta[i]), float(z[i]), int(y1[i]), int(y2[i])) for i in order]


def _logit(counts: np.ndarray) -> np.ndarray:
    rest = np.maximum(counts.sum() - counts, 1e-9)  # a text of one word alone has no odds
    return np.log(counts) - np.log(rest)


@dataclass(frozen=True)
class Manner:
    """Rates per thousand words; ``ratio`` of ``synthetic`` to ``source`` with its interval; undefined where
    the source has none."""

    name: str
    source: float
    synthetic: float
    ratio: Interval

    @property
    def verdict(self) -> str:
        """``over``, ``under`` or ``alike``, by the interval."""
        if not self.ratio.bounded:
            return "over" if self.synthetic > self.source else "under" if self.synthetic < self.source else "alike"
        return {1: "over", -1: "under", 0: "alike"}[self.ratio.mapped(lambda ratio: ratio - 1).sign()]


def manners(
    source: Sequence[str],
    synthetic: Sequence[str],
    *,
    paired: bool = False,
    level: float = 0.9,
    resamples: int = 500,
    seed: int = 0,
) -> list[Manner]:
    """One row a list of :mod:`word_lists`, and one for numbers. ``paired``: the texts correspond by position.

    Raises:
        ValueError: no text on a side, or pairs of different number.
    """
    if not source or not synthetic:
        raise ValueError("no text to compare")
    if paired and len(source) != len(synthetic):
        raise ValueError(f"{len(source)} and {len(synthetic)} texts are no pairs")
    a, b = (np.stack([list_counts(text) for text in side]) for side in (source, synthetic))
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        mine = rng.integers(0, len(a), len(a))
        theirs = mine if paired else rng.integers(0, len(b), len(b))
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn.append(_rates(b[theirs]) / _rates(a[mine]))
    ratios, rate_a, rate_b = np.array(drawn), _rates(a), _rates(b)
    rows = []
    for i, name in enumerate((*LISTS, NUMBERS)):
        known = ratios[:, i][np.isfinite(ratios[:, i])]
        sure = rate_a[i] > 0 and len(known) > 0.95 * resamples
        low, high = np.percentile(known, [50 * (1 - level), 50 * (1 + level)]).tolist() if sure else (None, None)
        mid = float(rate_b[i] / rate_a[i]) if rate_a[i] > 0 else None
        rows.append(
            Manner(
                name=name,
                source=float(1000 * rate_a[i]),
                synthetic=float(1000 * rate_b[i]),
                ratio=Interval(low=low, mid=mid, high=high, level=level, covers="sampling"),
            )
        )
    return rows


def list_counts(text: str) -> np.ndarray:
    """Hits of each list, of numbers, and the number of words: int64, shape (lists + 2,)."""
    words = words_of(text)
    pairs = [" ".join(words[i : i + 2]) for i in range(len(words) - 1)]
    triples = [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]
    quads = [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]
    grams = (words, pairs, triples, quads)
    hits = [sum(gram in entries[n] for n in range(4) for gram in grams[n]) for entries in _ENTRIES]
    return np.array([*hits, sum(bool(_DIGIT.search(word)) for word in words), len(words)], dtype=np.int64)


def _rates(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=0)
    return np.asarray(total[:-1] / max(total[-1], 1))


@dataclass(frozen=True)
class Topic:
    """``words``: what is typical of it; shares in [0, 1]; ``difference`` is synthetic minus source, with interval."""

    words: list[str]
    source: float
    synthetic: float
    difference: Interval

    @property
    def verdict(self) -> str:
        """``over``, ``under`` or ``alike``, by the interval."""
        return _VERDICTS[self.difference.sign()]


def topics(
    source: Sequence[str], synthetic: Sequence[str], *, count: int = TOPICS, level: float = 0.9, seed: int = 0
) -> list[Topic]:
    """The topics of both texts, the most over-represented in ``synthetic`` first.

    Raises:
        BadInput: fewer than 30 documents on a side.
    """
    for name, side in (("source", source), ("synthetic", synthetic)):
        if len(side) < SMALLEST:
            raise BadInput(f"{len(side)} documents are too few for topics", where=name, remedy=f"give {SMALLEST}")
    model = TopicModel.fit([*source, *synthetic], count=count, seed=seed)
    mine, theirs = model.labels[len(source) :], model.labels[: len(source)]
    found = []
    for label, words in enumerate(model.words):
        a, b = int((theirs == label).sum()), int((mine == label).sum())
        p, q = a / len(source), b / len(synthetic)
        found.append(Topic(words, p, q, _newcombe(b, len(synthetic), a, len(source), level)))
    return sorted(found, key=lambda topic: topic.source - topic.synthetic)


@dataclass(frozen=True)
class TopicModel:
    """Topics of some texts, and which of them another text has.

    Attributes:
        labels: (n,) topic of each text that it was fitted to. words: what is typical of each topic.
    """

    labels: np.ndarray
    words: list[list[str]]
    _vectorizer: Any
    _reducer: Any
    _clusters: Any

    @classmethod
    def fit(cls, texts: Sequence[str], *, count: int = TOPICS, seed: int = 0) -> "TopicModel":
        """At most ``count`` topics, and one for ten texts.

        Raises:
            BadInput: the texts share too few words.
        """
        from sklearn.cluster import KMeans

        vectors, vectorizer, matrix, reducer = _embedded(texts, seed)
        clusters = KMeans(min(count, len(vectors) // 10), n_init=3, random_state=seed).fit(vectors)
        names = vectorizer.get_feature_names_out()
        overall, words = np.asarray(matrix.mean(axis=0)).ravel(), []
        for label in range(clusters.n_clusters):
            typical = np.asarray(matrix[clusters.labels_ == label].mean(axis=0)).ravel() - overall
            words.append([str(names[i]) for i in np.argsort(-typical)[:6]])
        return cls(clusters.labels_, words, vectorizer, reducer, clusters)

    def counts(self, texts: Sequence[str]) -> np.ndarray:
        """(topics,) how many of ``texts`` have each."""
        from sklearn.preprocessing import normalize

        matrix = self._vectorizer.transform([text[:CHARACTERS] for text in texts])
        labels = self._clusters.predict(normalize(self._reducer.transform(matrix)))
        return np.bincount(labels, minlength=len(self.words)).astype(float)


def _embedded(texts: Sequence[str], seed: int) -> tuple[np.ndarray, Any, Any, Any]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        min_df=3,
        max_df=0.9,
        max_features=20_000,
        stop_words="english",
        token_pattern=r"[^\W\d_]{3,}",
    )
    try:
        matrix = vectorizer.fit_transform([text[:CHARACTERS] for text in texts])
    except ValueError:
        raise BadInput("the texts share no words, so they have no topics", remedy="give more text") from None
    size = min(DIMENSIONS, matrix.shape[1] - 1, matrix.shape[0] - 1)
    if size < 2:
        raise BadInput("the texts share too few words for topics", remedy="give more text")
    reducer = TruncatedSVD(size, random_state=seed)
    return normalize(reducer.fit_transform(matrix)), vectorizer, matrix, reducer


def _newcombe(a: int, n: int, b: int, m: int, level: float) -> Interval:
    """Interval of a/n - b/m from the two Wilson intervals (Newcombe 1998, method 10)."""
    return wilson(a, n, level).minus(wilson(b, m, level))


@dataclass(frozen=True)
class Representation:
    """``over`` and ``under``: words by z-score; ``topics`` is empty where there are too few documents."""

    name: str
    over: list[WordContrast]
    under: list[WordContrast]
    manners: list[Manner]
    topics: list[Topic]


def represented(
    name: str, synthetic: Sequence[str], source: Sequence[str], *, paired: bool = False, level: float = 0.9
) -> Representation:
    """Compare ``synthetic`` with ``source``; ``paired``: they correspond by position.

    Raises:
        BadInput: a side without words.
    """
    mine, theirs = count_words(synthetic), count_words(source)
    if not mine or not theirs:
        raise BadInput("holds no words", where=name)
    contrasts = log_odds(mine, theirs)
    try:
        found = topics(source, synthetic, level=level)
    except BadInput:  # too few documents to find topics in: the words stand alone
        found = []
    return Representation(
        name=name,
        over=[one for one in contrasts[:WORDS] if one.z > 0],
        under=[one for one in contrasts[: -WORDS - 1 : -1] if one.z < 0],
        manners=manners(source, synthetic, paired=paired, level=level),
        topics=found,
    )


def summary(found: Representation, most: int = 8) -> list[str]:
    """Plain lines: what is over and what is under, lists first, as far as the intervals say so."""
    lines = []
    for verdict, title in (("over", "More of"), ("under", "Less of")):
        lists = [
            f"{m.name} ({m.ratio.mid:.2f}x)" if m.ratio.mid is not None else m.name
            for m in found.manners
            if m.verdict == verdict
        ]
        if lists:
            lines.append(f"{title}: {', '.join(lists)}.")
        words = [c.word for c in (found.over if verdict == "over" else found.under)[:most]]
        lines.append(f"{title} the words {', '.join(words)}.")
        named = [" ".join(t.words[:4]) for t in found.topics if t.verdict == verdict][:4]
        if named:
            lines.append(f"{title} the topics {'; '.join(named)}.")
    return lines
