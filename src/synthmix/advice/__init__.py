"""Advice: a study's decision under the asker's constraints beside published effects, or these alone, as what to do."""
