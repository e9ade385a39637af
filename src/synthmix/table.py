"""One table, rendered to the terminal, HTML, CSV, Parquet and JSON from the same object."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from synthmix.console import plain
from synthmix.interval import Form, Interval, format_interval, interval_parts
from synthmix.quantities import signed_text

Align: TypeAlias = Literal["left", "right"]
_NUMBERS = (int, float, Interval)
_OF_INTERVAL: dict[str, type] = {"": float, "_low": float, "_high": float, "_level": float, "_covers": str, "_why": str}
# What makes a spreadsheet read a cell as a formula: OWASP, "CSV injection", its full-width forms too.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NARROWEST = 24  # characters that a column of text keeps on a terminal
_LONG = 48  # characters from which an HTML cell of text may wrap


@dataclass(frozen=True)
class Column:
    """``key`` names it in files, ``title`` (else the key) above it, with its ``unit``.

    ``form``: how a value is written, a format such as ``.3f`` or a function; None: by the value's type. ``kind``: str,
    int, float, bool or :class:`Interval`; None: the type of its first value. ``align`` None: numbers stand right.
    ``help``: what it is, in a sentence. ``missing``: what is shown for None.
    """

    key: str
    title: str | None = None
    form: Form | None = None
    unit: str = ""
    align: Align | None = None
    help: str = ""
    kind: type | None = None
    missing: str | None = None

    @property
    def heading(self) -> str:
        """The title with its unit."""
        title = self.key.replace("_", " ") if self.title is None else self.title
        return f"{title} ({self.unit})" if self.unit else title


@dataclass(frozen=True)
class Cell:
    """A value with what is shown beside it: ``note`` in small type, ``mark`` a colour of the page (``r0``), ``help`` a
    sentence on hovering. ``html`` replaces the value on a page; ``form`` the column's. Files hold the value alone."""

    value: Any
    note: str = ""
    mark: str = ""
    help: str = ""
    html: Any = None
    form: Form | None = None


@dataclass(frozen=True)
class Table:
    """``rows`` hold a value a column: str, int, float, bool, an :class:`Interval`, None (unknown), or a :class:`Cell`.

    ``name`` names its files; ``title`` stands above, ``caption`` below the title (what is shown), ``note`` below the
    rows (how to read it).

    Raises:
        ValueError: a row is longer or shorter than ``columns``, or two columns share a key.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    caption: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        keys = [column.key for column in self.columns]
        if len(set(keys)) < len(keys):
            raise ValueError(f"{self.name}: two columns of one key among {', '.join(keys)}")
        for row in self.rows:
            if len(row) != len(keys):
                raise ValueError(f"{self.name}: a row of {len(row)} values for {len(keys)} columns")

    @classmethod
    def of(cls, name: str, columns: Mapping[str, type], rows: Sequence[Sequence[Any]]) -> "Table":
        """A table for files: columns by name and type."""
        return cls(name, [Column(key, kind=kind) for key, kind in columns.items()], rows)

    def only(self, *keys: str) -> "Table":
        """The same table with these columns, in this order."""
        places = {column.key: i for i, column in enumerate(self.columns)}
        at = [places[key] for key in keys]
        return replace(
            self, columns=[self.columns[i] for i in at], rows=[tuple(row[i] for i in at) for row in self.rows]
        )

    def kinds(self) -> list[type]:
        """The type of each column."""
        return [self._kind(i) for i in range(len(self.columns))]

    def _kind(self, i: int) -> type:
        column = self.columns[i]
        if column.kind is not None:
            return column.kind
        first = next((value for row in self.rows if (value := _value(row[i])) is not None), None)
        return next((kind for kind in (bool, int, float, Interval) if isinstance(first, kind)), str)

    def _right(self, i: int) -> bool:
        column = self.columns[i]
        return column.align == "right" if column.align else self._kind(i) in _NUMBERS

    def written(self) -> list[list[str]]:
        """Every cell as it is shown."""
        return [[self._written(cell, i) for i, cell in enumerate(row)] for row in self.rows]

    def _written(self, cell: Any, i: int) -> str:
        column, value = self.columns[i], _value(cell)
        if value is None:
            return ("n/a" if self._kind(i) in _NUMBERS else "") if column.missing is None else column.missing
        return written(value, self._form(cell, i))

    def _form(self, cell: Any, i: int) -> Form | None:
        own = cell.form if isinstance(cell, Cell) else None
        return self.columns[i].form if own is None else own

    # --- terminal ---------------------------------------------------------------------------------------------------

    def text(self, width: int | None = None, *, colour: bool = False) -> str:
        """The table in columns of text, as wide as it needs or, wrapped, ``width`` characters; control characters and
        markup in names are shown, not obeyed."""
        from rich.console import Console
        from rich.table import Table as Grid
        from rich.text import Text

        grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(c.heading for c in self.columns))
        body = [
            [_shown(f"{said} {note}" if (note := _note(cell)) else said) for cell, said in zip(row, cells, strict=True)]
            for row, cells in zip(self.rows, self.written(), strict=True)
        ]
        least = 0
        for i, column in enumerate(self.columns):
            right = self._right(i)
            longest = max(len(text) for text in (_shown(column.heading), *(row[i] for row in body)))
            narrow = longest if right else min(longest, _NARROWEST)
            least += narrow + 2
            heading = Text(_shown(column.heading), "bold")
            side: Any = "right" if right else "left"
            grid.add_column(heading, justify=side, no_wrap=right, overflow="fold", min_width=narrow)
        for row in body:
            grid.add_row(*map(Text, row))
        out = io.StringIO()
        room = 10_000 if width is None or least > width else width  # a table too wide is left to the terminal to break
        console = Console(file=out, width=room, force_terminal=colour, color_system="standard" if colour else None)
        if self.title:
            console.print(Text(plain(self.title), "bold"))
        if self.caption:
            console.print(Text(plain(self.caption)))
        if self.rows:
            console.print(grid)
        if self.note:
            console.print(Text(plain(self.note)))
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __str__(self) -> str:
        return self.text()

    # --- HTML -------------------------------------------------------------------------------------------------------

    def html(self, *, id: str = "", label: str = "", sortable: bool = False) -> Any:
        """Markup: heading, caption, a table that scrolls, note; every value escaped.

        Args:
            id: of the table element. label: what it is called where it has no title. sortable: headings are buttons.
        """
        from markupsafe import Markup, escape

        right = [self._right(i) for i in range(len(self.columns))]
        head = Markup("").join(
            Markup("<th{}{}>{}</th>").format(
                _class("n" if at_right else ""),
                Markup(' title="{}"').format(column.help) if column.help else "",
                Markup('<button type="button">{}</button>').format(column.heading) if sortable else column.heading,
            )
            for column, at_right in zip(self.columns, right, strict=True)
        )
        body = Markup("\n").join(
            Markup("<tr>{}</tr>").format(Markup("").join(self._cell(row[i], i, right[i]) for i in range(len(row))))
            for row in self.rows
        )
        parts = [Markup("<h3>{}</h3>").format(self.title)] if self.title else []
        parts += [Markup("<p>{}</p>").format(self.caption)] if self.caption else []
        parts.append(
            Markup(
                '<div class="scroll{}" tabindex="0" role="region" aria-label="{}"{}>'
                "<table{}>{}<tbody>\n{}\n</tbody></table></div>"
            ).format(
                " tall" if len(self.rows) > 24 else "",
                self.title or label or self.name,
                Markup(' data-table="{}"').format(self.name) if self.name else "",
                Markup(' id="{}"').format(id) if id else "",
                Markup("<thead><tr>{}</tr></thead>").format(head) if any(c.heading for c in self.columns) else "",
                body,
            )
        )
        parts += [Markup('<p class="tablenote">{}</p>').format(self.note)] if self.note else []
        return Markup("\n").join(escape(part) for part in parts)

    def _cell(self, cell: Any, i: int, right: bool) -> Any:
        from markupsafe import Markup

        value = _value(cell)
        extra = cell if isinstance(cell, Cell) else Cell(value)
        if extra.html is not None:
            said, small = extra.html, ""
        elif isinstance(value, Interval):
            said, small = interval_parts(value, self._form(cell, i))
        else:
            said, small = _shown(self._written(cell, i)), ""
        swatch = Markup('<i class="swatch" style="--c:var(--{})"></i>').format(extra.mark) if extra.mark else ""
        notes = [note for note in (small, extra.note) if note]
        inner = Markup("{}{}{}").format(
            swatch, said, Markup("").join(Markup('<small class="wrap">{}</small>').format(note) for note in notes)
        )
        if right and isinstance(said, str) and small and not extra.note and len(small) <= _NARROWEST:
            inner = Markup("{}{}<small>{}</small>").format(swatch, said, small)
        number = value.mid if isinstance(value, Interval) else value
        attributes = _class("n" if right else "wrap" if extra.html is None and len(str(said)) > _LONG else "")
        if self._kind(i) in _NUMBERS:
            attributes += Markup(' data-v="{}"').format("" if number is None else number)
        if extra.help:
            attributes += Markup(' title="{}"').format(extra.help)
        tag = Markup('<th scope="row"{}>{}</th>') if i == 0 else Markup("<td{}>{}</td>")
        return tag.format(attributes, inner)

    # --- Markdown ---------------------------------------------------------------------------------------------------

    def markdown(self) -> str:
        """Headings and rows, each cell in one line with nothing in it that would end one."""
        from synthmix.markdown import cell

        lines = [[column.heading for column in self.columns], ["---"] * len(self.columns), *self.written()]
        return "\n".join("| " + " | ".join(cell(each) for each in line) + " |" for line in lines)

    # --- files ------------------------------------------------------------------------------------------------------

    def records(self) -> list[dict[str, Any]]:
        """A dict a row, for JSON: values as they are, an interval as a dict of its fields."""
        return [
            {
                column.key: asdict(value) if isinstance(value := _value(cell), Interval) else value
                for column, cell in zip(self.columns, row, strict=True)
            }
            for row in self.rows
        ]

    def flat_columns(self) -> dict[str, type]:
        """Columns of the files: an interval takes ``key``, ``key_low``, ``key_high``, ``key_level``, ``key_covers``
        and ``key_why``."""
        found: dict[str, type] = {}
        for column, kind in zip(self.columns, self.kinds(), strict=True):
            found |= (
                {column.key + end: of for end, of in _OF_INTERVAL.items()} if kind is Interval else {column.key: kind}
            )
        return found

    def flat_rows(self) -> list[tuple[Any, ...]]:
        """Rows of the files, in the order of :meth:`flat_columns`."""
        kinds = self.kinds()
        return [
            tuple(flat for cell, kind in zip(row, kinds, strict=True) for flat in _flat(_value(cell), kind))
            for row in self.rows
        ]

    def csv(self) -> str:
        """CSV with a header; floats in the shortest form that reads back equal, None as an empty cell. Text that a
        spreadsheet would take for a formula begins with an apostrophe."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(map(_csv_cell, self.flat_columns()))
        writer.writerows([[_csv_cell(value) for value in row] for row in self.flat_rows()])
        return buffer.getvalue()

    def arrow(self) -> Any:
        """A ``pyarrow.Table`` with typed columns."""
        import pyarrow

        types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
        columns = self.flat_columns()
        schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
        return pyarrow.Table.from_pylist(
            [dict(zip(columns, row, strict=True)) for row in self.flat_rows()], schema=schema
        )

    def parquet(self) -> bytes:
        """Parquet with typed columns, the same bytes for the same rows."""
        import pyarrow
        from pyarrow import parquet

        sink = pyarrow.BufferOutputStream()
        parquet.write_table(self.arrow(), sink)
        return bytes(sink.getvalue())


def facts(title: str, lines: Mapping[str, Any] | Iterable[tuple[str, Any]], *, note: str = "") -> Table:
    """Names and values in two columns without headings."""
    rows = [(name, value) for name, value in (lines.items() if isinstance(lines, Mapping) else lines)]
    return Table("", [Column("what", ""), Column("value", "", align="left")], rows, title, note=note)


def written(value: Any, form: Form | None = None) -> str:
    """A value (not None) as it is shown; text stands as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, Interval):
        return format_interval(value, form, level=False)
    if callable(form):
        return form(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    form = form or ("," if isinstance(value, int) else ".4g")
    return signed_text(f"{value:{form}}") if value == value else "n/a"  # NaN is unequal to itself


def _value(cell: Any) -> Any:
    return cell.value if isinstance(cell, Cell) else cell


def _note(cell: Any) -> str:
    return f"({cell.note})" if isinstance(cell, Cell) and cell.note else ""


def _class(name: str) -> Any:
    from markupsafe import Markup

    return Markup(' class="{}"').format(name) if name else Markup("")


def _flat(value: Any, kind: type) -> tuple[Any, ...]:
    if kind is not Interval:
        return (value,)
    if not isinstance(value, Interval):  # unknown, or a word in its place
        return (*(None,) * (len(_OF_INTERVAL) - 1), value)
    return (value.mid, value.low, value.high, value.level, value.covers, value.why)


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a bare \r is not quoted, and would end the row
    return f"'{text}" if value.startswith(_FORMULAS) and not _is_number(value) else text


def _is_number(text: str) -> bool:
    """Whether ``text`` is a number, signed or not, which no spreadsheet calculates anything from."""
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?%?", text, re.ASCII | re.IGNORECASE) is not None


def _shown(text: str) -> str:
    """A cell's text on a terminal; a name cannot make rows of its own."""
    return plain(text, one_line=True)
