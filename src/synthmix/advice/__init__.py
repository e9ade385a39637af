"""Advice: a study's decision under the asker's constraints, or published findings, as what should be done."""
