"""How well scores order datasets by what models trained on them are worth: five tasks, every method, one command.

`python -m benchmarks.valuation --help`; what it found is in docs/results/valuation.md.
"""
