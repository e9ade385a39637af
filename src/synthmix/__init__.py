"""synthmix: measure how natural and synthetic text should be mixed for language-model pre-training.

>>> import synthmix
>>> results = synthmix.run_study("examples/quickstart.yaml")     # doctest: +SKIP
>>> results.decision                                             # doctest: +SKIP
>>> synthmix.fit("chinchilla", "runs.csv").report()              # doctest: +SKIP

Names are loaded when they are first used, so importing this package imports neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.advice.advise import advise
    from synthmix.corpus import Corpus, Source, build_corpus
    from synthmix.decisions.optimize import optimize
    from synthmix.decisions.rank import rank
    from synthmix.errors import BadInput, Failure, SynthmixError
    from synthmix.exporting.export import export
    from synthmix.gaps import gap
    from synthmix.generation.job import generate_corpus
    from synthmix.loop.run import generate_loop
    from synthmix.results import Decision, Results
    from synthmix.runs import RunsTable, read_runs
    from synthmix.runs.laws import compare, fit, load_fit
    from synthmix.scaling import best_share, speedup
    from synthmix.statistics import survey
    from synthmix.statistics.generators import compare_generators
    from synthmix.study.init import init_study
    from synthmix.study.load import load_study
    from synthmix.study.run import run_study
    from synthmix.study.single import evaluate, train
    from synthmix.study.status import report_study, study_status
    from synthmix.study.tune import tune
    from synthmix.training.hyperparameters import hyperparameters
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.selection import select_documents
    from synthmix.valuation.valuer import Valuer

#: Public names, and the module that each is defined in.
_WHERE = {
    "BadInput": "errors",
    "Corpus": "corpus",
    "Decision": "results",
    "Failure": "errors",
    "Results": "results",
    "RunsTable": "runs",
    "Source": "corpus",
    "SynthmixError": "errors",
    "Valuer": "valuation.valuer",
    "advise": "advice.advise",
    "best_share": "scaling",
    "build_corpus": "corpus",
    "compare": "runs.laws",
    "compare_generators": "statistics.generators",
    "evaluate": "study.single",
    "export": "exporting.export",
    "fit": "runs.laws",
    "gap": "gaps",
    "generate_corpus": "generation.job",
    "generate_loop": "loop.run",
    "hyperparameters": "training.hyperparameters",
    "init_study": "study.init",
    "load_fit": "runs.laws",
    "load_study": "study.load",
    "open_pool": "valuation.load",
    "optimize": "decisions.optimize",
    "rank": "decisions.rank",
    "read_runs": "runs",
    "report_study": "study.status",
    "run_study": "study.run",
    "select_documents": "valuation.selection",
    "speedup": "scaling",
    "study_status": "study.status",
    "survey": "statistics",
    "train": "study.single",
    "tune": "study.tune",
}
#: What was public before and lives in its room: still importable from here for one version.
_BEFORE = {
    "GenerateConfig": "generation.settings",
    "LocalModel": "generation.local",
    "Pool": "valuation.pool",
    "RunRecord": "store",
    "Runs": "scaling",
    "Schedule": "mixture.schedule",
    "Store": "store",
    "StudyConfig": "config",
    "agreement": "human_eval.agreement",
    "count_text": "statistics",
    "detect_phases": "phases.detection",
    "diagnose": "doctor.diagnose",
    "dial": "training.hyperparameters",
    "estimate_phases": "phases.estimation",
    "evaluate_model": "evaluation.losses",
    "filter_generated": "generation.filtering",
    "fit_task": "scaling.task_law",
    "headline": "report",
    "held_out": "scaling",
    "load_checkpoint": "training.checkpoint",
    "load_tasks": "evaluation.harness",
    "load_template": "generation.template",
    "load_tokenizer": "corpus",
    "make_manifest": "mixture.manifest",
    "make_recipe": "mixture.recipe",
    "make_scheduled_recipe": "mixture.recipe",
    "make_sheet": "human_eval.make",
    "open_or_build": "corpus",
    "preview_corpus": "generation.preview",
    "quality_report": "generation.quality",
    "score_study": "study.score_tasks",
    "simulate_phases": "phases.simulation",
    "statistic_table": "statistics",
    "study_from": "study.load",
    "train_tokenizer": "corpus",
    "write_report": "report",
    "write_slide": "report",
}

__all__ = [
    "BadInput",
    "Corpus",
    "Decision",
    "Failure",
    "Results",
    "RunsTable",
    "Source",
    "SynthmixError",
    "Valuer",
    "advise",
    "best_share",
    "build_corpus",
    "compare",
    "compare_generators",
    "evaluate",
    "export",
    "fit",
    "gap",
    "generate_corpus",
    "generate_loop",
    "hyperparameters",
    "init_study",
    "load_fit",
    "load_study",
    "open_pool",
    "optimize",
    "rank",
    "read_runs",
    "report_study",
    "run_study",
    "select_documents",
    "speedup",
    "study_status",
    "survey",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("synthmix")
    where = _WHERE.get(name) or _BEFORE.get(name)
    if where is None:
        raise AttributeError(f"module 'synthmix' has no attribute '{name}'")
    return getattr(import_module(f"synthmix.{where}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
