"""What a study found, as one validated object: written by study/, read by report/ and by people's own code.

Losses are in nats per token, parameters non-embedding, intervals at ``level`` (0.9 unless it says otherwise).
"""

from synthmix.interval import Interval
from synthmix.results.answers import Answer, RecipeAnswer, ShareCurve, SharePoint
from synthmix.results.fitted import Curve, FitSummary, HeldOut, IsoFlop, ProfileCurve, Residual
from synthmix.results.measured import CorpusRow, Domain, Noise, Recipe, RunRow, Spent, Statistic
from synthmix.results.parts import Part, Warn
from synthmix.results.tasks import ScorePoint, TaskAnswer, TaskFound, TaskShare
from synthmix.results.whole import Results

__all__ = [
    "Answer",
    "CorpusRow",
    "Curve",
    "Domain",
    "FitSummary",
    "HeldOut",
    "Interval",
    "IsoFlop",
    "Noise",
    "Part",
    "ProfileCurve",
    "Recipe",
    "RecipeAnswer",
    "Residual",
    "Results",
    "RunRow",
    "ScorePoint",
    "ShareCurve",
    "SharePoint",
    "Spent",
    "Statistic",
    "TaskAnswer",
    "TaskFound",
    "TaskShare",
    "Warn",
]
