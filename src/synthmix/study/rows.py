"""From records and corpora to the rows of the results."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from synthmix.config import RealCorpus, StudyConfig
from synthmix.corpus.corpus import Corpus
from synthmix.evaluation.losses import average
from synthmix.mixture.recipe import Recipe as Mixture
from synthmix.results import CorpusRow, Domain, Recipe, RunRow, Spent, Warn
from synthmix.runs.table import Metric
from synthmix.store import RunRecord, TrunkRecord
from synthmix.study.corpora import Prepared

TRACE_SHOWN = 25  # points of a training curve


def synthetic_names(config: StudyConfig) -> set[str]:
    """Names of the corpora that count as synthetic: sampled ones, and real entries that say so."""
    return {*config.mix.synthetic} | {
        name for name, entry in config.corpora.items() if not isinstance(entry, RealCorpus) or entry.kind == "synthetic"
    }


def recipe_row(config: StudyConfig, mixture: Mixture) -> Recipe:
    """A recipe with its synthetic share; ``synthetic`` is named when exactly one source is synthetic and its share
    constant: a share that changes along the run belongs to no law of shares."""
    synthetic = synthetic_names(config)
    mine = [name for name in mixture.sources if name in synthetic]
    others = {name for name in mixture.sources if name not in synthetic}
    alone = len(mine) == 1 and others <= {config.mix.natural} and mixture.is_static
    return Recipe(
        name=mixture.name,
        shares={name: float(share) for name, share in mixture.shares},
        synthetic=mine[0] if alone else None,
        share=float(sum(share for name, share in mixture.shares if name in synthetic)),
        unique={name: float(ratio) for name, ratio in mixture.unique},
    )


def task_metrics(records: Sequence[RunRecord]) -> tuple[dict[str, Metric], list[Warn]]:
    """Task -> its questions, those that most runs answered; a warning for scores on others, and for those missing."""
    found: dict[str, Metric] = {}
    warnings = []
    for task in sorted({name for record in records for name in record.tasks}):
        scores = [record.tasks[task] for record in records if task in record.tasks]
        common = Counter(score.id for score in scores).most_common(1)[0][0]
        same = [score for score in scores if score.id == common]
        about = {"measure": same[0].metric, "items": same[0].items, "chance": same[0].chance, "id": common}
        found[task] = Metric.of_task(task, **about)
        if len(same) < len(scores):
            message = f"{len(scores) - len(same)} runs were asked other questions of this name and are left out."
            warnings.append(Warn(code="task_changed", message=message, about=task))
        if len(scores) < len(records):
            message = f"{len(records) - len(scores)} of {len(records)} runs have no score yet."
            warnings.append(Warn(code="task_missing", message=message, about=task))
    return found, warnings


def run_row(
    record: RunRecord, recipe: Recipe, domains: list[str], tasks: Mapping[str, Metric], rate_factor: float = 1.0
) -> RunRow:
    """A record as a row, its losses on the study's present domains, its scores on the questions of ``tasks``.

    ``rate_factor``: of the study's learning rate.
    """
    domains = [] if record.diverged == "not_finite" else domains
    losses = {name: record.losses[name].nats for name in domains}
    return RunRow(
        id=record.id,
        recipe=recipe.name,
        synthetic=recipe.synthetic,
        share=recipe.share,
        params=record.params,
        params_total=record.params_total,
        tokens=record.tokens,
        seed=record.spec.seed,
        loss=average(losses) if losses else math.inf,
        losses=losses,
        bits={name: record.losses[name].bits_per_byte for name in domains},
        flops=record.flops,
        seconds=record.seconds,
        tokens_per_second=record.own_tokens / max(record.seconds, 1e-9),
        epochs=record.epochs,
        tasks={n: score.value for n, score in record.tasks.items() if n in tasks and score.id == tasks[n].id},
        trace=_thinned(record.trace),
        heldout=record.heldout,
        diverged=record.diverged,
        rate_factor=rate_factor,
    )


def _thinned(trace: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most :data:`TRACE_SHOWN` points, evenly spread, the last among them."""
    step = -(-len(trace) // TRACE_SHOWN) or 1
    return [(int(tokens), float(loss)) for tokens, loss in trace[::-1][::step][::-1]]


def domain_rows(prepared: Prepared) -> list[Domain]:
    """The held-out domains."""
    return [
        Domain(name=d.name, whole=d.whole, documents=d.documents, tokens=d.tokens, bytes=d.bytes)
        for d in prepared.domains
    ]


def corpus_rows(config: StudyConfig, prepared: Prepared) -> list[CorpusRow]:
    """The corpora that are trained on, in the study file's order, whichever was built first."""
    built = [(name, prepared.corpora[name]) for name in config.corpora if name in prepared.corpora]
    return [
        CorpusRow(
            name=name,
            kind=corpus.meta.kind,
            documents=corpus.train_counts.documents,
            train_tokens=corpus.train_counts.tokens,
            bytes=corpus.train_counts.bytes,
            origin=corpus.meta.origin or _origin(corpus),
            license=corpus.meta.license or "not stated",
            removed=corpus.meta.removed,
        )
        for name, corpus in built
    ]


def _origin(corpus: Corpus) -> str:
    """For a corpus that states none: what it was read from."""
    sampled = [source["sample"] for source in corpus.meta.sources if source.get("sample")]
    return "documentation on this machine (the embedded sample)" if sampled else "files of one's own"


def spent(
    records: list[RunRecord], generators: list[RunRecord], trunks: list[TrunkRecord], seconds: dict[str, float]
) -> Spent:
    """What was really trained: each run's own part, the generators, and each trunk once."""
    every = [*records, *generators]
    return Spent(
        runs=len(records),
        trunks=len(trunks),
        tokens=sum(record.own_tokens for record in every) + sum(trunk.tokens for trunk in trunks),
        tokens_separate=sum(record.tokens for record in every),
        flops=sum(r.flops * r.own_tokens / r.tokens for r in every) + sum(trunk.flops for trunk in trunks),
        run_seconds=sum(record.seconds for record in every) + sum(trunk.seconds for trunk in trunks),
        stage_seconds=seconds,
        device=", ".join(sorted({record.device for record in every})),
    )
