"""The packages that synthmix is declared to need: there or not, in which version, and whether they load."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

# Those with code of their own for the processor, which an installation can break, but for scikit-learn, which takes a
# second to load: name on the index -> module.
NATIVE = {
    **{name: name for name in ("torch", "tokenizers", "numpy", "scipy", "pyarrow", "zstandard")},
    **{"pydantic": "pydantic_core", "safetensors": "safetensors._safetensors_rust"},
}
FOR = {
    "hub": "corpora from the Hugging Face hub",
    "cloud": "corpora in s3:// and gs://",
    "cluster": "--engine ray",
    "track": "--log tensorboard",
    "generate": "text from an OpenAI-compatible server",
    "harness": "synthmix evaluate --harness",
    "sql": "SQL over the records of runs",
    "value": "synthmix value: lava, folders of images",
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
    return [_package(wanted, load=load) for wanted in _declared("")]


def extras() -> list[Extra]:
    """The optional parts, by name; none of them is imported."""
    names = sorted(set(metadata("synthmix").get_all("Provides-Extra") or []) - NOT_FOR_USERS)
    core = set(map(str, _declared("")))
    return [
        Extra(name, FOR.get(name, ""), tuple(_package(w, load=False) for w in _declared(name) if str(w) not in core))
        for name in names
    ]


def _declared(extra: str) -> "list[Requirement]":
    """The requirements that hold on this machine with one extra, or with none (``""``)."""
    from packaging.requirements import Requirement

    all_of_them = [Requirement(line) for line in metadata("synthmix").get_all("Requires-Dist") or []]
    return [one for one in all_of_them if one.marker is None or one.marker.evaluate({"extra": extra})]


def _package(wanted: "Requirement", *, load: bool) -> Package:
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
