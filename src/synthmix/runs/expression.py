"""Small expressions over the columns of a table: ``step * batch_tokens``, ``State == "finished"``, ``mean("*_loss")``.

Python's syntax, of which a short list of nodes is calculated here and nothing is ever run: no attributes, no imports,
no calls but to :data:`FUNCTIONS`. A column that is no Python name stands in backticks: `` `eval/loss` ``. Shape
letters: n rows.
"""

import ast
import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.quantities import parse_number

Array = npt.NDArray[Any]
LONGEST = 2000
#: A text in quotes, a column in backticks, or a number with a suffix (``1.3B``), whichever comes first.
_OURS = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|`([^`]*)`|(?<![\w.])(\d+(?:\.\d+)?[kKMBGT])(?![\w.])""")

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod, ast.Pow: np.power,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: np.equal, ast.NotEq: np.not_equal, ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}  # fmt: skip
_MATH: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs, "exp": np.exp, "log": np.log, "log10": np.log10, "log2": np.log2, "round": np.round, "sqrt": np.sqrt,
}  # fmt: skip
_ACROSS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max,
}  # fmt: skip
_TEXT = ("extract", "replace", "match", "lower", "number", "text")
#: What may be called. ``sum``, ``mean``, ``min``, ``max`` take values, or one pattern of column names in quotes.
FUNCTIONS = (*_MATH, *_ACROSS, *_TEXT)


class Columns(NamedTuple):
    """The columns that an expression sees: their names, and how one is read (numbers, else n strings or None)."""

    names: Sequence[str]
    read: Callable[[str], Array]
    length: int


def names_in(text: str, columns: Sequence[str]) -> list[str]:
    """The columns that an expression reads, in its order, patterns resolved.

    Raises:
        BadInput: it is no expression, or reads a column that is not there.
    """
    found: dict[str, None] = {}
    tree, quoted = _parsed(text)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        name = _column(node, quoted)
        if name is not None:  # config.lr is one name, and config in it none
            found |= {} if name in FUNCTIONS else {name: None}
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Call) and _is_pattern(node):
            found |= dict.fromkeys(fnmatch.filter(columns, node.args[0].value))  # type: ignore[attr-defined]
    return list(found)


def evaluate(text: str, columns: Columns) -> Array:
    """An expression over columns, (n,): float64, bool, or object (strings and None).

    Raises:
        BadInput: it is no expression, or names what is not there, or a text where a number is needed.
    """
    tree, quoted = _parsed(text)
    with np.errstate(all="ignore"):
        try:
            found = _Evaluation(columns, quoted, text).value(tree.body)
        except (TypeError, ValueError) as error:
            raise BadInput(f"cannot be calculated ({error})", key=text) from None
        except re.error as error:
            raise BadInput(f"holds a pattern that is none ({error})", key=text) from None
    return np.broadcast_to(np.asarray(found), (columns.length,))


def _parsed(text: str) -> tuple[ast.Expression, dict[str, str]]:
    if len(text) > LONGEST:
        raise BadInput(f"is longer than {LONGEST:,} characters", key=text[:60] + "...")
    quoted: dict[str, str] = {}

    def placed(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        if match[3] is not None:
            return repr(parse_number(match[3]))
        quoted[f"_column_{len(quoted)}"] = match[2]
        return f"_column_{len(quoted) - 1}"

    plain = _OURS.sub(placed, text)
    try:
        return ast.parse(plain.strip(), mode="eval"), quoted
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        remedy = "write step * batch_tokens; columns with other signs stand in backticks"
        raise BadInput("is no expression", key=text, remedy=remedy) from None


def _column(node: ast.AST, quoted: Mapping[str, str]) -> str | None:
    """The column that a node names, ``config.lr`` as one; None: it names none."""
    if isinstance(node, ast.Name):
        return quoted.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        head = _column(node.value, quoted)
        return None if head is None else f"{head}.{node.attr}"
    return None


def _is_pattern(node: ast.Call) -> bool:
    across = isinstance(node.func, ast.Name) and node.func.id in _ACROSS
    return (
        across
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    )


class _Evaluation:
    def __init__(self, columns: Columns, quoted: Mapping[str, str], text: str) -> None:
        self.columns, self.quoted, self.text = columns, quoted, text

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return constant
            case ast.Name() | ast.Attribute():
                return self._named(node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self._binary(op, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return np.negative(_number(self.value(operand)))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return _number(self.value(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~_truth(self.value(operand))
            case ast.BoolOp(op=op, values=values):
                parts = [_truth(self.value(each)) for each in values]
                joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
                found = parts[0]
                for part in parts[1:]:
                    found = joined(found, part)
                return found
            case ast.IfExp(test=test, body=body, orelse=other):
                return self._choice(_truth(self.value(test)), self.value(body), self.value(other))
            case ast.Compare():
                return self._compared(node)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return self._called(name, node, arguments)
        said = ast.unparse(node)
        for placeholder, name in self.quoted.items():
            said = said.replace(placeholder, f"`{name}`")
        remedy = f"there are + - * / // % **, comparisons, and, or, not, a if b else c, {', '.join(FUNCTIONS)}"
        raise BadInput(f"'{said}' is not calculated here", key=self.text, remedy=remedy)

    def _named(self, node: ast.expr) -> Array:
        name = _column(node, self.quoted)
        if name is None or name not in self.columns.names:
            shown = name if name is not None else ast.unparse(node)
            raise BadInput(
                f"no column {shown!r}", key=self.text, remedy=f"the table has: {', '.join(self.columns.names)}"
            )
        found: Array = self.columns.read(name)
        return found

    def _binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Add) and (_is_text(left) or _is_text(right)):
            return _elementwise(lambda a, b: f"{a}{b}", _as_text(left), _as_text(right))
        return _BINARY[type(op)](_number(left), _number(right))

    def _choice(self, test: Array, a: Any, b: Any) -> Array:
        if _is_text(a) or _is_text(b):
            a, b = np.asarray(_as_text(a), dtype=object), np.asarray(_as_text(b), dtype=object)
        chosen: Array = np.where(test, a, b)
        return chosen

    def _compared(self, node: ast.Compare) -> Any:
        found: Any = True
        left = self.value(node.left)
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                if not isinstance(comparator, ast.Tuple | ast.List | ast.Set):
                    raise BadInput("in needs a list of values", key=self.text, remedy='write State in ("a", "b")')
                same: Any = False
                for each in comparator.elts:
                    same = np.logical_or(same, _equal(left, self.value(each)))
                found = np.logical_and(found, same if isinstance(op, ast.In) else ~np.asarray(same))
                continue
            right = self.value(comparator)
            if isinstance(op, ast.Eq | ast.NotEq):
                same = _equal(left, right)
                found = np.logical_and(found, same if isinstance(op, ast.Eq) else ~same)
            elif type(op) in _COMPARE:
                found = np.logical_and(found, _COMPARE[type(op)](_number(left), _number(right)))
            else:
                raise BadInput("is is not calculated here", key=self.text, remedy="write ==")
            left = right
        return found

    def _called(self, name: str, node: ast.Call, arguments: list[ast.expr]) -> Any:
        if name in _ACROSS:
            return self._across(name, node, arguments)
        values = [self.value(each) for each in arguments]
        wanted = {"extract": 2, "replace": 3, "match": 2}.get(name, 1)
        if len(values) != wanted:
            raise BadInput(f"{name} takes {wanted} values, not {len(values)}", key=self.text)
        if name in _MATH:
            return _MATH[name](_number(values[0]))
        patterns = values[1:]
        if not all(isinstance(each, str) for each in patterns):
            raise BadInput(f"{name} takes its patterns in quotes", key=self.text)
        cells = _as_text(values[0])
        if name == "text":
            return cells
        if name == "number":
            return _per_cell(_parsed_number, cells).astype(np.float64)
        if name == "lower":
            return _per_cell(lambda cell: cell.lower(), cells)
        pattern = re.compile(patterns[0])
        if name == "match":
            return _per_cell(lambda cell: pattern.search(cell) is not None, cells, missing=False).astype(bool)
        if name == "extract":
            return _per_cell(lambda cell: _group(pattern.search(cell)), cells)
        return _per_cell(lambda cell: pattern.sub(patterns[1], cell), cells)

    def _across(self, name: str, node: ast.Call, arguments: list[ast.expr]) -> Any:
        if _is_pattern(node):
            pattern = self.value(arguments[0])
            columns = fnmatch.filter(self.columns.names, pattern)
            if not columns:
                remedy = f"the table has: {', '.join(self.columns.names)}"
                raise BadInput(f"no column is like {pattern!r}", key=self.text, remedy=remedy)
            values = [self.columns.read(each) for each in columns]
        else:
            values = [self.value(each) for each in arguments]
        if not values:
            raise BadInput(f"{name} takes values or a pattern of columns", key=self.text)
        numbers = [np.broadcast_to(_number(each), (self.columns.length,)) for each in values]
        return _ACROSS[name](np.stack(numbers), axis=0)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype == object)


def _number(value: Any) -> Any:
    if isinstance(value, str):
        raise TypeError(f"{value!r} is a text, not a number")
    if _is_text(value):
        first = next((cell for cell in value if cell is not None), None)
        raise TypeError(f"a column of text, such as {first!r}, is no number; number(column) reads it")
    return np.asarray(value, dtype=np.float64)


def _truth(value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype != bool:
        raise TypeError("a condition is needed, such as State == 'finished'")
    return array


def _equal(left: Any, right: Any) -> Array:
    for truth, text in ((left, right), (right, left)):
        if np.asarray(truth).dtype == bool and isinstance(text, str):  # True == "true", and nothing else is
            word = text.strip().lower()
            return np.asarray(truth == (word == "true")) & (word in ("true", "false"))
    if _is_text(left) != _is_text(right):  # 1 == "1": a column of numbers against a text
        left, right = _as_text(left), _as_text(right)
    return np.asarray(
        np.equal(np.asarray(left, dtype=object), right) if _is_text(left) else np.equal(left, right), dtype=bool
    )


def _as_text(value: Any) -> Any:
    if _is_text(value):
        return value
    array = np.asarray(value)
    if array.ndim == 0:
        return _shown(array.item())
    distinct, codes = np.unique(array, return_inverse=True)
    return np.array([_shown(each) for each in distinct.tolist()], dtype=object)[codes.reshape(-1)]


def _shown(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    number = float(value)
    if np.isnan(number):
        return None
    return str(int(number)) if number.is_integer() else f"{number:.12g}"


def _group(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    return found[1] if found.re.groups else found[0]


def _parsed_number(cell: str) -> float:
    try:
        return parse_number(cell)
    except ValueError:
        return float("nan")


def _per_cell(function: Callable[[str], Any], cells: Any, missing: Any = None) -> Array:
    """``function`` of every cell, each distinct one once; ``missing`` where there is none."""
    known: dict[str | None, Any] = {None: missing}
    found = []
    for cell in np.atleast_1d(np.asarray(cells, dtype=object)).tolist():
        if cell not in known:
            known[cell] = function(cell)
        found.append(known[cell])
    array = np.array(found, dtype=object)
    return array if np.ndim(cells) else array.reshape(())


def _elementwise(function: Callable[[Any, Any], str], a: Any, b: Any) -> Array:
    left, right = np.broadcast_arrays(np.asarray(a, dtype=object), np.asarray(b, dtype=object))
    pairs = zip(left.reshape(-1).tolist(), right.reshape(-1).tolist(), strict=True)
    cells = [None if x is None or y is None else function(x, y) for x, y in pairs]
    return np.array(cells, dtype=object).reshape(left.shape)
