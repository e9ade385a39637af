"""One decision: from the runs table, its fits, a question and its constraints to options, a verdict and caveats.

Everything that shows an answer (report, ``synthmix advise``, ``--json``) shows the object that :func:`decide` makes.
"""

from synthmix.decisions.decide import decide
from synthmix.decisions.fits import StudyFits, fit_study
from synthmix.decisions.question import ask

__all__ = ["StudyFits", "ask", "decide", "fit_study"]
