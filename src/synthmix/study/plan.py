"""What a study would do, before anything runs: its runs, tokens, FLOPs, time, disk, and what is done already."""

from dataclasses import dataclass
from typing import Any

from synthmix.config import StudyConfig
from synthmix.engine import Engine
from synthmix.errors import BadInput
from synthmix.mixture.design import Designed
from synthmix.mixture.recipe import Recipe
from synthmix.progress import Progress
from synthmix.study.ladder import cells, find_trunks, ladder_specs, own_tokens, study_design
from synthmix.study.prepare import check_given, look
from synthmix.study.sampled import generator_spec
from synthmix.study.timings import SAMPLING_RATIO, Speeds, measure
from synthmix.study.workspace import Workspace
from synthmix.training.memory import run_memory
from synthmix.training.shape import Shape, shape_for


@dataclass(frozen=True)
class PlannedRun:
    """One run, trunk or generator: ``tokens`` is its budget, of which ``own`` are trained for it alone; ``flops`` and
    ``seconds`` (one worker's) are of those; ``done``: its record is there."""

    recipe: str
    shape: Shape
    tokens: int
    seed: int
    flops: float
    seconds: float
    done: bool
    own: int


@dataclass(frozen=True)
class Plan:
    """A study's work. Seconds are wall time on this machine's workers; ``disk`` in bytes, corpora not counted;
    ``memory``: bytes of a worker at its peak, by non-embedding parameters; ``design``: the designed runs with their
    recipes, in order; ``trunk_tokens``: what the ladder would train if the budgets of a mixture, which
    now share nothing, branched from one trunk; None where there is nothing to share, or it is shared already."""

    study: str
    runs: tuple[PlannedRun, ...]
    trunks: tuple[PlannedRun, ...]
    generators: tuple[PlannedRun, ...]
    sampling: dict[str, float]  # corpus -> seconds of wall time left
    to_build: tuple[str, ...]
    speeds: Speeds
    disk: int
    memory: dict[int, int]
    design: tuple[tuple[Recipe, Designed], ...] = ()
    trunk_tokens: int | None = None

    @property
    def seconds_left(self) -> float:
        """Wall time of what is not done, text building and report not counted."""
        work = sum(run.seconds for run in self.all_work if not run.done)
        return work / self.speeds.workers + sum(self.sampling.values())

    @property
    def all_work(self) -> tuple[PlannedRun, ...]:
        """Runs, what they share, and generators."""
        return (*self.runs, *self.trunks, *self.generators)

    @property
    def tokens_trained(self) -> int:
        """What the ladder really trains: trunks once, and each run's own part."""
        return sum(run.own for run in (*self.runs, *self.trunks))

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [
            {
                "recipe": run.recipe,
                "params": run.shape.params,
                "tokens": run.tokens,
                "seed": run.seed,
                "flops": run.flops,
                "seconds": round(run.seconds, 1),
                "done": run.done,
            }
            for run in self.runs
        ]
        return {
            "study": self.study,
            "runs": rows,
            "done": sum(run.done for run in self.runs),
            "tokens": sum(run.tokens for run in self.runs),
            "tokens_trained": self.tokens_trained,
            "trunks": len(self.trunks),
            "tokens_with_trunks": self.trunk_tokens,
            "flops": sum(run.flops for run in self.all_work),
            "seconds_left": round(self.seconds_left, 1),
            "disk_bytes": self.disk,
            "memory_bytes": {str(params): size for params, size in self.memory.items()},
            "precision": self.speeds.precision,
            "device": self.speeds.device,
            "workers": self.speeds.workers,
            "corpora_to_build": list(self.to_build),
            "design": [
                {
                    "recipe": recipe.name,
                    "kind": run.kind,
                    "repeat": run.repeat,
                    "shares": {name: float(share) for name, share in run.shares},
                }
                for recipe, run in self.design
            ],
        }


def make_plan(
    config: StudyConfig, space: Workspace, engine: Engine[Any, Any], progress: Progress | None = None
) -> Plan:
    """Resolve the study to its runs and time this machine; builds no corpus and trains nothing.

    Raises:
        BadInput: sizes, budgets, recipes or generated tokens that cannot be.
    """
    planned = cells(config)
    check_given(config)
    prepared = look(config, space)
    vocab = prepared.tokenizer.vocab_size if prepared else config.tokenizer.vocab
    speeds = measure(config, space, vocab, engine, progress, rough=True)
    ids = (
        {(s.mixture.content, s.params, s.steps, s.seed): s.id for s in ladder_specs(config, prepared)}
        if prepared
        else {}
    )
    trunks = find_trunks(planned)
    runs, undone, context = [], set(), config.training.context
    for cell in planned:
        run = ids.get((cell.recipe.content, cell.params, cell.steps, cell.seed))
        done = run is not None and space.runs.record(run) is not None
        own = own_tokens(cell, trunks)
        flops = own * cell.shape.flops_per_token(vocab, context)
        seconds = speeds.seconds(cell.shape, own)
        runs.append(PlannedRun(cell.recipe.name, cell.shape, cell.tokens, cell.seed, flops, seconds, done, own))
        if not done:
            undone.add(cell.family)
    shared = []
    for family, trunk in trunks.items():
        cell, tokens = trunk.cell, trunk.tokens
        flops, seconds = tokens * cell.shape.flops_per_token(vocab, context), speeds.seconds(cell.shape, tokens)
        name, done = f"trunk of {cell.recipe.name}", family not in undone
        shared.append(PlannedRun(name, cell.shape, tokens, cell.seed, flops, seconds, done, tokens))
    generators, sampling, to_build = [], {}, [] if prepared else [*config.corpora]
    for name, entry in config.sampled.items():
        shape = shape_for(entry.params)
        spec = generator_spec(config, name, prepared) if prepared else None
        done = spec is not None and space.runs.record(spec.id) is not None
        flops = entry.train * shape.flops_per_token(vocab, entry.length)
        seconds = speeds.seconds(shape, entry.train)
        generators.append(
            PlannedRun(f"generator of {name}", shape, entry.train, entry.seed, flops, seconds, done, entry.train)
        )
        if prepared is None or name in prepared.pending:
            sampling[name] = speeds.seconds(shape, entry.tokens) / SAMPLING_RATIO / engine.workers
            if name not in to_build:
                to_build.append(name)
    if prepared is not None:
        to_build += [name for name in prepared.pending if name in config.written]
    models = [4 * run.shape.params_total(vocab) for run in (*runs, *generators)]
    memory = {
        cell.shape.params: run_memory(cell.shape, vocab, cell.protocol.batch, context, speeds.precision)
        for cell in planned
    }
    # A trunk's states hold weights and two moments each, until its branches are done.
    held = [3 * 4 * t.cell.shape.params_total(vocab) * len(t.stops) for t in trunks.values()]
    disk = sum(held) + sum(models) * config.keep_checkpoints + 3 * max(models) * engine.workers
    return Plan(
        config.study, tuple(runs), tuple(shared), tuple(generators), sampling, tuple(to_build), speeds, disk, memory,
        tuple(study_design(config)), None if trunks else _with_trunks(config),
    )  # fmt: skip


def _with_trunks(config: StudyConfig) -> int | None:
    """Tokens of the ladder under ``training.schedule: wsd``; None where no two budgets could share a trunk."""
    protocol = config.training.model_copy(update={"schedule": "wsd"})
    try:
        planned = cells(config.model_copy(update={"training": protocol}))
    except BadInput:  # a budget of too few steps to have a decay
        return None
    trunks = find_trunks(planned)
    if not trunks:
        return None
    return sum(own_tokens(cell, trunks) for cell in planned) + sum(trunk.tokens for trunk in trunks.values())
