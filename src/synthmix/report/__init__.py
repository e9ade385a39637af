"""Results as one self-contained page with figures, and as tables beside it."""

from synthmix.report.page import headline, write_report

__all__ = ["headline", "write_report"]
