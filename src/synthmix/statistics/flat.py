"""A survey as one long table: a row a number, so that any tool can filter, pivot and plot it."""

from collections.abc import Iterator
from typing import Any

from synthmix.interval import Interval
from synthmix.statistics.compare import Comparison
from synthmix.statistics.surveyed import Survey

COLUMNS: dict[str, type] = {
    "corpus": str,
    "against": str,
    "share": float,
    "unit": str,
    "n": int,
    "statistic": str,
    "at_least": int,
    "smoothing": str,
    "value": float,
    "low": float,
    "high": float,
    "text": str,
}
Row = dict[str, Any]


def flat_rows(survey: Survey) -> list[Row]:
    """Every number of the survey; keys as in ``COLUMNS``, absent ones None."""
    return [{name: row.get(name) for name in COLUMNS} for row in _rows(survey)]


def _rows(survey: Survey) -> Iterator[Row]:
    for text in survey.texts:
        base: Row = {"corpus": text.name, "unit": "token"}
        yield base | {"statistic": "tokens", "n": 1, "value": float(text.tokens)}
        yield base | {"statistic": "entropy", "n": 1, "value": text.entropy}
        for n, types in text.types.items():
            yield base | {"statistic": "types", "n": n, "value": float(types)}
        if text.zipf:
            law = text.zipf
            yield base | {"statistic": "zipf exponent", **_ends(law.exponent)}
            yield base | {"statistic": "zipf x_min", "value": float(law.x_min)}
            yield base | {"statistic": "zipf p-value", "value": law.fits}
        if text.heaps:
            grown = text.heaps
            yield base | {"statistic": "heaps exponent", **_ends(grown.exponent)}
            for tokens, types in zip(grown.tokens, grown.types, strict=True):
                yield base | {"statistic": "types after tokens", "at_least": tokens, "value": float(types)}
        if text.compression:
            yield base | {"statistic": "compression ratio", "value": text.compression.ratio}
        if text.duplication:
            same = text.duplication
            yield base | {"statistic": "near-duplicate rate", **_ends(same.rate)}
    for pair in (*survey.pairs, *survey.overlaps):
        base = {"corpus": pair.corpus, "against": pair.against, "unit": pair.unit, "n": pair.comparison.n}
        for row in _comparison(pair.comparison):
            yield base | row
    for one in survey.shares:
        base = {"corpus": one.synthetic, "against": one.domain, "share": one.share, "unit": "token", "n": 1}
        for k, value in one.coverage_mass.items():
            yield base | {"statistic": "coverage of mass", "at_least": k, "value": value}
        for k, value in one.coverage_types.items():
            yield base | {"statistic": "coverage of types", "at_least": k, "value": value}
        for found in one.divergences:
            yield base | {"statistic": "KL(test||train)", "smoothing": found.smoothing, "value": found.kl_test_train}
            yield base | {"statistic": "KL(train||test)", "smoothing": found.smoothing, "value": found.kl_train_test}
        yield base | {"statistic": "Jensen-Shannon", "value": one.divergences[0].jensen_shannon}
    for cost in survey.costly:
        base = {"corpus": cost.corpus, "against": cost.against, "unit": cost.unit, "n": cost.n, "text": cost.text}
        yield base | {"statistic": "part of KL(test||train)", "value": cost.nats}


def _ends(found: Interval) -> Row:
    return {"value": found.mid, "low": found.low, "high": found.high}


def _comparison(found: Comparison) -> Iterator[Row]:
    for k in found.coverage_mass:
        yield {"statistic": "coverage of mass", "at_least": k, "value": found.coverage_mass[k]}
        yield {"statistic": "coverage of types", "at_least": k, "value": found.coverage_types[k]}
    yield {"statistic": "overlap of mass", "value": found.overlap_mass}
    yield {"statistic": "overlap of types", "value": found.overlap_types}
    yield {"statistic": "Jaccard", "value": found.jaccard}
    for one in found.divergences:
        yield {"statistic": "KL(test||train)", "smoothing": one.smoothing, "value": one.kl_test_train}
        yield {"statistic": "KL(train||test)", "smoothing": one.smoothing, "value": one.kl_train_test}
    yield {"statistic": "Jensen-Shannon", "value": found.divergences[0].jensen_shannon}
