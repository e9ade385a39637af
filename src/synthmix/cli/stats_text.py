"""A survey as text for the terminal."""

from synthmix.cli.plan_text import table
from synthmix.interval import format_interval
from synthmix.quantities import format_count, format_share
from synthmix.statistics.types import Described, Survey

_TOP = 5


def survey_text(found: Survey) -> str:
    """Tables: the texts, each against each, the sensitivity to smoothing, the shares, what costs most."""
    first = found.pairs[0].comparison.divergences[0].smoothing
    blocks = [
        f"{format_count(found.tokens)} tokens of each corpus; vocabulary {found.vocab_size}; nats; smoothing {first}",
        _texts(found),
        _pairs(found),
        _smoothings(found),
    ]
    if found.overlaps:
        blocks.append(_overlaps(found))
    if found.shares:
        blocks.append(_shares(found))
    blocks.append(_costly(found))
    return "\n\n".join(blocks)


def _texts(found: Survey) -> str:
    head = ["text", "kind", "types", "entropy", "Zipf s", "p", "Heaps b", "compression", "near-duplicates"]
    return table(head, [_described(text) for text in found.texts])


def _described(text: Described) -> list[str]:
    law, grown, packed, same = text.zipf, text.heaps, text.compression, text.duplication
    return [
        text.name,
        text.kind,
        str(text.types[1]),
        f"{text.entropy:.3f}",
        format_interval(law.exponent, ".3f", level=False) if law else "n/a",
        f"{law.fits:.2f}" if law else "n/a",
        format_interval(grown.exponent, ".3f", level=False) if grown else "n/a",
        f"{packed.ratio:.2f} of {format_count(packed.bytes)}B" if packed else "n/a",
        f"{same.rate.mid:.2%} of {same.documents}" if same else "n/a",
    ]


def _pairs(found: Survey) -> str:
    rows = [
        [
            pair.corpus,
            pair.against,
            f"{pair.comparison.n} {pair.unit}{'s' if pair.comparison.n > 1 else ''}",
            f"{pair.comparison.coverage_mass[1]:.3%}",
            f"{pair.comparison.coverage_types[1]:.2%}",
            f"{pair.comparison.divergences[0].kl_test_train:.4f}",
            f"{pair.comparison.divergences[0].kl_train_test:.4f}",
            f"{pair.comparison.divergences[0].jensen_shannon:.4f}",
        ]
        for pair in found.pairs
    ]
    head = ["corpus", "against", "by", "mass covered", "types covered", "KL(test||train)", "KL(train||test)", "JS"]
    return table(head, rows)


def _smoothings(found: Survey) -> str:
    names = [one.smoothing for one in found.pairs[0].comparison.divergences]
    rows = [
        [
            p.corpus,
            p.against,
            f"{p.comparison.n} {p.unit}",
            *(f"{d.kl_test_train:.4f}" for d in p.comparison.divergences),
        ]
        for p in found.pairs
    ]
    return "KL(test||train) by smoothing\n" + table(["corpus", "against", "by", *names], rows)


def _overlaps(found: Survey) -> str:
    rows = [
        [
            pair.corpus,
            pair.against,
            str(pair.comparison.n),
            f"{pair.comparison.coverage_mass[1]:.2%}",
            f"{pair.comparison.overlap_mass:.2%}",
            f"{pair.comparison.jaccard:.3f}",
            f"{pair.comparison.divergences[0].jensen_shannon:.4f}",
        ]
        for pair in found.overlaps
    ]
    return table(["corpus", "other", "n", "of other in corpus", "of corpus in other", "Jaccard", "JS"], rows)


def _shares(found: Survey) -> str:
    rows = [
        [
            f"{format_share(row.share)} {row.synthetic}",
            row.domain,
            f"{row.coverage_mass[1]:.3%}",
            f"{row.coverage_types[1]:.2%}",
            f"{row.divergences[0].kl_test_train:.4f}",
            f"{row.divergences[0].jensen_shannon:.4f}",
        ]
        for row in found.shares
    ]
    head = ["mixture", "against", "mass covered", "types covered", "KL(test||train)", "JS"]
    return "expected of mixtures, from the pools' counts alone\n" + table(head, rows)


def _costly(found: Survey) -> str:
    rows, seen = [], dict[tuple[str, str, str, int], int]()
    for one in found.costly:
        key = (one.corpus, one.against, one.unit, one.n)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _TOP:
            by = f"{one.n} {one.unit}"
            rows.append(
                [
                    one.corpus,
                    one.against,
                    by,
                    repr(one.text),
                    f"{one.nats:.5f}",
                    str(one.heldout_count),
                    f"{one.train_count:g}",
                ]
            )
    head = ["corpus", "against", "by", "text", "nats", "held out", "training"]
    return "what adds most to KL(test||train)\n" + table(head, rows)
