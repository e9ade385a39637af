"""Every statistic of every recipe of a study, beside its measured loss: what the table against loss is made of.

Exact counts of what a run of the recipe reads (each corpus from its start, by share), unigrams and bigrams.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.progress import Progress, Silent
from synthmix.runs import Cell
from synthmix.statistics.compare import Comparison, compare_ngrams, compare_unigrams, unigram_entropy
from synthmix.statistics.count import Stream, TextCounts, count_text
from synthmix.statistics.ngrams import NgramCounts, merge_runs
from synthmix.statistics.ranking import Measure, StatisticTable, statistic_table
from synthmix.study.finished_study import FinishedStudy

SMOOTHINGS = ("additive:0.5", "good-turing")
Row = dict[str, float]
HIGHER = {"coverage", "entropy", "types", "overlap"}  # what is meant to be better when higher, by its first word


def table_of_study(
    text: FinishedStudy,
    *,
    scores: Mapping[str, Measure] | None = None,
    level: float = 0.9,
    progress: Progress | None = None,
) -> StatisticTable:
    """Rank correlation of each statistic with measured loss over a study's cells and domains.

    Args:
        scores: more measures, such as valuation scores, of shape (groups, recipes) as :func:`loss_groups` orders them.

    Raises:
        BadInput: fewer than three recipes, or a corpus that is gone.
    """
    losses, groups = loss_groups(text)
    measures = measures_of_study(text, groups, progress=progress) | dict(scores or {})
    decisive = largest_groups(text, groups)
    return statistic_table(losses, measures, recipes=text.recipes, decisive=decisive, level=level)


Group = tuple[Cell, str]


def largest_groups(text: FinishedStudy, groups: list[Group]) -> list[int]:
    """The groups of the cell at which recipes are compared (:meth:`synthmix.runs.RunsTable.largest_cell`)."""
    cell = text.table.largest_cell()
    return [i for i, (other, _) in enumerate(groups) if other == cell]


def loss_groups(text: FinishedStudy) -> tuple[np.ndarray, list[Group]]:
    """Losses (groups, recipes), means over seeds, NaN where none; a group is a cell (N, D) and a domain."""
    groups = [(cell, domain) for cell in text.cells for domain in text.domains]
    losses = [[text.table.mean(recipe, cell, f"loss.{domain}") for recipe in text.recipes] for cell, domain in groups]
    return np.array(losses), groups


def measures_of_study(
    text: FinishedStudy, groups: list[Group], *, progress: Progress | None = None
) -> dict[str, Measure]:
    """Each statistic as an array (groups, recipes)."""
    progress, found = progress or Silent(), dict[tuple[str, int, str], Row]()
    budgets = sorted({int(cell.D) for cell in text.cells})
    progress.start("text statistics", len(budgets) * len(text.recipes), "recipes")
    vocab = text.records[0].spec.vocab
    eos = next(iter(text.corpora.values())).meta.eos_id
    with TemporaryDirectory(prefix="synthmix-counts-") as scratch:
        counter = _Counter(vocab, eos, Path(scratch))
        tests = {
            name: counter.of(f"heldout {name}", {name: Fraction(1)}, {name: domain.open().stream}, domain.tokens)
            for name, domain in text.domains.items()
        }
        done = 0
        for recipe in text.recipes:
            record = text.record(recipe)
            streams = {source: _train(text.corpus(record, source)) for source in record.spec.shares}
            for tokens in budgets:
                shares = {name: Fraction(share) for name, share in record.spec.shares.items()}
                train = counter.of(f"{recipe} {tokens}", shares, streams, tokens)
                for name, test in tests.items():
                    found[recipe, tokens, name] = _row(train, test)
                done += 1
                progress.update("text statistics", done)
    progress.finish("text statistics")
    names = list(next(iter(found.values())))
    return {
        name: Measure(
            np.array([[found[r, int(cell.D), domain][name] for r in text.recipes] for cell, domain in groups]),
            higher=name.split()[0] in HIGHER,
        )
        for name in names
    }


Counts = tuple[np.ndarray, NgramCounts]


class _Counter:
    """Unigrams and bigrams of a recipe at a budget; a pool is counted on from the longest prefix that was counted."""

    def __init__(self, vocab: int, eos: int, scratch: Path) -> None:
        self.vocab, self.eos, self.scratch = vocab, eos, scratch
        # By the stream's id: the stream itself, so that no other one can have it, and its prefixes.
        self._counted: dict[int, tuple[Stream, dict[int, TextCounts]]] = {}
        self._files = 0

    def of(self, name: str, shares: dict[str, Fraction], streams: dict, tokens: int) -> Counts:
        unigrams = np.zeros(self.vocab, dtype=np.int64)
        tables: list[NgramCounts] = []
        for source, share in shares.items():
            epochs, rest = divmod(round(share * tokens), len(streams[source]))
            for times, stop in ((epochs, len(streams[source])), (1, rest)):
                if times and stop:
                    found = self._prefix(streams[source], stop)
                    unigrams += times * found.unigrams
                    tables += [found.ngrams[2]] * times
        return unigrams, merge_runs(tables)

    def _prefix(self, stream: Stream, stop: int) -> TextCounts:
        """Counts of the first ``stop`` tokens: those of a shorter prefix and of what comes after it."""
        held = self._counted.setdefault(id(stream), (stream, {}))[1]
        if stop not in held:
            start = max((length for length in held if length < stop), default=0)
            self._files += 1
            found = count_text(
                stream, self.vocab, eos=self.eos, orders=(2,), start=start, stop=stop,
                scratch=self.scratch / str(self._files),
            )  # fmt: skip
            if start:
                before = held[start]
                bigrams = merge_runs([before.ngrams[2], found.ngrams[2]], self.scratch / f"{self._files}-merged")
                found = TextCounts(stop, self.vocab, before.unigrams + found.unigrams, {2: bigrams})
            held[stop] = found
        return held[stop]


def _train(corpus: Corpus) -> Stream:
    return corpus.train


def _row(train: Counts, test: Counts) -> Row:
    """All statistics of one recipe against one domain."""
    one = compare_unigrams(train[0], test[0], smoothings=SMOOTHINGS, at_least=(1, 10, 100))
    two = compare_ngrams(train[1], test[1], smoothings=SMOOTHINGS, at_least=(1, 10))
    entropy: Callable[[np.ndarray], float] = unigram_entropy
    return {
        "types of unigrams in training": float(one.train_types),
        "types of bigrams in training": float(two.train_types),
        "entropy of training unigrams": entropy(train[0]),
        **_comparison("unigrams", one),
        **_comparison("bigrams", two),
    }


def _comparison(what: str, found: Comparison) -> Row:
    row = {f"coverage of mass, {what}, {k}+": value for k, value in found.coverage_mass.items()}
    row |= {f"coverage of types, {what}, {k}+": value for k, value in found.coverage_types.items() if k == 1}
    row |= {f"overlap of training in held-out, {what}": found.overlap_mass}
    for one in found.divergences:
        row[f"KL(test||train), {what}, {one.smoothing}"] = one.kl_test_train
        row[f"KL(train||test), {what}, {one.smoothing}"] = one.kl_train_test
    return row | {f"Jensen-Shannon, {what}": found.divergences[0].jensen_shannon}
