"""A study's valuation scores beside its laws, and whether they are evidence: did they rank what was measured?"""

from collections.abc import Sequence
from pathlib import Path

from synthmix.advice.schema import KindValue, Scores, SourceValue
from synthmix.errors import BadInput
from synthmix.interval import format_interval
from synthmix.progress import Progress
from synthmix.quantities import format_count, percent
from synthmix.report.mixture_sentences import mixture_text
from synthmix.report.sentences import AGREEMENT
from synthmix.results import Caveat, KindCurve
from synthmix.results.mixtures import MixtureDecision
from synthmix.scaling.task_law import agreement
from synthmix.statistics.ranking import StatisticRow, statistic_table
from synthmix.study.finished_study import FinishedStudy, read_study, study_folder
from synthmix.study.text_measures import largest_groups, loss_groups
from synthmix.study.value_curves import ValueCurve, ValueMixture
from synthmix.study.value_scores import NAMES, Values, kept_values, study_values
from synthmix.study.workspace import Workspace

SCORE = NAMES[-1]
NOISE = "A score's interval is that of other documents of the same texts; its distance from a trained loss is in none."
NOT_KEPT = "not read yet: --scores (scores=True) reads the study's texts, once; the scores are kept in its folder"
NOT_READ = "not read (--no-scores, or results without the study's folder, where its texts lie)"


def study_scores(
    where: Path | None,
    curves: Sequence[KindCurve],
    level: float,
    *,
    mixture: MixtureDecision | None = None,
    read: bool = True,
    progress: Progress | None = None,
) -> tuple[Scores | None, str]:
    """The scores of the kinds of ``curves`` (the laws' own), or None and why there are none; ``where``: the study.

    ``mixture``: the laws' best one, of a study with designed mixtures: the score's own best one stands beside it.
    ``level``: of the interval of the rank correlation. ``read``: where the folder keeps none, read each of the study's
    corpora once a held-out domain, and keep what was found; else only those that are kept.
    """
    if where is None:
        return None, NOT_READ
    try:
        if not read and not Workspace(study_folder(where)).values.exists():
            return None, NOT_KEPT
        text = read_study(where)
        values = study_values(text, progress=progress) if read else kept_values(text)
        if values is None:
            return None, NOT_KEPT
        row = _ranking(text, values, level)
    except BadInput as error:  # its texts or records are gone or damaged: advice does without them, and says so
        # without the remedy, which is for the command that needs them: none should delete a record for its scores' sake
        what = ": ".join(str(part) for part in (error.where, error.key, error.problem) if part is not None)
        return None, f"not read, for the study's runs or texts are not all there: {what}"
    ranking = row.spearman
    ranks = ranking.sign() > 0
    there = {curve.kind: curve for curve in values.curves}
    many = values.mixture if mixture is not None else None
    kinds = [] if many is not None else [_beside(there[c.kind], c) for c in curves if c.kind in there]
    return (
        Scores(
            ranking=ranking,
            recipes=len(text.recipes),
            groups=row.groups,
            ranks=ranks,
            chooses=row.chooses,
            regret=row.regret,
            kinds=kinds,
            mixture=many,
            sources=[] if many is None or mixture is None else _sources(many, mixture),
            curves=[] if many is None else values.curves,
        ),
        "",
    )


def _ranking(text: FinishedStudy, values: Values, level: float) -> StatisticRow:
    """Rank correlation of the score with the measured losses, as ``synthmix stats --study`` has it."""
    losses, groups = loss_groups(text)
    measure = {SCORE: values.measures(text, groups)[SCORE]}
    decisive = largest_groups(text, groups)
    return statistic_table(losses, measure, recipes=text.recipes, decisive=decisive, level=level).rows[0]


def _beside(mine: ValueCurve, law: KindCurve) -> KindValue:
    """A kind's best share by score beside that by the laws."""
    found = agreement(law.best, law.flat, mine.best, None)
    return KindValue(**dict(mine), by_laws=law.best, verdict=found.verdict, reason=found.reason)


def _sources(mine: ValueMixture, laws: MixtureDecision) -> list[SourceValue]:
    """Each text's share of the score's best mixture beside that of the laws'."""
    found = []
    for each in laws.shares:
        if each.source in mine.shares:
            share = mine.shares[each.source]
            verdict = agreement(each.interval, None, share, None)
            found.append(
                SourceValue(
                    source=each.source, share=share, by_laws=each.interval, verdict=verdict.verdict,
                    reason=verdict.reason.replace("best share", "share of the best mixture"),
                )
            )  # fmt: skip
    return found


def disagreements(scores: Scores | None) -> list[Caveat]:
    """Kinds whose best share by a score that ranked what was measured is another than that by the laws; of many sources
    those whose share of the best mixture is."""
    if scores is None or not scores.ranks:
        return []
    parted = [kind.kind for kind in scores.kinds if kind.verdict == "disagree"]
    parted += [each.source for each in scores.sources if each.verdict == "disagree"]
    return [Caveat(code="valuation_disagrees", about=kind) for kind in parted]


def score_lines(scores: Scores | None, note: str) -> list[str]:
    """What the valuation scores say, in sentences, or why there are none."""
    if scores is None:
        return [note] if note else []
    ranking = scores.ranking
    if ranking.mid is None:
        return ["The score tells no two of this study's recipes apart, so its best shares are no evidence."]
    found = f"Spearman {format_interval(ranking, '+.2f')}"
    where = f"{scores.recipes} recipes at {scores.groups} combinations of size, budget and held-out domain"
    if not scores.ranks:
        lines = [f"The score did not rank what was measured ({found}; {where}): its best shares are no evidence."]
    else:
        chosen = "" if scores.chooses is None else f"; at the largest cell it would have chosen {scores.chooses}"
        lost = f", {scores.regret:.3f} nats above the best one" if scores.regret else ", the best one"
        lines = [f"The score ranked what was measured ({found}; {where}){chosen}{lost if scores.chooses else ''}."]
    for kind in scores.kinds:
        best = f"best share by score {format_interval(kind.best, percent)} of {format_count(kind.tokens)} tokens"
        laws = f"by the laws at the question {format_interval(kind.by_laws, percent)}"
        lines.append(f"{kind.kind}: {best}, {laws}: {AGREEMENT[kind.verdict]} ({kind.reason}).")
    if scores.mixture is not None:
        best, gain = mixture_text(scores.mixture.mixture), format_interval(scores.mixture.gain, "+.4f")
        size = format_count(scores.mixture.tokens)
        lines.append(f"Its best mixture of {size} tokens: {best}; score above natural text's {gain}.")
    for each in scores.sources:
        share, laws = format_interval(each.share, percent), format_interval(each.by_laws, percent)
        said = f"{AGREEMENT[each.verdict]} ({each.reason})"
        lines.append(
            f"{each.source}: {share} of the score's best mixture, {laws} of the laws' at the question: {said}."
        )
    return [*lines, *([NOISE] if scores.kinds or scores.sources else [])]
