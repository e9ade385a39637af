"""Looking at a study without running it."""

from collections import Counter
from collections.abc import Collection, Sequence

from synthmix.errors import BadInput
from synthmix.progress import Progress
from synthmix.results import Results
from synthmix.results.status import Status, Working
from synthmix.study.ladder import (
    Cell,
    Family,
    Trunk,
    cells,
    find_trunks,
    ladder_specs,
    own_tokens,
    spec_family,
    trunk_records,
)
from synthmix.study.load import Study, load_study
from synthmix.study.prepare import look
from synthmix.study.sampled import generator_spec
from synthmix.study.timings import Speeds, kept_speeds
from synthmix.study.workspace import Workspace, read_choices
from synthmix.training.spec import RunSpec


def study_status(study: Study) -> Status:
    """What is done and in work; nothing is built, trained or timed.

    Raises:
        BadInput: a study that cannot be, or a damaged record or shard.
    """
    config = load_study(study)
    space = Workspace(config.root)
    planned = cells(config)
    prepared = look(config, space)
    working = []
    all_runs = Counter((cell.recipe.name, cell.shape.params) for cell in planned)
    done: Counter[tuple[str, int]] = Counter()
    specs = ladder_specs(config, prepared) if prepared else []
    left = {(cell.recipe.content, cell.params, cell.steps, cell.seed): cell for cell in planned}
    begun = 0.0  # worker seconds of the runs in work
    speeds, trunks = kept_speeds(config, space), find_trunks(planned)
    for spec in specs:
        if space.runs.record(spec.id) is not None:
            done[spec.recipe, spec.shape.params] += 1
            left.pop((spec.mixture.content, spec.params, spec.steps, spec.seed), None)
            continue
        found = _working(space, spec.id, spec, spec.recipe, spec.tokens)
        if found is not None:
            working.append(found)
            own = found.tokens - (spec.branch * spec.protocol.batch if spec_family(spec) in trunks else 0)
            begun += speeds.seconds(spec.shape, max(0, own)) if speeds else 0.0
    generators = [generator_spec(config, name, prepared) for name in config.sampled] if prepared else []
    for spec in generators:
        found = _working(space, spec.id, spec, f"generator, {spec.recipe}", spec.tokens)
        working += [] if found is None else [found]
    for spec in {spec.trunk: spec for spec in specs if spec_family(spec) in trunks}.values():
        trunk = trunks[spec_family(spec)]
        found = _working(space, f"trunk-{spec.trunk}", spec, f"trunk of {spec.recipe}", trunk.tokens)
        if found is not None:
            working.append(found)
            begun += speeds.seconds(spec.shape, found.tokens) if speeds else 0.0
    corpora = prepared.corpora if prepared else {}
    work = _work(left.values(), specs, space, speeds, trunks) if speeds else 0.0
    report = space.root / "report.html"
    return Status(
        study=config.study,
        folder=str(space.root.resolve()),
        runs=len(planned),
        done=sum(done.values()),
        working=tuple(working),
        corpora={name: corpora[name].train_counts.tokens if name in corpora else None for name in config.corpora},
        report=str(report.resolve()) if report.exists() else None,
        cells=tuple((*cell, done[cell], all_runs[cell]) for cell in sorted(all_runs, key=lambda cell: cell[1])),
        choices=read_choices(space),
        seconds_left=None if speeds is None else max(0.0, work - begun) / speeds.workers,
    )


def _working(space: Workspace, run: str, spec: RunSpec, name: str, of: int) -> Working | None:
    """A run, trunk or generator in work, by its progress file."""
    told = space.runs.progress(run)
    if told is None:
        return None
    with space.runs.claim(run) as free:
        return Working(
            recipe=name,
            params=spec.shape.params,
            tokens=int(told["tokens"]),
            of=of,
            seed=spec.seed,
            held=not free,
            loss=told.get("loss"),
            node=told.get("node"),
            tries=told.get("tries", 1),
        )


def _work(
    left: Collection[Cell], specs: Sequence[RunSpec], space: Workspace, speeds: Speeds, trunks: dict[Family, Trunk]
) -> float:
    """Worker seconds of the runs that are ``left``: their own tokens, and what their trunks still lack."""
    work = sum(speeds.seconds(cell.shape, own_tokens(cell, trunks)) for cell in left)
    needed = {cell.family for cell in left} & trunks.keys()
    ids = {spec_family(spec): spec.trunk for spec in specs}
    there = {record.id: record.tokens for record in trunk_records(space.runs, specs)} if needed else {}
    for family in needed:
        trunk = trunks[family]
        lacks = trunk.tokens - there.get(ids.get(family, ""), 0)
        work += speeds.seconds(trunk.cell.shape, max(0, lacks))
    return work


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
