"""A study file as a design, and what its own finished runs say of it."""

from pathlib import Path

from synthmix.config import StudyConfig
from synthmix.design import Design, DesignCheck, DesignRun, check_design
from synthmix.errors import BadInput
from synthmix.runs import RunsTable, read_runs
from synthmix.study.ladder import cells, find_trunks
from synthmix.study.rows import synthetic_names
from synthmix.study.workspace import Workspace
from synthmix.training.shape import shape_for


def design_of(config: StudyConfig) -> Design:
    """The runs of a study file; nothing is built.

    Raises:
        BadInput: sizes, budgets or recipes that cannot be.
    """
    synthetic, planned = synthetic_names(config), cells(config)
    runs = tuple(
        DesignRun(
            params=float(cell.shape.params),
            tokens=float(cell.tokens),
            shares={name: float(share) for name, share in cell.recipe.shares if name in synthetic and share > 0},
            seed=cell.seed,
            recipe=cell.recipe.name,
        )
        for cell in planned
    )
    vocab, context = config.tokenizer.vocab, config.training.context
    given = {cell.shape.params: cell.shape for cell in planned}

    def flops_per_token(params: float) -> float:
        shape = given.get(round(params)) or shape_for(round(params))
        return shape.flops_per_token(vocab, context)

    return Design(
        runs,
        trunk=bool(find_trunks(planned)),
        decay=config.training.decay,
        flops_per_token=flops_per_token,
        natural=config.mix.natural,
    )


def earlier_runs(config: StudyConfig) -> RunsTable | None:
    """The study's own finished runs, where a report was written of them; None where there is none, or it is damaged."""
    path: Path = Workspace(config.root).table
    if not path.is_file():
        return None
    try:
        return read_runs(path)
    except BadInput:
        return None


def check_study(
    config: StudyConfig, *, known: RunsTable | None = None, question: tuple[float, float] | None = None, **how: object
) -> DesignCheck | None:
    """The design check of a study file (:func:`synthmix.design.check_design`); None where it asks nothing, or where it
    has no synthetic text to decide about.

    Args:
        known: earlier runs; None: the study's own, where there are any. question: None: the study file's.
    """
    asked = config.question
    if question is None and asked is not None:
        question = (float(asked.params), float(asked.tokens))
    design = design_of(config)
    if question is None or not design.sources:
        return None
    known = earlier_runs(config) if known is None else known
    vocab = how.pop("vocab", None) or config.tokenizer.vocab
    return check_design(design, question, known=known, vocab=vocab, **how)  # type: ignore[arg-type]
