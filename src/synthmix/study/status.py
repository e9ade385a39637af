"""Looking at a study without running it."""

import json
from dataclasses import dataclass
from typing import Any

from synthmix.errors import BadInput
from synthmix.progress import Progress
from synthmix.results import Results
from synthmix.study.ladder import cells, ladder_specs
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import look
from synthmix.study.workspace import Workspace


@dataclass(frozen=True)
class Working:
    """A run that was begun: ``held`` while a process works on it, else it resumes at the next ``study run``."""

    recipe: str
    params: int
    tokens: int
    of: int
    seed: int
    held: bool


@dataclass(frozen=True)
class Status:
    """Where a study stands. ``corpora``: name -> training tokens, None while it is not built."""

    study: str
    folder: str
    runs: int
    done: int
    working: tuple[Working, ...]
    corpora: dict[str, int | None]
    report: str | None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return vars(self) | {"working": [vars(each) for each in self.working]}


def study_status(study: Study) -> Status:
    """What is done and in work; nothing is built, trained or timed.

    Raises:
        BadInput: a study that cannot be, or a damaged record or shard.
    """
    config = load_study(study)
    space = Workspace(config.root)
    planned = len(cells(config))
    prepared = look(config, space)
    done, working = 0, []
    for spec in ladder_specs(config, prepared) if prepared else []:
        if space.runs.record(spec.id) is not None:
            done += 1
            continue
        path = space.runs.run_folder(spec.id) / "progress.json"
        if path.exists():
            try:
                tokens = int(json.loads(path.read_text())["tokens"])
            except (FileNotFoundError, ValueError):  # it finished this very moment
                continue
            with space.runs.claim(spec.id) as free:
                working.append(Working(spec.recipe, spec.shape.params, tokens, spec.tokens, spec.seed, not free))
    corpora = prepared.corpora if prepared else {}
    report = space.root / "report.html"
    return Status(
        study=config.study,
        folder=str(space.root.resolve()),
        runs=planned,
        done=done,
        working=tuple(working),
        corpora={name: corpora[name].train_counts.tokens if name in corpora else None for name in config.corpora},
        report=str(report.resolve()) if report.exists() else None,
    )


def report_study(study: Study, *, progress: Progress | None = None) -> Results:
    """Results and report from the finished runs; trains nothing.

    Raises:
        BadInput: nothing is finished.
    """
    from synthmix.study.conclude import conclude  # the laws; the status needs none of them

    config = load_study(study)
    space = Workspace(config.root)
    prepared = look(config, space)
    if prepared is None:
        raise BadInput("nothing is built yet", where=space.root, remedy="run it with synthmix study run")
    return conclude(config, space, prepared, progress=progress)
