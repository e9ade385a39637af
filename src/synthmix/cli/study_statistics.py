"""``synthmix stats --study``: which statistic orders a study's recipes as their loss does, and where the loss lies."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthmix.cli.common import telling
from synthmix.cli.plan_text import table
from synthmix.cli.terminal import show
from synthmix.interval import format_interval
from synthmix.quantities import format_count, format_share
from synthmix.statistics.ranking import StatisticRow, StatisticTable
from synthmix.study.rare_tokens import RareRow


def of_study(study: Path, *, html: Path | None, parquet: Path | None, engine: Any, as_json: bool, quiet: bool) -> None:
    """Read a study's folder, compute both tables and print or write them.

    Raises:
        BadInput: no finished run, fewer than three recipes, a corpus or checkpoint that is damaged or gone.
    """
    from synthmix.study.finished_study import read_study
    from synthmix.study.rare_tokens import rare_tokens
    from synthmix.study.text_measures import loss_groups, table_of_study
    from synthmix.study.value_scores import study_values

    found = read_study(study)
    with telling(quiet=quiet) as progress, engine as running:
        scores = study_values(found, progress=progress).measures(found, loss_groups(found)[1])
        ranked = table_of_study(found, scores=scores, progress=progress)
        rare = rare_tokens(found, each=running.each, progress=progress)
    if parquet is not None:
        write_study(ranked, rare, parquet)
    if html is not None:
        from synthmix.report.study_statistics_page import write_study_statistics

        write_study_statistics(found.folder.name, ranked, rare, html)
    params, tokens = found.cells[-1]
    cell = f"{format_count(params)} parameters, {format_count(tokens)} tokens"
    text = f"{len(found.records)} runs; the largest cell: {cell}\n"
    text += "\n".join([table_text(ranked), "", rare_text(rare)])
    text += "".join(f"\n{what}: {path}" for what, path in (("page", html), ("table", parquet)) if path)
    value = {"table": asdict(ranked), "loss_by_frequency": [asdict(row) for row in rare]}
    show(value, text, as_json=as_json)


def write_study(ranked: StatisticTable, rare: list[RareRow], path: Path) -> None:
    """Two Parquet files: ``path`` (the correlations) and beside it ``<name>-by-frequency``."""
    from synthmix.cli.stats_files import write_rows

    kinds: dict[str, type] = dict.fromkeys(StatisticRow.__dataclass_fields__, float)
    kinds |= {"name": str, "kind": str, "higher": bool, "groups": int, "chooses": str}
    write_rows([asdict(row) for row in ranked.rows], kinds, path)
    others: dict[str, type] = dict.fromkeys(RareRow.__dataclass_fields__, float)
    others |= {"recipe": str, "domain": str, "bin": str, "tokens": int}
    write_rows([asdict(row) for row in rare], others, path.with_name(f"{path.stem}-by-frequency{path.suffix}"))


def table_text(found: StatisticTable) -> str:
    """The correlations, best first, and the sentence."""
    rows = [
        [
            row.name,
            str(row.groups),
            format_interval(row.spearman, "+.2f", level=False),
            format_interval(row.kendall, "+.2f", level=False),
            row.chooses or "none",
            "n/a" if row.regret is None else f"{row.regret:.4f}",
        ]
        for row in found.rows
    ]
    head = ["statistic", "groups", "Spearman", "Kendall", "would choose", "regret"]
    return (
        f"{table(head, rows)}\n{found.recipes} recipes, {found.level:.0%} intervals. {found.sentence}\n{found.detail}"
    )


def rare_text(rows: list[RareRow]) -> str:
    """Loss by training frequency, or why there is none."""
    if not rows:
        return "Loss by training frequency: no two recipes of a cell kept their checkpoints (keep_checkpoints: true)."
    body = [
        [
            row.recipe,
            row.domain,
            row.bin,
            format_share(row.of_tokens),
            "n/a" if row.nats is None else f"{row.nats:.3f}",
            format_share(row.of_loss),
            "" if row.gain is None else f"{row.gain:+.4f}",
        ]
        for row in rows
    ]
    head = ["recipe", "held out", "seen in training", "of tokens", "nats", "of loss", "against natural"]
    return "Loss by training frequency of the token\n" + table(head, body)
