"""What a study found, as one validated object: written by study/, read by report/ and by people's own code.

Losses are in nats per token, parameters non-embedding, intervals at ``level`` (0.9 unless it says otherwise).
"""

from synthmix.interval import Interval
from synthmix.results.decisions import (
    Caveat,
    Collapse,
    Confidence,
    Decision,
    Edge,
    Kind,
    KindCurve,
    Measured,
    NextRun,
    Option,
    Prices,
    Question,
    Range,
    Sensitivity,
    State,
    Verdict,
)
from synthmix.results.domains import DomainFound, DomainShare
from synthmix.results.fitted import Curve, FitSummary, HeldOut, IsoFlop, ProfileCurve, Residual
from synthmix.results.measured import CorpusRow, Domain, Noise, Recipe, RunRow, ShareCurve, SharePoint, Spent, Statistic
from synthmix.results.parts import Part, Warn
from synthmix.results.ranking import Ranking
from synthmix.results.tasks import ScorePoint, TaskAnswer, TaskFound, TaskShare
from synthmix.results.whole import Results

__all__ = [
    "Caveat",
    "Collapse",
    "Confidence",
    "CorpusRow",
    "Curve",
    "Decision",
    "Domain",
    "DomainFound",
    "DomainShare",
    "Edge",
    "FitSummary",
    "HeldOut",
    "Interval",
    "IsoFlop",
    "Kind",
    "KindCurve",
    "Measured",
    "NextRun",
    "Noise",
    "Option",
    "Part",
    "Prices",
    "ProfileCurve",
    "Question",
    "Range",
    "Ranking",
    "Recipe",
    "Residual",
    "Results",
    "RunRow",
    "ScorePoint",
    "Sensitivity",
    "ShareCurve",
    "SharePoint",
    "Spent",
    "State",
    "Statistic",
    "TaskAnswer",
    "TaskFound",
    "TaskShare",
    "Verdict",
    "Warn",
]
