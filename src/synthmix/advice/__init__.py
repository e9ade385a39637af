"""Advice: from a finished study, or from published findings, to what should be done."""
