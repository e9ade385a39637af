"""Other people's readers, imported without what they need beside reading."""

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def megatron() -> Callable[[str], Any]:
    """``megatron("indexed_dataset")``: a module of megatron.core.datasets, its own code; the packages' ``__init__``,
    which import the whole of training, are left out."""
    spec = importlib.util.find_spec("megatron")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("megatron-core is not installed")
    root = Path(next(iter(spec.submodule_search_locations))) / "core"
    for name, folder in (("megatron.core", root), ("megatron.core.datasets", root / "datasets")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules.setdefault(name, package)
    importlib.import_module("megatron.core.parallel_state")  # its circular imports begin here
    return lambda name: importlib.import_module(f"megatron.core.datasets.{name}")
