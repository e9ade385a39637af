"""What a corpus, a held-out domain, a recipe or a study may be called: one rule, wherever a name is given.

A name stands in folder names, tables, pages and on terminals of several systems. Names that others gave (in tables of
runs, in folders that were shared) are not held to the rule; they are escaped where they are shown.
"""

import unicodedata
from pathlib import Path

from synthmix.errors import BadInput

LONGEST = 100  # characters; 200 bytes leave room for a key within the 255 of a file name
LONGEST_BYTES = 200
_REFUSED = '/\\:*?"<>|'  # what ends a name or a drive on some system
_DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in "0123456789¹²³")}
REMEDY = "use letters, digits, spaces and . _ - + % ( ) [ ], at most 100 characters, no leading dot or space"


_SUFFIXES = (
    *(".gz", ".bz2", ".xz", ".zst", ".zstd", ".lz4"),
    *(".jsonl", ".ndjson", ".json", ".parquet", ".txt", ".text", ".md", ".csv", ".tsv", ".npz", ".npy", ".arrow"),
)


def name_of_file(path: str | Path) -> str:
    """What a file or folder is called without the endings that say its kind: ``web.v2`` of ``data/web.v2.jsonl.gz``."""
    name = Path(path).name
    for group in (_SUFFIXES[:6], _SUFFIXES[6:]):
        name = next((name[: -len(end)] for end in group if name.lower().endswith(end)), name)
    return name


def name_fault(name: str) -> str | None:
    """What is wrong with ``name`` as a name; None: nothing."""
    short = name if len(name) <= 40 else name[:39] + "..."
    said = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in f"'{short}'")
    if not name.strip():
        return "a name is empty"
    if len(name) > LONGEST or len(name.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
        return f"the name {said} has {len(name)} characters, more than {LONGEST} (or {LONGEST_BYTES} bytes)"
    bad = next((c for c in name if c in _REFUSED or (c != " " and _is_invisible(c))), None)
    if bad is not None:
        return f"the name {said} holds {bad if bad in _REFUSED else ascii(bad)[1:-1]}"
    if name[0] in ". " or name[-1] in ". ":
        return f"the name {said} begins or ends with a dot or a space"
    if name.split(".")[0].rstrip().lower() in _DEVICES:
        return f"the name {said} is reserved on Windows"
    if not unicodedata.is_normalized("NFC", name):
        return f"the name {said} is not in composed form (NFC), so an equal one may be another"
    return None


def _is_invisible(character: str) -> bool:
    """Control and format characters, halves of characters, and any space but the plain one."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def check_name(name: str, *, where: str | Path | None = None, key: str | None = None) -> str:
    """``name``, held to the rule.

    Raises:
        BadInput: it cannot be a name.
    """
    fault = name_fault(name)
    if fault is not None:
        raise BadInput(fault, where=where, key=key, remedy=REMEDY)
    return name
