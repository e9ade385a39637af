"""What the text of a study's mixtures says, from one count of each of its corpora, also of one that no run has.

Each corpus is counted once, as far as the largest budget; the statistics of every mixture are what is expected of a
uniform sample of these counts. (What a run of a recipe really reads is counted in :mod:`.text_measures`.)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.results.mixtures import MixtureDecision
from synthmix.runs.load import read_results
from synthmix.statistics.count import TextCounts, count_text
from synthmix.statistics.mixtures import MixtureRow, ShareRow, mixture_rows, share_curve
from synthmix.study.finished_study import FinishedStudy
from synthmix.study.value_scores import Values, natural_mixture

BEST_BY_LAWS, BEST_BY_SCORE = "best by the laws", "best by the score"
SHARES = tuple(Fraction(i, 10) for i in range(11))


@dataclass(frozen=True)
class StudyMixtures:
    """``rows``: mixtures that have a name; ``curves``: over the share of each synthetic text in natural text. Both at
    the largest budget, against each held-out domain. ``sources``: the corpora."""

    rows: list[MixtureRow]
    curves: list[ShareRow]
    sources: list[str]


def mixtures_of_study(text: FinishedStudy, values: Values, *, progress: Progress | None = None) -> StudyMixtures:
    """Each corpus alone, the trained recipes, and the best mixtures by the laws and by the score, where there are any.

    Raises:
        BadInput: a corpus that is gone.
    """
    progress = progress or Silent()
    tokens = int(max(cell.D for cell in text.cells))
    corpora = {source: text.corpus(record, source) for record in text.records for source in record.spec.shares}
    vocab, eos = text.records[0].spec.vocab, next(iter(text.corpora.values())).meta.eos_id
    progress.start("counting", len(corpora) + len(text.domains), "texts")
    with TemporaryDirectory(prefix="synthmix-counts-") as scratch:

        def count(number: int, stream: object, stop: int) -> TextCounts:
            found = count_text(
                stream, vocab, eos=eos, orders=(2,), stop=stop,  # type: ignore[arg-type]
                scratch=Path(scratch) / str(number),
            )  # fmt: skip
            progress.update("counting", number + 1)
            return found

        pools = {
            name: count(i, corpus.train, min(len(corpus.train), tokens))
            for i, (name, corpus) in enumerate(corpora.items())
        }
        heldout = {
            name: count(len(pools) + i, domain.open().stream, domain.tokens)
            for i, (name, domain) in enumerate(text.domains.items())
        }
        rows = mixture_rows(pools, _named(text, values, list(corpora)), heldout, tokens)
        progress.finish("counting")
    natural = natural_mixture(text)
    curves: list[ShareRow] = []
    if natural is not None:
        base = {name: Fraction(share) for name, share in natural.items()}
        unigrams, tests = ({name: each.unigrams for name, each in held.items()} for held in (pools, heldout))
        curves = share_curve(unigrams, base, [name for name in corpora if name not in base], SHARES, tests, tokens)
    return StudyMixtures(rows, curves, list(corpora))


def _named(text: FinishedStudy, values: Values, sources: list[str]) -> dict[str, Mapping[str, float | Fraction]]:
    named: dict[str, Mapping[str, float | Fraction]] = {source: {source: Fraction(1)} for source in sources}
    for recipe in text.recipes:
        named[recipe] = dict(text.record(recipe).spec.shares)
    decided = decided_mixture(text)
    if decided is not None and set(decided.mixture) <= set(sources):
        named[BEST_BY_LAWS] = decided.mixture
    if values.mixture is not None:
        named[BEST_BY_SCORE] = values.mixture.mixture
    return named


def decided_mixture(text: FinishedStudy) -> MixtureDecision | None:
    """The best mixture that the study's results name; None where there are no results, or they name none."""
    path = text.folder / "results.json"
    try:
        return read_results(path).mixture if path.exists() else None
    except BadInput:  # of another version, or damaged: the statistics need none
        return None
