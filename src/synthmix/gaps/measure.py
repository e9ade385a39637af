"""From corpora and held-out domains to :class:`synthmix.results.gap.Gap`."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.evaluation.losses import bin_names
from synthmix.gaps.cutoffs import source_cutoffs
from synthmix.gaps.learner import Pool, Saving, saving
from synthmix.gaps.model import check, word_losses
from synthmix.gaps.words import Lexicon, WordText, contained, read_words
from synthmix.interval import Interval
from synthmix.phases.estimation import HALF
from synthmix.progress import Progress, Silent
from synthmix.results.gap import Carrier, Gap, GapBin, GapSource, LackingTerm, LackingTopic
from synthmix.results.parts import Warn
from synthmix.statistics.redundancy import wilson
from synthmix.statistics.representation import SMALLEST, TopicModel

READ = 2_000_000  # words of each source
REFERENCE = 200_000  # words of all reference domains together
SHORTEST = 2_000  # words of a reference
PIECE = 1_000  # words of a training document that are counted in one piece
EDGES = (1, 10, 100, 1000, 10_000)
TOPIC_DOCUMENTS = 1_000  # of each side
CARRIERS = 20
FEWEST = 40  # reference documents without which intervals are over pieces of them
Shares = Mapping[str, float | Fraction]


def gap(
    have: Mapping[str, Corpus],
    need: Mapping[str, tuple[Corpus, str]],
    *,
    shares: Shares | None = None,
    synthetic: Collection[str] | None = None,
    tokens: int | None = None,
    checkpoint: str | Path | None = None,
    context: int = 128,
    top: int = 200,
    words: int = READ,
    level: float = 0.9,
    seed: int = 0,
    progress: Progress | None = None,
) -> Gap:
    """What the mixture of ``have`` lacks for the held-out domains ``need`` (corpus, domain), which weigh the same.

    Args:
        shares: of the mixture, by source; None: in proportion to the sources' tokens.
        synthetic: sources that a model wrote; None: those whose corpora say so. Of them cutoffs are estimated, and no
            document of them is named as a carrier.
        tokens: budget; None: what there is.
        checkpoint: a trained model of the corpora's tokenizer, whose losses weigh the terms; None: that of n-grams.
        context: tokens of a window of the model.
        top: terms, and phrases, that are kept at most.
        words: read of each source at most, from its start (a corpus's documents stand in random order).

    Raises:
        BadInput: shares that do not fit, a reference that is too short or that the training text contains, a source
            without words, a checkpoint of another tokenizer.
    """
    if checkpoint is not None:
        check(checkpoint)
    progress = progress or Silent()
    progress.start("gap", len(have) + len(need) + 3, "steps")
    parts = _shares(have, shares)
    wrote = _synthetic(have, synthetic)
    lexicon, done = Lexicon(), 0
    reference = []
    for name, (corpus, domain) in need.items():
        held = corpus.documents("heldout", domain) if domain else corpus.documents()
        reference.append(read_words(name, held, lexicon, REFERENCE // len(need)))
        progress.update("gap", done := done + 1)
    own = len(lexicon)  # the words beyond are the training text's alone
    texts = {}
    for name, corpus in have.items():
        texts[name] = read_words(name, corpus.documents(), lexicon, words)
        progress.update("gap", done := done + 1)
    warnings: list[Warn] = []
    held_by = _contained(reference, texts, warnings)
    kept = [each.without(np.any([c[i] for c in held_by.values()], axis=0)) for i, each in enumerate(reference)]
    merged = _merged(kept)
    if merged.words < SHORTEST:
        raise BadInput(f"holds {merged.words} words", where=", ".join(need), key="reference",
                       remedy=f"give {SHORTEST} or more")  # fmt: skip
    if len(merged.documents) < FEWEST:
        message = f"The reference has {len(merged.documents)} documents: intervals are over pieces of them, too narrow."
        warnings.append(Warn(code="few_documents", message=message))
    per_word = sum(parts[n] * _tokens(corpus) / max(_words_of(corpus, texts[n]), 1) for n, corpus in have.items())
    budget = tokens if tokens is not None else sum(map(_tokens, have.values()))
    pools = [Pool(pieces(texts[name].documents, PIECE, own), parts[name]) for name in have]
    longest = max(50, min(PIECE, merged.words // FEWEST)) if len(merged.documents) < FEWEST else merged.words
    cut = [pieces(each.documents, longest, own) for each in kept]
    scored, domains = list(chain.from_iterable(cut)), np.repeat(np.arange(len(cut)), [len(each) for each in cut])
    order = np.random.default_rng(seed).permutation(len(scored))
    found = saving([scored[i] for i in order], pools, own + 1, budget / per_word, _numbered(domains[order]))
    progress.update("gap", done := done + 1)
    table = _by_word(found, own + 1, merged)
    learner = "n-grams"
    if checkpoint is not None:
        share = np.divide(table.saved, table.nats, out=np.zeros(own + 1), where=table.nats > 0)
        table.nats = word_losses(
            checkpoint, next(iter(need.values()))[0], merged, own + 1, context, progress, _weights(kept)
        )
        table.saved = share * table.nats
        learner = str(checkpoint)
    whole = gap_interval(found, level)
    natural = [name for name in have if name not in wrote]
    ranks, mass = _natural_ranks([texts[name] for name in natural], len(lexicon))
    seen = budget / per_word if checkpoint is not None else found.mixture
    pi = sum(parts[name] for name in natural)
    lacking = _lacking(table, found, merged.words)
    terms = _terms(lacking[:top], table, found, lexicon, (ranks, mass), merged.words, budget / per_word)
    progress.update("gap", done := done + 1)
    made = Gap(
        state="gap" if whole.sign() > 0 else "none",
        reference={each.name: each.words for each in reference},
        reference_words=merged.words,
        reference_documents=len(merged.documents),
        sources=[
            GapSource(
                name=name, kind="synthetic" if name in wrote else "natural", share=parts[name], tokens=_tokens(corpus),
                words=texts[name].words, documents=len(texts[name].documents),
                contained=int(sum(one.sum() for one in held_by[name])),
            )
            for name, corpus in have.items()
        ],
        budget=budget, natural_share=pi, tokens_per_word=per_word, learner=learner,
        loss=float(table.nats.sum() / merged.words), gap=whole, replaced=round(found.replaced),
        bins=_bins(table, found.shown * seen),
        terms=terms,
        phrases=_phrases(found, table, lexicon, merged, budget / per_word, top),
        topics=_topics(merged, [(texts[name], parts[name]) for name in have], table, own, level, seed),
        carriers=_carriers([texts[name] for name in natural], lacking, table, lexicon),
        cutoffs=source_cutoffs(
            [texts[name] for name in natural], [texts[name] for name in have if name in wrote], len(lexicon),
            pi=pi, tokens_per_word=per_word, budget=budget, level=level, seed=seed, warnings=warnings,
        ),
        warnings=warnings,
    )  # fmt: skip
    progress.finish("gap", note=f"{made.state}")
    return made


def _shares(have: Mapping[str, Corpus], shares: Shares | None) -> dict[str, float]:
    if not have:
        raise BadInput("nothing to compare", key="--have", remedy="name the corpora of the mixture")
    if shares is None:
        sizes = {name: _tokens(corpus) for name, corpus in have.items()}
        return {name: size / sum(sizes.values()) for name, size in sizes.items()}
    for name in shares:
        if name not in have:
            raise BadInput("is no source", key=name, remedy=f"there are {', '.join(have)}")
    total = float(sum(shares.values()))
    if abs(total - 1) > 1e-6:
        raise BadInput(f"make {total:.0%}, not 100%", key="shares", remedy="change one of them")
    return {name: float(shares.get(name, 0)) for name in have}


def _synthetic(have: Mapping[str, Corpus], named: Collection[str] | None) -> set[str]:
    if named is None:
        return {name for name, corpus in have.items() if corpus.meta.kind == "synthetic"}
    for name in named:
        if name not in have:
            raise BadInput("is no source", key=f"--synthetic {name}", remedy=f"there are {', '.join(have)}")
    return set(named)


def _tokens(corpus: Corpus) -> int:
    return corpus.train_counts.tokens


def _words_of(corpus: Corpus, text: WordText) -> float:
    """Words of a whole source, by the part that was read."""
    counts = corpus.train_counts
    return text.words * max(1.0, counts.documents / max(len(text.documents), 1))


def _contained(
    reference: Sequence[WordText], texts: Mapping[str, WordText], warnings: list[Warn]
) -> dict[str, list[np.ndarray]]:
    """Which reference documents each source holds.

    Raises:
        BadInput: a source holds half of them or more.
    """
    found = {}
    total = sum(len(each.documents) for each in reference)
    for name, text in texts.items():
        found[name] = [contained(each.documents, text.documents) for each in reference]
        count = int(sum(each.sum() for each in found[name]))
        if 2 * count >= total:
            raise BadInput(
                f"{name} holds {count} of its {total} documents: a reference must not be in the training text",
                where=", ".join(each.name for each in reference), key="reference",
                remedy="name held-out text, or build the corpus with --heldout 5% and name that on both sides",
            )  # fmt: skip
        if count:
            message = f"{count} of {total} reference documents are contained in {name}; they are left out."
            warnings.append(Warn(code="contained", message=message, about=name))
    return found


def _merged(texts: Sequence[WordText]) -> WordText:
    name = ", ".join(text.name for text in texts)
    each = [
        list(chain.from_iterable(getattr(text, field) for text in texts)) for field in ("documents", "texts", "keys")
    ]
    return WordText(name, *each)


def _numbered(domains: np.ndarray) -> np.ndarray:
    """Domains by successive numbers: one of which all documents were left out has none."""
    return np.unique(domains, return_inverse=True)[1]


def _weights(texts: Sequence[WordText]) -> np.ndarray:
    """Of each document of all texts: domains weigh the same, all words together as many as there are."""
    left = [text for text in texts if text.documents]
    total = sum(text.words for text in left)
    return np.repeat([total / len(left) / text.words for text in left], [len(text.documents) for text in left])


def pieces(documents: Sequence[np.ndarray], words: int, own: int) -> list[np.ndarray]:
    """Documents cut to pieces, the words that the reference lacks as the one number ``own``."""
    return [np.minimum(one[at : at + words], own) for one in documents for at in range(0, len(one), words)]


@dataclass
class _Words:
    """By word (vocab,): how often it stands in the reference, in how many documents, nats, and nats that are saved."""

    count: np.ndarray
    documents: np.ndarray
    nats: np.ndarray
    saved: np.ndarray


def _by_word(found: Saving, vocab: int, reference: WordText) -> _Words:
    sums = [np.bincount(found.last, each, minlength=vocab) for each in (found.count, found.nats, found.saved)]
    documents = np.zeros(vocab, np.int64)
    for one in reference.documents:
        documents[np.unique(one)] += 1
    return _Words(sums[0], documents, sums[1], sums[2])


def gap_interval(found: Saving, level: float) -> Interval:
    """Of nats saved per word: the variance over blocks of the reference's documents (delete-one jackknife) and that
    over the part of the mixture which is replaced (its parts overlap in what stays, so it is not divided by their
    number), with Student's t."""
    from scipy.stats import t

    use = found.tokens > 0
    words, gained = found.tokens[use], found.gained[:, use]
    saved = gained.mean(axis=0)
    mid, n = float(saved.sum() / words.sum()), len(words)
    if n < 3:
        return Interval(mid=mid, level=level, covers="sampling", why="too few documents")
    left = (saved.sum() - saved) / (words.sum() - words)
    variance = (n - 1) / n * ((left - left.mean()) ** 2).sum() + (gained.sum(axis=1) / words.sum()).var(ddof=1)
    half = float(t.ppf((1 + level) / 2, n - 1) * math.sqrt(variance))
    return Interval(low=mid - half, mid=mid, high=mid + half, level=level, covers="sampling")


def _lacking(table: _Words, found: Saving, words: int) -> np.ndarray:
    """Numbers of the words that the mixture shows less than half as often as the reference and that its own text saves
    nats on, the largest first."""
    use = (table.saved > 0) & (table.documents > 1) & (found.shown < HALF * table.count / words)
    use[0] = use[-1] = False
    numbers = np.flatnonzero(use)
    return numbers[np.argsort(-table.saved[numbers], kind="stable")]


def _natural_ranks(texts: Sequence[WordText], vocab: int) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each word in the natural text, 0 for one that is not there, and the share of all words up to that rank:
    both (vocab,)."""
    counts = np.zeros(vocab, np.int64)
    for text in texts:
        counts += np.bincount(np.concatenate(text.documents), minlength=vocab)
    order = np.argsort(-counts, kind="stable")
    ranks, mass = np.zeros(vocab, np.int64), np.zeros(vocab)
    ranks[order] = np.arange(1, vocab + 1)
    mass[order] = np.cumsum(counts[order]) / max(counts.sum(), 1)
    return np.where(counts > 0, ranks, 0), mass


def _terms(
    numbers: np.ndarray,
    table: _Words,
    found: Saving,
    lexicon: Lexicon,
    natural: tuple[np.ndarray, np.ndarray],
    words: int,
    budget: float,
) -> list[LackingTerm]:
    loss, (ranks, mass) = float(table.nats.sum()), natural
    return [
        LackingTerm(
            text=lexicon.words[i], documents=int(table.documents[i]), count=round(table.count[i]),
            needed=1e6 * float(table.count[i]) / words, shown=1e6 * float(found.shown[i]),
            expected=float(found.shown[i]) * budget, of_loss=float(table.nats[i]) / loss,
            gap=float(table.saved[i]) / words, rank=int(ranks[i]) or None,
            mass=float(mass[i]) if ranks[i] else None,
        )
        for i in numbers.tolist()
    ]  # fmt: skip


def _phrases(
    found: Saving, table: _Words, lexicon: Lexicon, reference: WordText, budget: float, top: int
) -> list[LackingTerm]:
    """Pairs of words, by what is saved on the second after the first."""
    n, mask = len(found.pairs), (1 << found.bits) - 1
    use = found.key >= 0
    count, nats, saved = (
        np.bincount(found.key[use], each[use], minlength=n) for each in (found.count, found.nats, found.saved)
    )
    documents = np.zeros(n, np.int64)
    for one in reference.documents:
        keys = np.unique((one[:-1] << found.bits) | one[1:])
        place = np.minimum(np.searchsorted(found.pairs, keys), n - 1)
        documents[place[found.pairs[place] == keys]] += 1
    lacks = (saved > 0) & (documents > 1) & (found.pair_shown < HALF * count / reference.words)
    numbers = np.flatnonzero(lacks)
    numbers = numbers[np.argsort(-saved[numbers], kind="stable")][:top]
    loss = float(table.nats.sum())
    made = []
    for i in numbers.tolist():
        first, second = int(found.pairs[i]) >> found.bits, int(found.pairs[i]) & mask
        made.append(
            LackingTerm(
                text=f"{lexicon.words[first]} {lexicon.words[second]}", documents=int(documents[i]),
                count=round(count[i]), needed=1e6 * float(count[i]) / reference.words,
                shown=1e6 * float(found.pair_shown[i]), expected=float(found.pair_shown[i]) * budget,
                of_loss=float(nats[i]) / loss, gap=float(saved[i]) / reference.words,
            )
        )  # fmt: skip
    return made


def _bins(table: _Words, shown: np.ndarray) -> list[GapBin]:
    """By how often the learner was shown a word."""
    place = np.searchsorted(EDGES, np.round(shown, 6), side="right")
    size = len(EDGES) + 1
    count, nats, saved = (np.bincount(place, each, minlength=size) for each in (table.count, table.nats, table.saved))
    whole = float(saved.sum())
    return [
        GapBin(
            name=name, words=round(count[i]), of_words=float(count[i] / count.sum()),
            of_loss=float(nats[i] / nats.sum()), of_gap=float(saved[i]) / whole if whole else 0.0,
            nats=float(nats[i] / count[i]) if count[i] else None,
        )
        for i, name in enumerate(bin_names(EDGES))
    ]  # fmt: skip


def _topics(
    reference: WordText, texts: Sequence[tuple[WordText, float]], table: _Words, own: int, level: float, seed: int
) -> list[LackingTopic]:
    """Topics of both sides together; loss and gap of a document by the means of its words."""
    ours = reference.texts[:TOPIC_DOCUMENTS]
    theirs = [one for text, share in texts for one in text.texts[: round(share * TOPIC_DOCUMENTS)]]
    if min(len(ours), len(theirs)) < SMALLEST:
        return []
    try:
        model = TopicModel.fit([*ours, *theirs], seed=seed)
    except BadInput:
        return []
    each = np.maximum(table.count, 1)
    nats, saved = (
        np.array([float((of / each)[one].sum()) for one in reference.documents[: len(ours)]])
        for of in (table.nats, table.saved)
    )
    found = []
    for label, words in enumerate(model.words):
        mine = model.labels[: len(ours)] == label
        a, b = int(mine.sum()), int((model.labels[len(ours) :] == label).sum())
        found.append(
            LackingTopic(
                words=words, reference=a / len(ours), mixture=b / len(theirs),
                difference=wilson(a, len(ours), level).minus(wilson(b, len(theirs), level)),
                of_loss=float(nats[mine].sum() / nats.sum()), of_gap=float(saved[mine].sum() / (saved.sum() or 1.0)),
            )
        )  # fmt: skip
    return sorted(found, key=lambda topic: -topic.of_gap)


def _carriers(texts: Sequence[WordText], lacking: np.ndarray, table: _Words, lexicon: Lexicon) -> list[Carrier]:
    """The natural documents that a draw by the gap takes most often."""
    vocab = len(table.saved)
    weight = np.zeros(vocab)
    weight[lacking] = table.saved[lacking]
    held: list[tuple[WordText, int, np.ndarray]] = []
    frequency = np.zeros(vocab)
    for text in texts:
        for i, one in enumerate(text.documents):
            mine = np.unique(one[one < vocab])
            mine = mine[weight[mine] > 0]
            frequency[mine] += 1
            held.append((text, i, mine))
    each = np.divide(weight, frequency, out=np.zeros(vocab), where=frequency > 0)
    total = float(weight[frequency > 0].sum())
    if not total:
        return []
    chances = np.array([float(each[mine].sum()) / total for _, _, mine in held])
    made = []
    for at in np.argsort(-chances, kind="stable")[:CARRIERS].tolist():
        text, i, mine = held[at]
        if chances[at] <= 0:
            break
        best = mine[np.argsort(-each[mine], kind="stable")][:6]
        made.append(
            Carrier(
                source=text.name, document=text.keys[i], words=len(text.documents[i]), probability=float(chances[at]),
                times=float(chances[at]) * len(held), terms=[lexicon.words[j] for j in best.tolist()],
                begins=" ".join(text.texts[i].split())[:160],
            )
        )  # fmt: skip
    return made
