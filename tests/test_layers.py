"""Which room may know which: read off the source, imports inside functions included."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import synthmix

SRC = Path(synthmix.__file__).parent
MODULES = {
    ".".join(("synthmix", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(SRC.rglob("*.py"))
}
STAGES = ("corpus", "generation", "mixture", "training", "evaluation", "scaling", "statistics", "report")
TORCH = {"torch", "transformers", "safetensors"}
FILES = {"pathlib", "os", "io", "shutil", "tempfile", "glob", "fsspec", "pyarrow", "duckdb"}
FILES |= {"synthmix.files", "synthmix.checksums"}
# Pages of text statistics, which have result objects of their own; the study's page is made from its results alone.
TEXT_PAGES = {f"synthmix.report.{name}" for name in ("generators", "statistics", "study_statistics")}
# Fit.save, Fit.load, and the same of laws over many sources.
DOORS = {"synthmix.scaling.fitted", "synthmix.scaling.mixtures.fitted", "synthmix.scaling.mixtures.saved"}


def statements(tree: ast.AST, *, top: bool) -> Iterator[ast.stmt]:
    """Import statements; ``top``: only those that run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (top and _runs_later(node)):
            yield from statements(node, top=top)


def _runs_later(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


@cache
def imported(module: str, *, top: bool = False) -> frozenset[str]:
    """Names of the modules that ``module`` imports; ``from package import module`` counts as the module."""
    found = set()
    for node in statements(ast.parse(MODULES[module].read_text(encoding="utf-8")), top=top):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            inner = {name for name in names if name in MODULES}
            found |= inner | ({str(node.module)} if inner != names else set())
    return frozenset(found)


def room(name: str) -> list[str]:
    return [module for module in MODULES if module == f"synthmix.{name}" or module.startswith(f"synthmix.{name}.")]


def within(name: str, rooms: set[str]) -> bool:
    return any(name == each or name.startswith(each + ".") for each in rooms)


def trespasses(modules: list[str], forbidden: set[str]) -> list[str]:
    assert modules, "the room is there"
    return [f"{m} imports {name}" for m in modules for name in sorted(imported(m)) if within(name, forbidden)]


def test_the_reader_of_imports_sees_them() -> None:
    assert "torch" in imported("synthmix.training.model")
    assert "torch" not in imported("synthmix.training.model", top=True)
    assert "synthmix.config" in imported("synthmix.study.plan", top=True)
    assert len(MODULES) > 100


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_knows_the_study_the_study_file_or_the_command_line(stage: str) -> None:
    assert not trespasses(room(stage), {"synthmix.study", "synthmix.cli", "synthmix.config"})


def test_nothing_knows_the_command_line() -> None:
    others = [module for module in MODULES if not within(module, {"synthmix.cli", "synthmix.__main__"})]
    assert not trespasses(others, {"synthmix.cli"})


def test_only_the_front_door_and_the_rooms_above_know_the_study() -> None:
    above = {"synthmix.cli", "synthmix.advice", "synthmix.exporting", "synthmix.study"}
    others = [m for m in MODULES if m != "synthmix" and not within(m, above)]
    assert not trespasses(others, {"synthmix.study"})


def test_scaling_takes_arrays_no_torch_no_files() -> None:
    assert not trespasses(room("scaling"), TORCH)
    assert not trespasses([m for m in room("scaling") if m not in DOORS], FILES)
    assert not trespasses(room("scaling"), {f"synthmix.{stage}" for stage in STAGES if stage != "scaling"})


def test_the_report_knows_the_results_and_nothing_of_how_they_came() -> None:
    rooms = (
        "files",
        "errors",
        "console",
        "names",
        "quantities",
        "validation",
        "interval",
        "table",
        "style",
        "rounding",
    )
    low = {f"synthmix.{name}" for name in rooms}
    allowed = {"synthmix.report", "synthmix.results", *low}
    for module in room("report"):
        ours = {name for name in imported(module) if within(name, {"synthmix"})}
        more = {"synthmix.statistics"} if module in TEXT_PAGES else set()
        assert all(within(name, allowed | more) for name in ours), (module, ours)


def test_the_studys_page_knows_no_page_of_text_statistics() -> None:
    reached, left = set(), {"synthmix.report.page"}
    while left:
        module = left.pop()
        reached.add(module)
        left |= {name for name in imported(module) if within(name, {"synthmix.report"})} - reached
    assert len(reached) > 6, "page, tables, figures, sentences ..."
    assert not reached & TEXT_PAGES


def test_decisions_take_a_table_and_know_no_study() -> None:
    names = ("runs", "scaling", "results", "interval", "errors", "quantities", "files", "checksums", "rounding")
    below = {f"synthmix.{name}" for name in names}
    for module in room("decisions"):
        ours = {name for name in imported(module) if within(name, {"synthmix"})}
        assert all(within(name, {"synthmix.decisions", *below}) for name in ours), (module, ours)


def test_the_results_know_nothing() -> None:
    ours = {name for module in room("results") for name in imported(module) if within(name, {"synthmix"})}
    assert all(within(name, {"synthmix.results", "synthmix.interval"}) for name in ours)


def test_data_flows_one_way() -> None:
    """text -> corpus -> generation -> mixture -> training -> evaluation: no room imports a later one."""
    assert not trespasses(
        room("corpus"),
        {f"synthmix.{name}" for name in ("generation", "mixture", "training", "evaluation", "store", "engine")},
    )
    assert not trespasses(room("mixture"), {"synthmix.training", "synthmix.evaluation", "synthmix.store"})
    assert not trespasses(room("training"), {"synthmix.evaluation", "synthmix.generation", "synthmix.store"})
    assert not trespasses(room("evaluation"), {"synthmix.store", "synthmix.scaling"})


def test_only_training_evaluation_sampling_and_valuation_import_torch() -> None:
    others = [
        m
        for m in MODULES
        if not within(m, {"synthmix.training", "synthmix.evaluation", "synthmix.generation", "synthmix.valuation"})
    ]
    assert not trespasses(others, {"torch", "transformers"})


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module: {name for name in imported(module, top=True) if name in MODULES and name != module}
        for module in MODULES
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"circular imports: {' -> '.join(error.args[1])}")
    assert set(order) == set(MODULES)


def test_every_module_can_be_imported_first() -> None:
    """Each alone in a fresh interpreter would be slow; in one, each after the others are forgotten."""
    code = (
        "import sys, importlib\n"
        f"for name in {sorted(MODULES)!r}:\n"
        "    if name.endswith('__main__'): continue\n"
        "    for other in [m for m in sys.modules if m.split('.')[0] == 'synthmix']: del sys.modules[other]\n"
        "    importlib.import_module(name)\n"
        "print('all')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("all", "")
