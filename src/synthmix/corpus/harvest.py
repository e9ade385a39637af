"""Documentation strings of installed Python sources, by reading them (never by importing them).

Also a program, so that several packages can be harvested at once: ``python -I harvest.py FOLDER ...`` writes the
texts as a JSON list to stdout. It therefore imports the standard library only.
"""

import ast
import gc
import inspect
import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MINIMUM_CHARACTERS = 200
_SKIPPED_FOLDERS = {
    "test",
    "tests",
    "testing",
    "site-packages",
    "__pycache__",
    "_vendor",
    "externals",
}
_DOCUMENTING = re.compile(r"doc", re.IGNORECASE)
# A call of such a name, or an assignment to one; else only docstrings are to be found, and most nodes are none.
_NAMED = re.compile(rb"doc\w*[)\s\\]*[(=#]", re.IGNORECASE)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_KINDS = [kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)]
_STATEMENTS = {
    kind: tuple(name for name in kind._fields if name in ("body", "handlers", "orelse", "finalbody", "cases"))
    for kind in _KINDS
    if not issubclass(kind, ast.expr)
}
# All that can hold a call or an assignment.
_ALL = {
    kind: tuple(name for name in kind._fields if name not in ("ctx", "op", "ops", "id", "attr", "name", "names", "arg"))
    for kind in _KINDS
    if not issubclass(kind, ast.Constant | ast.Name | ast.alias)
}


def harvest(roots: list[Path]) -> list[str]:
    """Every documentation string of at least 200 characters below ``roots``, once, in order of path.

    Those are docstrings, strings passed to functions whose name speaks of documentation (torch's ``add_docstr``,
    numpy's ``add_newdoc``) and strings assigned to such names. Left out are files that this Python cannot parse, and
    texts of which more than half stands, line by line, in earlier ones: copies of a template, a third of transformers.
    """
    found: dict[str, None] = {}
    lines: set[str] = set()
    for path in (path for root in roots for path in _python_files(root)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # escapes that the file's authors are warned of elsewhere
                source = path.read_bytes()
                tree = ast.parse(source)
        except (SyntaxError, ValueError):  # templates and files for other versions of Python
            continue
        for text in _documentation(tree, _ALL if _NAMED.search(source) else _STATEMENTS):
            cleaned = inspect.cleandoc(text).strip()
            if len(cleaned) < MINIMUM_CHARACTERS or not _is_text(cleaned) or cleaned in found:
                continue
            own = [line.strip() for line in cleaned.splitlines()]
            repeated = sum(len(line) for line in own if line in lines)
            lines.update(own)
            if 2 * repeated <= sum(map(len, own)):
                found[cleaned] = None
    return list(found)


def _python_files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name not in _SKIPPED_FOLDERS and not path.is_symlink():
                yield from _python_files(path)
        elif path.suffix == ".py" and not re.match(r"(test_|conftest)", path.name):
            yield path


def _documentation(tree: ast.Module, fields: Mapping[type, tuple[str, ...]]) -> Iterator[str]:
    """Texts in the order of :func:`ast.walk`, by way of ``fields`` of nodes alone."""
    level: list[Any] = [tree]
    while level:
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind in _DOCUMENTED:
                docstring = ast.get_docstring(node, clean=False)
                if docstring:
                    yield docstring
            elif kind is ast.Call:
                if _DOCUMENTING.search(_name(node.func)):
                    yield from _strings(node.args)
            elif kind is ast.Assign and any(_DOCUMENTING.search(_name(target)) for target in node.targets):
                yield from _strings([node.value])
            for name in fields.get(kind, ()):
                child = getattr(node, name)
                if type(child) is list:
                    below += child
                else:
                    below.append(child)
        level = below


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _strings(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _is_text(text: str) -> bool:
    """Whether it reads as text: with spaces, and writable as UTF-8 (doctests of codecs hold half surrogates)."""
    return text.count(" ") * 20 >= len(text) and not re.search("[\ud800-\udfff]", text)


if __name__ == "__main__":
    gc.disable()  # trees have no cycles, and looking for some takes half of the time
    json.dump(harvest([Path(argument) for argument in sys.argv[1:]]), sys.stdout)
