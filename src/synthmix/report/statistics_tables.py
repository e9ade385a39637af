"""Tables and the leading sentence of a survey's page."""

from synthmix.interval import format_interval
from synthmix.quantities import format_count
from synthmix.report.sections import Shown, numbers
from synthmix.statistics.types import Survey


def lead(found: Survey) -> tuple[str, list[str]]:
    """The headline: which training text covers the held-out text best, and which is closest to it."""
    ours = [pair for pair in found.pairs if pair.unit == "token" and pair.comparison.n == 1]
    by_corpus = {
        name: [p.comparison for p in ours if p.corpus == name] for name in dict.fromkeys(p.corpus for p in ours)
    }
    covered = {name: sum(c.coverage_mass[1] for c in all_) / len(all_) for name, all_ in by_corpus.items()}
    near = {name: sum(c.divergences[0].kl_test_train for c in all_) / len(all_) for name, all_ in by_corpus.items()}
    most, least = max(covered, key=lambda name: covered[name]), min(near, key=lambda name: near[name])
    size = f"at {format_count(found.tokens)} tokens"
    if len(by_corpus) == 1:
        return f"{most} covers {covered[most]:.2%} of the held-out tokens {size}", []
    first = f"{most} covers the held-out tokens best {size} ({covered[most]:.2%}); {least} lies closest to them"
    some = [name for name in covered if covered[name] < 1]
    under = "No training text covers all held-out tokens." if len(some) == len(covered) else ""
    return f"{first} (KL {near[least]:.3f} nats)", [
        under,
        "Neither says which trains better: that takes trained models.",
    ]


def text_tables(found: Survey) -> dict[str, list[Shown]]:
    """By section."""
    pairs = numbers(
        "",
        [
            "Text",
            "Against",
            "By",
            "Mass covered",
            "10+ times",
            "Types covered",
            "KL(test‖train)",
            "KL(train‖test)",
            "JS",
        ],
        [
            [
                p.corpus,
                p.against,
                f"{p.comparison.n} {p.unit}",
                f"{p.comparison.coverage_mass[1]:.3%}",
                f"{p.comparison.coverage_mass.get(10, float('nan')):.3%}",
                f"{p.comparison.coverage_types[1]:.2%}",
                *_three(p.comparison.divergences[0]),
            ]
            for p in found.pairs
        ],
        names=3,
    )
    names = [d.smoothing for d in found.pairs[0].comparison.divergences]
    smoothing = numbers(
        "KL(test ‖ train), nats",
        ["Text", "Against", "By", *names],
        [
            [
                p.corpus,
                p.against,
                f"{p.comparison.n} {p.unit}",
                *(f"{d.kl_test_train:.4f}" for d in p.comparison.divergences),
            ]
            for p in found.pairs
        ],
        names=3,
    )
    overlap = [
        numbers(
            "",
            ["Text", "Other", "n", "Of other in text", "Of text in other", "Jaccard", "JS"],
            [
                [
                    p.corpus,
                    p.against,
                    str(p.comparison.n),
                    f"{p.comparison.coverage_mass[1]:.2%}",
                    f"{p.comparison.overlap_mass:.2%}",
                    f"{p.comparison.jaccard:.3f}",
                    f"{p.comparison.divergences[0].jensen_shannon:.4f}",
                ]
                for p in found.overlaps
            ],
            names=2,
        )
    ]
    return {
        "against": [pairs],
        "smoothing": [smoothing],
        "overlap": overlap if found.overlaps else [],
        "texts": [_texts(found)],
    }


def _three(one: "object") -> list[str]:
    return [f"{getattr(one, name):.4f}" for name in ("kl_test_train", "kl_train_test", "jensen_shannon")]


def _texts(found: Survey) -> Shown:
    rows = []
    for text in found.texts:
        law, grown, packed, same = text.zipf, text.heaps, text.compression, text.duplication
        rows.append(
            [
                text.name,
                text.kind,
                format_count(text.tokens),
                f"{text.types[1]:,}",
                f"{text.entropy:.3f}",
                format_interval(law.exponent, ".3f", level=False) if law else "n/a",
                f"{law.x_min:,}; {law.fits:.2f}" if law else "n/a",
                format_interval(grown.exponent, ".3f", level=False) if grown else "n/a",
                f"{packed.ratio:.2f}" if packed else "n/a",
                format_interval(same.rate, ".2%", level=False) if same else "n/a",
            ]
        )
    head = [
        "Text",
        "Kind",
        "Tokens",
        "Types",
        "Entropy",
        "Zipf s",
        "x_min; p",
        "Heaps b",
        "Compression",
        "Near-duplicates",
    ]
    return numbers("", head, rows, names=2)
