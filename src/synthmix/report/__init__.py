"""Results as one self-contained page with figures, and as tables beside it."""

from synthmix.report.page import write_report
from synthmix.report.words import headline

__all__ = ["headline", "write_report"]
