"""What the best measured mixture of a study lacks for its held-out domains: kept in its folder, read by its report."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synthmix.config import StudyConfig
from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.files import content_hash, read_json, write_json
from synthmix.gaps.measure import gap
from synthmix.progress import Progress, Silent
from synthmix.results import Results, RunRow
from synthmix.results.gap import Gap
from synthmix.study.corpora import Prepared
from synthmix.study.ladder import study_recipes
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import look
from synthmix.study.workspace import Workspace


def gap_of_study(
    study: Study, *, tokens: int | None = None, top: int = 200, progress: Progress | None = None
) -> tuple[Gap, Results]:
    """The gap of the mixture with the least loss at the largest cell, natural text alone if that is it; the results and
    the report are written again with it.

    Args:
        tokens: budget; None: the question's, else the largest that was trained.

    Raises:
        BadInput: nothing is finished, a corpus is gone, or what :func:`synthmix.gaps.gap` raises.
    """
    from synthmix.study.conclude import conclude, gather

    config = load_study(study)
    space, progress = Workspace(config.root), progress or Silent()
    prepared = look(config, space)
    if prepared is None:
        raise BadInput("nothing is built yet", where=space.root, remedy="run it with synthmix study run")
    results, _, _ = gather(config, space, prepared)
    shares = best_shares(config, results.runs)
    key, budget = _key(prepared, shares), tokens or _budget(results)
    need = {one.name: (Corpus.open(one.folder), one.domain) for one in prepared.domains}
    have = {name: prepared.corpora[name] for name in shares}
    wrote = [corpus.name for corpus in results.corpora if corpus.name in shares and corpus.kind != "natural"]
    found = gap(have, need, shares=shares, synthetic=wrote, tokens=budget, top=top, progress=progress)
    write_json(_path(space), {"key": key, "gap": found.model_dump(mode="json")}, digest=True)
    return found, conclude(config, space, prepared, progress=progress)


def kept_gap(config: StudyConfig, space: Workspace, prepared: Prepared, rows: list[RunRow]) -> Gap | None:
    """What :func:`gap_of_study` found, while corpora, domains and the best mixture are the same."""
    if not _path(space).exists():
        return None
    try:
        kept: dict[str, Any] = read_json(_path(space))
        found = Gap.model_validate(kept["gap"])
    except (BadInput, ValidationError, KeyError):
        return None
    shares = best_shares(config, rows)
    same = all(name in prepared.corpora for name in shares) and kept["key"] == _key(prepared, shares)
    return found if same else None


def best_shares(config: StudyConfig, rows: list[RunRow]) -> dict[str, float]:
    """Shares of the recipe with the least mean loss at the cell with the most compute."""
    largest = max((row.params * row.tokens, row.params) for row in rows)
    losses: dict[str, list[float]] = {}
    for row in rows:
        if (row.params * row.tokens, row.params) == largest:
            losses.setdefault(row.recipe, []).append(row.loss)
    best = min(losses, key=lambda name: sum(losses[name]) / len(losses[name]))
    return {
        name: float(share) for recipe in study_recipes(config) if recipe.name == best
        for name, share in recipe.shares if share
    }  # fmt: skip


def _path(space: Workspace) -> Path:
    return space.root / "gap.json"


def _key(prepared: Prepared, shares: dict[str, float]) -> str:
    ids = [[name, prepared.corpora[name].id, share] for name, share in sorted(shares.items())]
    return content_hash([ids, [[one.name, one.id] for one in prepared.domains]])


def _budget(results: Results) -> int:
    decision = results.decision
    return decision.tokens if decision is not None else max(row.tokens for row in results.runs)
