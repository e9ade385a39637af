"""Versions of dependencies as pip constraints, on stdout; run by the interpreter of the environment in question.

``lowest``: the lower bounds of pyproject.toml, as exact versions. ``tested``: what is installed of all that
synthmix[dev] needs. Neither names torch or what torch alone needs: its builds differ by index and ask for exact
versions, so that pip would exchange a torch that is there.
"""

import platform
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LEFT_OUT = ("torch", "triton", "nvidia-", "cuda-", "sympy", "mpmath", "networkx")
INSTALLERS = {"synthmix", "pip", "setuptools", "wheel"}
TOOLS = {"dev", "docs"}  # extras of those who change synthmix


def declared() -> dict[str, list[Requirement]]:
    """The extras of pyproject.toml and what they ask for; the core is ``""``."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    parts = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in parts.items()}


def lowest() -> Iterator[str]:
    """Each direct dependency of a user, with its marker, at its lower bound."""
    for wanted in (each for extra, parts in declared().items() if extra not in TOOLS for each in parts):
        bounds = [each.version for each in wanted.specifier if each.operator == ">="]
        if bounds and not wanted.name.startswith(LEFT_OUT):
            yield f"{wanted.name}=={bounds[0]}" + (f"; {wanted.marker}" if wanted.marker else "")


def tested() -> Iterator[str]:
    """Every installed package that synthmix[dev] needs, directly or not; with the marker of pyproject.toml, if any."""
    yield f"# Tested with Python {platform.python_version()} on {platform.system()}; made by `make constraints`."
    markers = {
        canonicalize_name(each.name): f"; {each.marker}"
        for parts in declared().values()
        for each in parts
        if each.marker and each.marker.evaluate()
    }
    found: dict[str, str] = {}
    asked = [("synthmix", "dev")]
    seen = set(asked)
    while asked:
        name, extra = asked.pop()
        for wanted in (Requirement(line) for line in distribution(name).requires or []):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                key = canonicalize_name(wanted.name)
                found[key] = version(wanted.name)
                new = {(key, each) for each in {"", *wanted.extras}} - seen
                seen |= new
                asked += new
    for name in sorted(found.keys() - INSTALLERS):
        if not name.startswith(LEFT_OUT):
            yield f"{name}=={found[name]}{markers.get(name, '')}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in {"lowest": lowest, "tested": tested}[sys.argv[1]]())
