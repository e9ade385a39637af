"""What the study's valuation scores say, and whether they deserve to be heard: did they rank what was measured?"""

from collections.abc import Sequence
from pathlib import Path

from synthmix.advice.found import KindCurve
from synthmix.advice.found_beside import KindValue, Scores
from synthmix.advice.words import agreed
from synthmix.errors import BadInput
from synthmix.interval import format_interval
from synthmix.progress import Progress
from synthmix.quantities import format_count, percent
from synthmix.scaling.task_law_share import agreement
from synthmix.statistics.ranking import StatisticRow, statistic_table
from synthmix.study.text_found import StudyText, read_study
from synthmix.study.text_measures import largest_groups, loss_groups
from synthmix.study.value_curves import ValueCurve
from synthmix.study.value_scores import NAMES, Values, study_values

SCORE = NAMES[-1]
LEVEL = 0.9
NOT_READ = "not read (--no-scores, or results without the study's folder, where its texts lie)"


def study_scores(
    where: Path | None, curves: Sequence[KindCurve], *, progress: Progress | None = None
) -> tuple[Scores | None, str]:
    """The scores of the kinds of ``curves`` (the laws' own), or None and why there are none; ``where``: the study.

    The first time a study is asked, each of its corpora is read once a held-out domain; what was found is kept there.
    """
    if where is None:
        return None, NOT_READ
    try:
        text = read_study(where)
        values = study_values(text, progress=progress)
        row = _ranking(text, values)
    except BadInput as error:  # its texts or records are gone or damaged: advice does without them, and says so
        # without the remedy, which is for the command that needs them: none should delete a record for its scores' sake
        what = ": ".join(str(part) for part in (error.where, error.key, error.problem) if part is not None)
        return None, f"not read, for the study's runs or texts are not all there: {what}"
    trusted = row.spearman.sign() > 0
    there = {curve.kind: curve for curve in values.curves}
    kinds = [_beside(there[curve.kind], curve, trusted=trusted) for curve in curves if curve.kind in there]
    return (
        Scores(
            ranking=row.spearman,
            recipes=len(text.recipes),
            groups=row.groups,
            trusted=trusted,
            chooses=row.chooses,
            regret=row.regret,
            says=_ranked(row, len(text.recipes), trusted=trusted),
            kinds=kinds,
        ),
        "",
    )


def _ranking(text: StudyText, values: Values) -> StatisticRow:
    """Rank correlation of the score with the measured losses, as ``synthmix stats --study`` has it."""
    losses, groups = loss_groups(text)
    measure = {SCORE: values.measures(text, groups)[SCORE]}
    decisive = largest_groups(losses, groups)
    return statistic_table(losses, measure, recipes=text.recipes, decisive=decisive, level=LEVEL).rows[0]


def _ranked(row: StatisticRow, recipes: int, *, trusted: bool) -> str:
    if row.spearman.mid is None:
        return "The score tells no two of this study's recipes apart: its best shares deserve no trust here."
    found = f"Spearman {format_interval(row.spearman, '+.2f')}"
    where = f"{recipes} recipes at {row.groups} combinations of size, budget and held-out domain"
    if not trusted:
        return f"The score did not rank what was measured ({found}; {where}): its best shares deserve no trust here."
    chosen = "" if row.chooses is None else f"; at the largest size and budget it would have chosen {row.chooses}"
    lost = "" if not row.regret else f", {row.regret:.3f} nats above the best one"
    if row.chooses is not None and row.regret == 0:
        lost = ", the best one"
    return f"The score ranked what was measured ({found}; {where}){chosen}{lost}."


def _beside(mine: ValueCurve, law: KindCurve, *, trusted: bool) -> KindValue:
    """A kind's best share by score beside that by the laws."""
    doubt = "" if trusted else ", and the score is not to be trusted here"
    found = agreement(law.best, law.flat, mine.best, None)
    said = f"{mine.kind}: best by score {format_interval(mine.best, percent)} of {format_count(mine.tokens)} tokens"
    said += f", by the laws at the question {format_interval(law.best, percent)}"
    return KindValue(
        **dict(mine),
        by_laws=law.best,
        verdict=found.verdict,
        reason=found.reason,
        says=f"{said}: {agreed(found.verdict)} ({found.reason}){doubt}.",
    )
