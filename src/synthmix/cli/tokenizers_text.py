"""Tokenizers compared, as text and as Parquet."""

from collections.abc import Sequence
from pathlib import Path

from synthmix.cli.plan_text import table
from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count
from synthmix.statistics.tokenizers import TokenizerRow
from synthmix.study.trained_bits import TrainedBits


def tokenizers_text(rows: Sequence[TokenizerRow]) -> str:
    """A row a tokenizer and held-out text."""
    body = [
        [
            row.trained_on,
            str(row.vocab_size),
            row.text,
            _short(row.tokens_per_byte, 4),
            "reference" if row.cost is None else _percent(row.cost),
            _short(row.bits_per_byte, 3),
            f"{row.used:.1%}",
            f"{row.comparison.coverage_mass[1]:.3%}",
            f"{row.comparison.divergences[0].kl_test_train:.3f}",
        ]
        for row in rows
    ]
    head = [
        "trained on", "vocabulary", "held out", "tokens a byte", "more tokens", "unigram bits a byte", "used",
        "mass covered", "KL(test||train)",
    ]  # fmt: skip
    return table(head, body) + "\n90% intervals; training text cut to equal size"


def bits_text(rows: Sequence[TrainedBits]) -> str:
    """Bits per byte of trained models, a row a study, recipe and domain."""
    body = [
        [
            row.study,
            row.recipe,
            row.domain,
            f"{row.vocab_size} ({row.tokenizer[:6]})",
            f"{format_count(row.params)} ({format_count(row.params_total)})",
            format_count(row.tokens),
            str(row.seeds),
            format_interval(Interval(low=row.low, mid=row.bits_per_byte, high=row.high), ".4f", level=False)
            if row.seeds > 1
            else f"{row.bits_per_byte:.4f}",
        ]
        for row in rows
    ]
    head = ["study", "recipe", "held out", "vocabulary", "params (total)", "tokens", "seeds", "bits a byte"]
    return "Trained models at each study's largest cell, least to most of the seeds in brackets\n" + table(head, body)


def write_tokenizers(rows: Sequence[TokenizerRow], path: Path) -> None:
    """The same numbers as a flat table."""
    from synthmix.cli.stats_files import write_rows

    columns: dict[str, type] = {"trained_on": str, "vocab_size": int, "text": str, "used": float}
    columns |= {
        f"{name}{end}": float for name in ("tokens_per_byte", "cost", "bits_per_byte") for end in ("", "_low", "_high")
    }
    flat = []
    for row in rows:
        line = {"trained_on": row.trained_on, "vocab_size": row.vocab_size, "text": row.text, "used": row.used}
        for name in ("tokens_per_byte", "cost", "bits_per_byte"):
            found: Interval | None = getattr(row, name)
            line |= {
                name: found.mid if found else None,
                f"{name}_low": found.low if found else None,
                f"{name}_high": found.high if found else None,
            }
        flat.append(line)
    write_rows(flat, columns, path)


def _short(found: Interval, digits: int) -> str:
    return format_interval(found, f".{digits}f", level=False)


def _percent(found: Interval) -> str:
    return format_interval(found, "+.1%", level=False)
