"""synthmix: measure how real and synthetic text should be mixed for language-model pre-training.

>>> import synthmix
>>> study = synthmix.load_study("examples/quickstart.yaml")
>>> results = synthmix.run_study(study)          # doctest: +SKIP
>>> results.decision                             # doctest: +SKIP

Names are loaded when they are first used, so importing this package imports neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.advice.advise import advise
    from synthmix.config import StudyConfig
    from synthmix.corpus import Corpus, Source, build_corpus, load_tokenizer, open_or_build, train_tokenizer
    from synthmix.doctor.diagnose import diagnose
    from synthmix.errors import BadInput, Failure, SynthmixError
    from synthmix.evaluation.harness import load_tasks
    from synthmix.evaluation.losses import evaluate_model
    from synthmix.generation.filtering import filter_generated
    from synthmix.generation.job import generate_corpus
    from synthmix.generation.local import LocalModel
    from synthmix.generation.preview import preview_corpus
    from synthmix.generation.quality import quality_report
    from synthmix.generation.settings import GenerateConfig
    from synthmix.generation.template import load_template
    from synthmix.mixture.manifest import make_manifest
    from synthmix.mixture.recipe import make_recipe, make_scheduled_recipe
    from synthmix.mixture.schedule import Schedule
    from synthmix.phases.detection import detect_phases
    from synthmix.phases.estimation import estimate_phases
    from synthmix.phases.simulation import simulate_phases
    from synthmix.reading.agreement import agreement
    from synthmix.reading.make import make_sheet
    from synthmix.report import headline, write_report
    from synthmix.results import Results
    from synthmix.scaling import Runs, best_share, fit, held_out, speedup
    from synthmix.scaling.task_law_fit import fit_task
    from synthmix.statistics import count_text, statistic_table, survey
    from synthmix.statistics.generators import compare_generators
    from synthmix.store import RunRecord, Store
    from synthmix.study.load import load_study, study_from
    from synthmix.study.run import run_study
    from synthmix.study.score_tasks import score_study
    from synthmix.study.status import report_study, study_status
    from synthmix.study.tune import tune
    from synthmix.training.checkpoint import load_checkpoint
    from synthmix.training.hyperparameters import hyperparameters
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.pool import Pool
    from synthmix.valuation.selection import select_documents
    from synthmix.valuation.valuer import Valuer

_WHERE = {
    "BadInput": "errors",
    "Corpus": "corpus",
    "Failure": "errors",
    "GenerateConfig": "generation.settings",
    "LocalModel": "generation.local",
    "Pool": "valuation.pool",
    "Results": "results",
    "RunRecord": "store",
    "Runs": "scaling",
    "Schedule": "mixture.schedule",
    "Source": "corpus",
    "Store": "store",
    "StudyConfig": "config",
    "SynthmixError": "errors",
    "Valuer": "valuation.valuer",
    "advise": "advice.advise",
    "agreement": "reading.agreement",
    "best_share": "scaling",
    "build_corpus": "corpus",
    "compare_generators": "statistics.generators",
    "count_text": "statistics",
    "detect_phases": "phases.detection",
    "diagnose": "doctor.diagnose",
    "dial": "training.hyperparameters",  # the name of before
    "estimate_phases": "phases.estimation",
    "evaluate_model": "evaluation.losses",
    "filter_generated": "generation.filtering",
    "fit": "scaling",
    "fit_task": "scaling.task_law_fit",
    "generate_corpus": "generation.job",
    "headline": "report",
    "held_out": "scaling",
    "hyperparameters": "training.hyperparameters",
    "load_checkpoint": "training.checkpoint",
    "load_study": "study.load",
    "load_tasks": "evaluation.harness",
    "load_template": "generation.template",
    "load_tokenizer": "corpus",
    "make_manifest": "mixture.manifest",
    "make_recipe": "mixture.recipe",
    "make_scheduled_recipe": "mixture.recipe",
    "make_sheet": "reading.make",
    "open_or_build": "corpus",
    "open_pool": "valuation.load",
    "preview_corpus": "generation.preview",
    "quality_report": "generation.quality",
    "report_study": "study.status",
    "run_study": "study.run",
    "score_study": "study.score_tasks",
    "select_documents": "valuation.selection",
    "simulate_phases": "phases.simulation",
    "speedup": "scaling",
    "statistic_table": "statistics",
    "study_from": "study.load",
    "study_status": "study.status",
    "survey": "statistics",
    "train_tokenizer": "corpus",
    "tune": "study.tune",
    "write_report": "report",
}

__all__ = [
    "BadInput",
    "Corpus",
    "Failure",
    "GenerateConfig",
    "LocalModel",
    "Pool",
    "Results",
    "RunRecord",
    "Runs",
    "Schedule",
    "Source",
    "Store",
    "StudyConfig",
    "SynthmixError",
    "Valuer",
    "advise",
    "agreement",
    "best_share",
    "build_corpus",
    "compare_generators",
    "count_text",
    "detect_phases",
    "diagnose",
    "estimate_phases",
    "evaluate_model",
    "filter_generated",
    "fit",
    "fit_task",
    "generate_corpus",
    "headline",
    "held_out",
    "hyperparameters",
    "load_checkpoint",
    "load_study",
    "load_tasks",
    "load_template",
    "load_tokenizer",
    "make_manifest",
    "make_recipe",
    "make_scheduled_recipe",
    "make_sheet",
    "open_or_build",
    "open_pool",
    "preview_corpus",
    "quality_report",
    "report_study",
    "run_study",
    "score_study",
    "select_documents",
    "simulate_phases",
    "speedup",
    "statistic_table",
    "study_from",
    "study_status",
    "survey",
    "train_tokenizer",
    "tune",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'synthmix' has no attribute '{name}'")
    return getattr(import_module(f"synthmix.{_WHERE[name]}"), name)
