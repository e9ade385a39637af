"""The runs table: every measured point of every training run in one validated form, whoever trained it.

Everything that concludes (laws, decisions, reports, statistics against loss) reads this table and nothing else.
"""

from synthmix.runs.load import read_runs
from synthmix.runs.table import Cell, Metric, RunsTable

__all__ = ["Cell", "Metric", "RunsTable", "read_runs"]
