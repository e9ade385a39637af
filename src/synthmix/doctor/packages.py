"""The packages that synthmix is declared to need: there or not, in which version, and whether they load."""

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, version

# Those with code of their own for the processor, which an installation can break: name on the index -> module.
NATIVE = {
    **{name: name for name in ("torch", "tokenizers", "numpy", "scipy", "pyarrow", "duckdb", "zstandard")},
    **{"pydantic": "pydantic_core", "safetensors": "safetensors._safetensors_rust", "scikit-learn": "sklearn"},
}
FOR = {
    "hub": "corpora from the Hugging Face hub",
    "cloud": "corpora in s3:// and gs://",
    "cluster": "--engine ray",
    "track": "--log tensorboard",
    "harness": "synthmix evaluate --harness",
    "value": "baselines of synthmix value",
}
NOT_FOR_USERS = {"dev", "docs"}


@dataclass(frozen=True)
class Package:
    """``wanted``: the versions that do; ``fault``: what is wrong with it, None when it is there and fits."""

    name: str
    wanted: str
    version: str | None
    fault: str | None


@dataclass(frozen=True)
class Extra:
    """An optional part: ``installed`` when all of its packages are there and fit."""

    name: str
    what: str
    packages: tuple[Package, ...]

    @property
    def installed(self) -> bool:
        """Whether it can be used."""
        return all(package.fault is None for package in self.packages)


def core_packages(*, load: bool = True) -> list[Package]:
    """What synthmix cannot do without; ``load``: those of native code are imported, which tells a broken one."""
    return [_package(line, load=load) for line, extra in _declared() if extra is None]


def extras() -> list[Extra]:
    """The optional parts, by name; none of them is imported."""
    found: dict[str, list[Package]] = {}
    for line, extra in _declared():
        if extra is not None and extra not in NOT_FOR_USERS:
            found.setdefault(extra, []).append(_package(line, load=False))
    return [Extra(name, FOR.get(name, ""), tuple(packages)) for name, packages in sorted(found.items())]


def _declared() -> list[tuple[str, str | None]]:
    """Requirements with the extra that asks for them."""
    found = []
    for line in metadata("synthmix").get_all("Requires-Dist") or []:
        wanted, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        found.append((wanted.strip(), extra[1] if extra else None))
    return found


def _package(line: str, *, load: bool) -> Package:
    from packaging.requirements import Requirement

    wanted = Requirement(line)
    try:
        there = version(wanted.name)
    except PackageNotFoundError:
        return Package(wanted.name, str(wanted.specifier), None, "is not installed")
    if not wanted.specifier.contains(there, prereleases=True):
        return Package(wanted.name, str(wanted.specifier), there, f"version {there}, and {wanted.specifier} is needed")
    return Package(wanted.name, str(wanted.specifier), there, _loading_fault(NATIVE.get(wanted.name) if load else None))


def _loading_fault(module: str | None) -> str | None:
    try:
        if module is not None:
            import_module(module)
    except (ImportError, OSError, AttributeError, ValueError) as error:  # what a broken or mismatched binary raises
        return f"cannot be loaded ({type(error).__name__}: {' '.join(str(error).split())[:160]})"
    return None
