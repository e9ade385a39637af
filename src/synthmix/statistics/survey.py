"""The survey behind ``synthmix stats``: training texts of equal size against held-out texts, by n-grams and words.

Exact counts of a prefix of each training text, which is a uniform sample of its documents. Held-out texts are counted
whole. The words of both are counted over the first ``words`` tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.quantities import listed
from synthmix.statistics.compare import (
    check_smoothing,
    compare_ngrams,
    compare_unigrams,
    top_contributions,
    unigram_entropy,
)
from synthmix.statistics.count import Each, TextCounts, as_arrays, count_text, count_words, in_turn
from synthmix.statistics.mixtures import EVEN, MixtureRow, Shares, mixture_rows, share_curve
from synthmix.statistics.ngrams import NgramCounts
from synthmix.statistics.redundancy import compression, first_bytes, near_duplicates
from synthmix.statistics.text_laws import heaps_of, rank_frequency, zipf
from synthmix.statistics.types import Costly, Described, Options, Pair, Survey, Text

PART = 2**23  # tokens that one task counts


def survey(
    training: Mapping[str, Corpus],
    heldout: Mapping[str, tuple[Corpus, str]],
    *,
    options: Options | None = None,
    each: Each = in_turn,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Statistics of each training corpus against each held-out domain (corpus, domain).

    The first training corpus is the natural one of the mixtures' curves; the others are mixed into it.

    Raises:
        BadInput: corpora of different tokenizers, an empty corpus or domain, an id outside the vocabulary, an unknown
            smoothing, or more tokens asked for than the smallest corpus holds.
    """
    options, progress = options or Options(), progress or Silent()
    for name in options.smoothings:
        check_smoothing(name)
    tokenizer = _one_tokenizer([*training.values(), *(corpus for corpus, _ in heldout.values())])
    size = sample_size(training, options.tokens)
    ours = [Text(name, corpus, None, size) for name, corpus in training.items()]
    tests = [Text(name, c, domain, c.heldout_counts(domain).tokens) for name, (c, domain) in heldout.items()]
    for text in tests:
        if not text.tokens:
            raise BadInput("the held-out domain is empty", where=text.name, remedy="hold out more text")
    progress.start("counting", sum(text.tokens for text in (*ours, *tests)), "tokens")
    with TemporaryDirectory(dir=scratch, prefix="synthmix-counts-") as folder:
        counts: dict[str, TextCounts] = {}
        for number, text in enumerate((*ours, *tests)):
            counts[_key(text)] = counted(text, tokenizer, options.ngrams, each, Path(folder) / str(number))
            progress.update("counting", sum(found.tokens for found in counts.values()))
        progress.finish("counting")
        mixed = _mixtures(ours, tests, counts, options, size)
        pairs = [_pair(a, b, counts, options, n) for a in ours for b in tests for n in range(1, options.ngrams + 1)]
        overlaps = [
            _pair(a, b, counts, options, n) for a, b in combinations(ours, 2) for n in range(1, options.ngrams + 1)
        ]
        costly = [
            found
            for a in ours
            for b in tests
            for n in range(1, options.ngrams + 1)
            for found in _costly(a, b, counts, tokenizer, n, options)
        ]
    progress.start("describing", len(ours) + len(tests), "texts")
    described = []
    packed = min(len(first_bytes(text.texts(), options.sample_bytes)) for text in (*ours, *tests))
    for done, text in enumerate((*ours, *tests)):
        progress.update("describing", done, note=text.name)
        described.append(describe(text, counts[_key(text)], sample_bytes=packed, level=options.level))
    progress.finish("describing")
    word_pairs, word_costs = by_words(ours, tests, options)
    curves = share_curve(
        {text.name: counts[_key(text)].unigrams for text in ours},
        ours[0].name,
        [text.name for text in ours[1:]],
        options.shares,
        {text.name: counts[_key(text)].unigrams for text in tests},
        size,
        smoothings=options.smoothings,
    )
    vocab = tokenizer.vocab_size
    found = [*pairs, *word_pairs]
    return Survey(size, vocab, options.level, described, found, overlaps, [*costly, *word_costs], curves, mixed)


def _mixtures(
    ours: Sequence[Text], tests: Sequence[Text], counts: Mapping[str, TextCounts], options: Options, size: int
) -> list[MixtureRow]:
    """Those that were asked for, and all texts alike where there are three or more."""
    names = [text.name for text in ours]
    asked: dict[str, Shares] = dict(options.mixtures)
    if len(ours) > 2 and EVEN not in asked:
        asked[EVEN] = dict.fromkeys(names, Fraction(1, len(ours)))
    for name, shares in asked.items():
        if missing := [source for source in shares if source not in names]:
            raise BadInput(f"no text {missing[0]!r}", key=name, remedy=f"there are {listed(names)}")
    if not asked:
        return []
    pools = {text.name: counts[_key(text)] for text in ours}
    heldout = {text.name: counts[_key(text)] for text in tests}
    return mixture_rows(pools, asked, heldout, size, smoothings=options.smoothings)


def describe(
    text: Text, counts: TextCounts, *, sample_bytes: int, level: float, tell: Callable[[str], None] = lambda what: None
) -> Described:
    """Everything of one text. ``sample_bytes``: how much of it is compressed, equal for the texts to be compared."""
    tell("Zipf")
    law = zipf(counts.unigrams, level=level)
    ranks, frequencies = rank_frequency(counts.unigrams)
    tell("Heaps")
    stream = text.corpus.train if text.domain is None else text.corpus.heldout(text.domain)
    grown = heaps_of(stream, counts.vocab_size, text.tokens, level=level)
    tell("redundancy")
    return Described(
        name=text.name,
        kind=text.corpus.meta.kind if text.domain is None else "held out",
        tokens=text.tokens,
        types={1: int(np.count_nonzero(counts.unigrams))} | {n: len(table) for n, table in counts.ngrams.items()},
        entropy=unigram_entropy(counts.unigrams),
        zipf=law,
        heaps=grown,
        compression=compression(text.texts(), sample_bytes),
        duplication=near_duplicates(text.compared_documents(), level=level),
        ranks=ranks,
        frequencies=frequencies,
    )


def sample_size(training: Mapping[str, Corpus], asked: int | None) -> int:
    """Tokens of the equal-sized samples: those asked for, or what the smallest corpus holds.

    Raises:
        BadInput: a corpus without training text, or fewer tokens than asked for.
    """
    smallest = min(training, key=lambda name: training[name].train_counts.tokens)
    most = training[smallest].train_counts.tokens
    if not most:
        raise BadInput("has no training text", where=smallest, remedy="hold out less than everything")
    if asked is not None and asked > most:
        raise BadInput(f"the smallest corpus, {smallest}, has {most} tokens", key="--tokens", remedy="ask for fewer")
    return most if asked is None else asked


def counted(text: Text, tokenizer: Tokenizer, ngrams: int, each: Each, scratch: Path) -> TextCounts:
    """Exact counts of one text, in parts."""
    stream = text.corpus.train if text.domain is None else text.corpus.heldout(text.domain)
    return count_text(
        stream,
        tokenizer.vocab_size,
        eos=tokenizer.eos_id,
        orders=range(2, ngrams + 1),
        stop=text.tokens,
        parts=-(-text.tokens // PART),
        each=each,
        scratch=scratch,
    )


def by_words(ours: Sequence[Text], tests: Sequence[Text], options: Options) -> tuple[list[Pair], list[Costly]]:
    """The same by words, whatever the tokenizers are; smoothed as :func:`.compare_generators` does."""
    if not options.words:
        return [], []
    texts = [*ours, *tests]
    sampled = [Text(t.name, t.corpus, t.domain, min(t.tokens, options.words)) for t in texts]
    counts = {_key(text): count_words(text.texts()) for text in sampled}
    pairs, costly = [], []
    for a in ours:
        for b in tests:
            # The cells that are smoothed are the words of these two, whatever other texts stand beside them.
            vocabulary, arrays = as_arrays({"train": counts[_key(a)], "test": counts[_key(b)]})
            train, test = arrays["train"], arrays["test"]
            found = compare_unigrams(train, test, smoothings=options.smoothings, at_least=options.at_least)
            pairs.append(Pair(a.name, b.name, "word", found))
            for ids, nats, held, shown in top_contributions(train, test, options.top, smoothing=options.smoothings[0]):
                costly.append(Costly(a.name, b.name, "word", 1, vocabulary[ids[0]], nats, held, shown))
    return pairs, costly


def _pair(a: Text, b: Text, counts: Mapping[str, TextCounts], options: Options, n: int) -> Pair:
    one, other = _table(counts[_key(a)], n), _table(counts[_key(b)], n)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        found = compare_unigrams(one, other, smoothings=options.smoothings, at_least=options.at_least)
    else:
        assert isinstance(one, NgramCounts)
        assert isinstance(other, NgramCounts)
        found = compare_ngrams(one, other, smoothings=options.smoothings, at_least=options.at_least)
    return Pair(a.name, b.name, "token", found)


def _costly(
    a: Text, b: Text, counts: Mapping[str, TextCounts], tokenizer: Tokenizer, n: int, options: Options
) -> list[Costly]:
    one, other = _table(counts[_key(a)], n), _table(counts[_key(b)], n)
    found = top_contributions(one, other, options.top, smoothing=options.smoothings[0])
    return [
        Costly(a.name, b.name, "token", n, shown(tokenizer, ids), nats, held, trained)
        for ids, nats, held, trained in found
    ]


def shown(tokenizer: Tokenizer, ids: np.ndarray) -> str:
    """Token ids as text; the vocabulary's own spelling where the bytes are no whole character."""
    text = tokenizer.decode(ids)
    return "".join(str(tokenizer.backend.id_to_token(int(i))) for i in ids) if "�" in text else text


def _table(counts: TextCounts, n: int) -> np.ndarray | NgramCounts:
    return counts.unigrams if n == 1 else counts.ngrams[n]


def _key(text: Text) -> str:
    return f"{'train' if text.domain is None else 'heldout'} {text.name}"


def _one_tokenizer(corpora: Sequence[Corpus]) -> Tokenizer:
    for corpus in corpora[1:]:
        corpus.check_tokenizer(corpora[0].meta.tokenizer_hash)
    return corpora[0].tokenizer()
