"""What ``synthmix stats`` writes beside the page: the long table, and the cards."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.statistics.mixtures import ShareRow
from synthmix.statistics.types import Survey

if TYPE_CHECKING:
    from synthmix.corpus import Corpus

_DOCUMENTS = 5000  # of each corpus that are checked for what they over- and under-represent


def write_parquet(found: Survey, path: Path) -> None:
    """Every number of the survey, a row each."""
    from synthmix.statistics.types import COLUMNS, flat_rows

    write_rows(flat_rows(found), COLUMNS, path)


def write_rows(rows: list[dict[str, Any]], columns: dict[str, type], path: Path) -> None:
    """Rows as Parquet with typed columns, atomically."""
    from synthmix.files import write_bytes
    from synthmix.table import Table

    table = Table.of(path.stem, columns, [tuple(row[name] for name in columns) for row in rows])
    write_bytes(path, table.parquet())


def write_cards(found: Survey, training: "Mapping[str, Corpus]", shares: bool, folder: Path) -> list[Path]:
    """A card of each training corpus, and of each mixture when shares were asked for; synthetic text is checked for
    what it over- and under-represents against the first corpus."""
    from synthmix.files import write_text
    from synthmix.statistics.representation import represented
    from synthmix.study.corpus_card import corpus_card, mixture_card

    names, paths = list(training), []
    natural = list(training[names[0]].texts(limit=_DOCUMENTS))
    for name, corpus in training.items():
        other = None if name == names[0] else represented(name, list(corpus.texts(limit=_DOCUMENTS)), natural)
        paths.append(folder / f"{_safe(name)}.md")
        write_text(paths[-1], corpus_card(name, corpus, found, other))
    rows: dict[tuple[str, float], list[ShareRow]] = {}
    for row in found.shares if shares else []:
        rows.setdefault((row.synthetic, row.share), []).append(row)
    for (synthetic, share), mine in rows.items():
        if 0 < share < 1:
            paths.append(folder / f"{_safe(f'{share:.1%} {synthetic} in {names[0]}')}.md")
            write_text(paths[-1], mixture_card(names[0], training, mine, found))
    return paths


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace("%", "pct"))
