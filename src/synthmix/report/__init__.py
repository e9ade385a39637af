"""Results as one self-contained page with figures, as one slide, and as tables beside them."""

from synthmix.report.page import headline, write_report, write_slide

__all__ = ["headline", "write_report", "write_slide"]
