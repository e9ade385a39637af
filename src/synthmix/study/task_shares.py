"""Where loss and task scores agree or disagree about the best share: at every measured cell, and at the question."""

from dataclasses import replace

import numpy as np

from synthmix.config import StudyConfig
from synthmix.results import RunRow, ScorePoint, ShareCurve, TaskShare
from synthmix.scaling import BestShare
from synthmix.scaling.share_summary import GRID
from synthmix.scaling.task_law import TaskFit
from synthmix.scaling.task_law_share import agreement, best_share_by_score, best_share_of_scores
from synthmix.study.fits import Fits, envelope
from synthmix.study.task_rows import Scored

FEWEST_SHARES = 3


def measured_shares(config: StudyConfig, scored: Scored, curves: list[ShareCurve]) -> list[TaskShare]:
    """The best share by score at every (N, D) that has a share curve of the loss and three shares with a score."""
    noise = _noise(scored)
    found = []
    for curve in curves:
        if curve.is_question:
            continue
        cell = [
            (row, score)
            for row, score in zip(scored.rows, scored.scores, strict=True)
            if (row.params, row.tokens) == (curve.params, curve.tokens)
            and (row.synthetic == curve.synthetic or row.recipe == config.mix.natural)
        ]
        if len({row.share for row, _ in cell}) < FEWEST_SHARES:  # study/task_rows.py warns of runs without a score
            continue
        best = best_share_by_score(
            [row.share for row, _ in cell],
            [score for _, score in cell],
            noise=noise,
            pair=[row.seed for row, _ in cell],
            draws=config.fit.bootstrap,
            level=config.fit.level,
        )
        found.append(_beside(curve, best, cell))
    return found


def asked_share(config: StudyConfig, law: TaskFit, fits: Fits, curves: list[ShareCurve]) -> list[TaskShare]:
    """The best share by the score expected at the question, of each source that has a law in its share."""
    if config.question is None:
        return []
    at = {"N": float(config.question.params), "D": float(config.question.tokens)}
    found = []
    for curve in curves:
        family = fits.families.get(curve.synthetic)
        if not curve.is_question or family is None:
            continue
        shares = {curve.synthetic: GRID}
        said = []
        for mine in family.laws:
            measured = mine.runs.share
            said.append(
                best_share_of_scores(
                    law.predict(mine.predict(**at, share=GRID), shares),
                    law.draw(mine.draw(**at, share=GRID), shares),
                    noise=law.noise,
                    level=config.fit.level,
                    measured=(float(measured.min()), float(measured.max())),
                )
            )
        best = replace(
            said[0],
            best=envelope([each.best for each in said]),
            low=np.min([each.low for each in said], axis=0),
            high=np.max([each.high for each in said], axis=0),
        )
        found.append(_beside(curve, best, []))
    return found


def _beside(curve: ShareCurve, best: BestShare, cell: list[tuple[RunRow, float]]) -> TaskShare:
    """The score's best share beside the loss's."""
    verdict = agreement(curve.best, curve.flat, best.best, best.flat)
    return TaskShare(
        synthetic=curve.synthetic,
        params=curve.params,
        tokens=curve.tokens,
        is_question=curve.is_question,
        by_loss=curve.best,
        by_score=best.best,
        flat_loss=curve.flat,
        flat_score=best.flat,
        common=verdict.common,
        verdict=verdict.verdict,
        reason=verdict.reason,
        measured=[ScorePoint(share=row.share, score=score, seed=row.seed) for row, score in cell],
        shares=np.asarray(best.shares)[::2].tolist(),
        mean=np.asarray(best.mean)[::2].tolist(),
        low=np.asarray(best.low)[::2].tolist(),
        high=np.asarray(best.high)[::2].tolist(),
    )


def _noise(scored: Scored) -> float:
    """Standard deviation of one run's score: pooled over seeds; without replicates that of drawing the questions,
    which is an upper bound for runs that answer the same ones (CHOSEN)."""
    scores, group = np.array(scored.scores), np.array(scored.group)
    counts = np.bincount(group)
    dof = len(scores) - len(counts)
    if dof > 0:
        squares = float(((scores - (np.bincount(group, scores) / counts)[group]) ** 2).sum())
        if squares > 0:
            return float(np.sqrt(squares / dof))
    mean = float(np.clip(scores.mean(), 0.01, 0.99))
    return float(np.sqrt(mean * (1 - mean) / scored.items))
