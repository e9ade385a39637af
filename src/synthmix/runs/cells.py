"""What a cell means: ``1.3B``, ``26,000,000,000``, ``1 000``, ``33%``, ``2,71`` as numbers, a seed as text.

Columns go through Arrow; only what it cannot read is read cell by cell, each distinct one once. Shape letters: n rows.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.quantities import parse_number

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Texts = list[str | None]

_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3}){2,}(\.\d+)?|[+-]?\d{1,3}(,\d{3})+\.\d+")
_POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
_COMMA = re.compile(r"[+-]?\d+(\.\d{3})*,\d+([eE][+-]?\d+)?\s*%?")


class Numbers(NamedTuple):
    """A column read as numbers.

    Attributes:
        values: (n,), NaN where a cell is empty or no number.
        blank: (n,) whether it is empty.
        wrong: (n,) whether it is something that is no number.
    """

    values: Floats
    blank: Mask
    wrong: Mask


def numbers(column: Any, *, name: str, comma: bool = False, decimal: str | None = None, where: str = "runs") -> Numbers:
    """An Arrow column as numbers.

    Args:
        comma: whether a comma may be a decimal point here (the file's delimiter is another sign).
        decimal: the decimal point as told, ``.`` or ``,``; None: from the cells.

    Raises:
        BadInput: ``1,234`` may be either, and nothing says which.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_null(kind):
        n = len(column)
        return Numbers(np.full(n, np.nan), np.ones(n, dtype=bool), np.zeros(n, dtype=bool))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        blank = (
            column.is_null().to_numpy(zero_copy_only=False)
            if isinstance(column, pa.Array)
            else _numpy(pc.is_null(column))
        )
        values = _numpy(pc.cast(column, pa.float64(), safe=False)).astype(np.float64)
        return Numbers(values, np.asarray(blank, dtype=bool), np.zeros(len(values), dtype=bool))
    text = column if pa.types.is_string(kind) else strings(column)
    text = pc.utf8_trim_whitespace(text)
    text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    blank = _numpy(pc.is_null(text)).astype(bool)
    try:
        if decimal == ",":
            raise pa.ArrowInvalid("its cells are read one by one")
        values = _numpy(pc.cast(text, pa.float64())).astype(np.float64)
        return Numbers(values, blank, np.zeros(len(values), dtype=bool))
    except pa.ArrowInvalid:
        pass
    codes, distinct = factorized(text)
    decimal = decimal or (_decimal(distinct, name, where) if comma else ".")
    read = [_number(cell, decimal) for cell in distinct]
    known = np.array([np.nan if value is None else value for value in read] + [np.nan])
    failed = np.array([value is None for value in read] + [False])
    return Numbers(known[codes], blank, failed[codes])


def _number(cell: str, decimal: str) -> float | None:
    if decimal == "," and ("," in cell or _POINTS.fullmatch(cell)):
        cell = cell.replace(".", "").replace(",", ".")
    try:
        return parse_number(cell)
    except ValueError:
        return None


def _decimal(cells: Sequence[str], name: str, where: str) -> str:
    """The decimal point of a column whose file is not parted by commas."""
    with_comma = [cell for cell in cells if "," in cell]
    unsure = [cell for cell in with_comma if _GROUPED.fullmatch(cell)]
    rest = [cell for cell in with_comma if not _GROUPED.fullmatch(cell)]
    if any(_THOUSANDS.fullmatch(cell) for cell in rest):
        return "."
    if any(_COMMA.fullmatch(cell) for cell in rest):
        return ","
    if not unsure or any("." in cell for cell in cells):  # a point elsewhere in the column is the decimal point
        return "."
    raise BadInput(
        f"{unsure[0]!r} may be {unsure[0].replace(',', '.')} or {unsure[0].replace(',', '')}", where=where, key=name,
        remedy="say which sign is the decimal point, in a mapping file: decimal: ',' or decimal: '.'",
    )  # fmt: skip


def strings(column: Any) -> Any:
    """An Arrow column as text; whole numbers without a point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_dictionary(kind):
        return strings(pc.cast(column, kind.value_type))
    if pa.types.is_floating(kind):
        values = [None if v is None else str(int(v)) if v.is_integer() else repr(v) for v in column.to_pylist()]
        return pa.array([None if v == "nan" else v for v in values], type=pa.string())
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], type=pa.string())


def texts(column: Any) -> Texts:
    """An Arrow column as n strings, None where a cell is empty; equal ones are one object. Line ends are
    written out (``\\n``): a name stands in sentences, and must not make lines of its own there."""
    codes, distinct = factorized(strings(column))
    shared: Texts = [cell.replace("\r", "\\r").replace("\n", "\\n") if cell.strip() else None for cell in distinct]
    return spread(codes, shared)


def truths(column: Any) -> Mask | None:
    """A column of ``true`` and ``false`` in any case as truth values (n,); None: it is another."""
    codes, distinct = factorized(strings(column))
    known = np.array([cell.strip().lower() == "true" for cell in distinct], dtype=bool)
    plain = (codes >= 0).all() and all(cell.strip().lower() in ("true", "false") for cell in distinct)
    return known[codes] if plain and distinct else None


def spread(codes: npt.NDArray[np.int64], distinct: Sequence[str | None]) -> Texts:
    """n strings from their codes (n,); the code -1 is None."""
    every = [*distinct, None]
    return [every[code] for code in codes.tolist()]


def factorized(column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Codes (n,) of a column of strings, -1 where it is null, and the distinct strings in order of appearance."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all
        return np.zeros(0, dtype=np.int64), []
    coded = whole.dictionary_encode()
    codes = _numpy(pc.fill_null(coded.indices, -1)).astype(np.int64)
    return codes, coded.dictionary.to_pylist()


def labels(*columns: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """(n,) dense integers, in the order of the columns' values: rows that are equal in every column have one. Lists
    hold strings or None."""
    found: npt.NDArray[np.intp] | None = None
    for column in columns:  # one column after the other, dense again each time, so that the product cannot overflow
        place = _places(column)
        found = place if found is None else _places(found * (int(place.max(initial=0)) + 1) + place)
    assert found is not None
    return found


def _places(column: Sequence[Any] | npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """(n,) rank of each value among the distinct ones: hashed, so that only these are sorted."""
    import pyarrow as pa

    if isinstance(column, np.ndarray):
        plain = column + 0.0 if column.dtype.kind == "f" else column  # -0.0 is 0.0
        coded = pa.array(plain).dictionary_encode()
        distinct = _numpy(coded.dictionary)
    else:
        coded = pa.array(["" if cell is None else cell for cell in column], type=pa.string()).dictionary_encode()
        distinct = np.array(coded.dictionary.to_pylist(), dtype=object)
    rank = np.empty(len(distinct), dtype=np.intp)
    rank[np.argsort(distinct, kind="stable")] = np.arange(len(distinct))
    ranks: npt.NDArray[np.intp] = rank[_numpy(coded.indices)]
    return ranks


def _numpy(array: Any) -> npt.NDArray[Any]:
    import pyarrow as pa

    found: npt.NDArray[Any] = (
        array.to_numpy() if isinstance(array, pa.ChunkedArray) else array.to_numpy(zero_copy_only=False)
    )
    return found


def shown(column: Any, row: int) -> str:
    """One cell, for a message."""
    return repr(column[row].as_py())


def listed_counts(counts: Mapping[str, int]) -> str:
    """``3 where loss is empty; 1 where tokens is not positive``."""
    return "; ".join(f"{count:,} where {why}" for why, count in sorted(counts.items(), key=lambda item: -item[1]))
