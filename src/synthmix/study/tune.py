"""Learning-rate transfer, checked: a sweep of rates at a few small sizes, and the rule over them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synthmix.corpus.corpus import Corpus
from synthmix.engine import Engine, open_engine
from synthmix.errors import BadInput, SynthmixError
from synthmix.evaluation.losses import average
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count, parse_count, parsed
from synthmix.store import Store
from synthmix.study.corpora import domains_of
from synthmix.study.execute import RunTask, execute
from synthmix.training.device import Diverged, resolved_precision
from synthmix.training.hyperparameters import hyperparameters
from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.shape import shape_for
from synthmix.training.spec import RunSpec
from synthmix.training.tuning import Optimum, Rule, Sweep, fit_optimum, fit_rule
from synthmix.validation import misfit

SPREAD = 2.0  # from one rate to the next, where rates are a number
Lost = list[tuple[int, float, int]]  # params, rate, seed
EVALUATE_TOKENS = 50_000


def rate_grids(params: Sequence[int], rates: int | Sequence[float]) -> dict[int, list[float]]:
    """The rates of each size, to three digits: so many about the rule's, ``SPREAD`` apart, or these.

    Raises:
        BadInput: fewer than three, rates that do not rise, or sizes of one width.
    """
    widths = {size: shape_for(size).width for size in sorted(set(params))}
    if len(set(widths.values())) < 2:
        raise BadInput(
            "a rule needs two sizes of different width; " + ", ".join(f"{p} has {w}" for p, w in widths.items()),
            key="params",
            remedy="name a size four times as large",
        )
    count = rates if isinstance(rates, int) else len(rates)
    if count < 3:
        raise BadInput(f"{count} rates have no lowest point", key="rates", remedy="try three or more, five is better")
    if not isinstance(rates, int):
        if list(rates) != sorted(set(rates)) or min(rates) <= 0:
            raise BadInput("the rates must be positive and rise", key="rates", remedy="write .002,.004,.008")
        return {size: list(rates) for size in widths}
    middle = (rates - 1) / 2
    return {
        size: [float(f"{peak_rate(width) * SPREAD ** (i - middle):.3g}") for i in range(rates)]
        for size, width in widths.items()
    }


def run_sweep(tasks: list[RunTask], engine: Engine[Any, Any], progress: Progress) -> set[str]:
    """Execute what is left of ``tasks``; ids of the runs whose loss did not stay finite, which is their rate's fault.

    Raises:
        SynthmixError: the first run that failed otherwise; the others are finished first.
    """
    store = Store(tasks[0].runs)
    done = sum(task.tokens for task in tasks if task.is_done(store))
    left = [task for task in tasks if not task.is_done(store)]
    diverged: set[str] = set()
    failed: list[SynthmixError] = []
    progress.start("tune", sum(task.tokens for task in tasks), "tokens")
    progress.update("tune", done)
    for task, outcome in engine.each(execute, left) if left else ():
        if isinstance(outcome, Diverged):
            diverged.add(task.run)
        elif isinstance(outcome, SynthmixError):
            failed.append(outcome)
            progress.say(f"failed: {outcome}")
        elif outcome == "busy":
            failed.append(BadInput("another process trains this run", where=store.run_folder(task.run)))
        done += task.tokens
        progress.update("tune", done)
    progress.finish("tune", f"{len(tasks)} runs")
    if failed:
        raise failed[0]
    return diverged


def read_sweeps(specs: list[RunSpec], store: Store, diverged: set[str]) -> tuple[list[Sweep], Lost]:
    """One sweep a size, and the runs that are no points: not finite, or worse than guessing every token alike."""
    sweeps, lost = [], []
    for size in dict.fromkeys(spec.params for spec in specs):
        points = []
        for spec in (spec for spec in specs if spec.params == size):
            record = None if spec.id in diverged else store.record(spec.id)
            loss = math.inf if record is None else average({n: score.nats for n, score in record.losses.items()})
            if loss < math.log(spec.vocab):
                points.append((spec.peak, loss, spec.seed))
            else:
                lost.append((spec.shape.params, spec.peak, spec.seed))
        rates, losses, seeds = zip(*points, strict=True) if points else ((), (), ())
        shape = shape_for(size)
        sweeps.append(Sweep(shape.params, shape.width, rates, losses, seeds))
    return sweeps, lost


@dataclass(frozen=True)
class Tuned:
    """What a sweep found. ``rule`` is None where fewer than two sizes have a best rate.

    ``lost``: runs ``(params, rate, seed)`` whose loss was no longer finite or above that of an untrained model.
    """

    sweeps: list[Sweep]
    optima: list[Optimum]
    rule: Rule | None
    protocol: Protocol
    tokens: int
    vocab: int
    level: float
    lost: Lost


def tune(
    corpus: Corpus,
    *,
    params: Sequence[int | str] = (25_000, 100_000),
    rates: int | Sequence[float] = 5,
    tokens: int | str = 400_000,
    seeds: int = 2,
    context: int = 64,
    batch: int | str | None = None,
    epochs: float = 1,
    options: dict[str, Any] | None = None,
    to: Path | str = Path("runs"),
    level: float = 0.9,
    engine: Engine[Any, Any] | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Train every size at every rate with every seed, and fit. Finished runs in ``to`` are not repeated.

    Args:
        corpus: trained on, and scored on what it holds out.
        params, tokens: sizes and the budget of each run: numbers, or ``"100k"``.
        rates: how many, a factor two apart about the rule's, or the peak rates themselves.
        batch: tokens a step, the same at all sizes; None: the rules' for this budget at the smallest size.
        options: of the protocol, for what is not named here (``weight_decay``, ``warmup``, ...).

    Raises:
        BadInput: fewer than three rates or two sizes of different width, rates that do not rise, a corpus that is too
            small or holds nothing out.
        Failure: runs that failed for another reason than their rate.
    """
    progress, folder = progress or Silent(), Path(to)
    sizes, budget = [parsed(parse_count, size, "params") for size in params], parsed(parse_count, tokens, "tokens")
    grids = rate_grids(sizes, rates)
    step = batch or hyperparameters(min(sizes), tokens=budget, context=context).batch
    try:
        protocol = Protocol.model_validate({**(options or {}), "context": context, "batch": step, "epochs": epochs})
        steps = protocol.steps(budget)
    except ValidationError as error:
        raise BadInput(misfit(error).message, key=misfit(error).key) from None
    except ValueError as error:
        raise BadInput(str(error), key="tokens") from None
    domains = tuple(domains_of("heldout", corpus, whole=False))
    _check(corpus, steps * protocol.batch, protocol, bool(domains))
    specs = [
        RunSpec(
            params=size,
            recipe="tune",
            stage="tune",
            shares={"text": Fraction(1)},
            corpora={"text": corpus.id},
            tokenizer=corpus.meta.tokenizer_hash,
            vocab=corpus.meta.vocab_size,
            steps=steps,
            seed=seed,
            protocol=protocol.model_copy(update={"learning_rate": rate}),
        )
        for size, grid in grids.items()
        for rate in grid
        for seed in range(seeds)
    ]
    precision = resolved_precision(protocol.precision)  # once: all runs of a sweep are of one precision
    tasks = [
        RunTask(
            spec=spec,
            runs=folder,
            corpora={"text": corpus.folder},
            tokenizer=corpus.folder / "tokenizer.json",
            domains=domains,
            evaluate_tokens=EVALUATE_TOKENS,
            precision=precision,
            keep_checkpoint=False,
        )
        for spec in sorted(specs, key=lambda spec: -spec.flops)
    ]
    with engine or open_engine() as engine:
        diverged = run_sweep(tasks, engine, progress)
    sweeps, lost = read_sweeps(specs, Store(folder), diverged)
    optima = [fit_optimum(sweep, level=level) for sweep in sweeps]
    known = {optimum.width for optimum in optima if optimum.rate is not None}
    rule = fit_rule(optima, used=peak_rate(1), level=level) if len(known) > 1 else None
    return Tuned(sweeps, optima, rule, protocol, specs[0].tokens, corpus.meta.vocab_size, level, lost)


def _check(corpus: Corpus, tokens: int, protocol: Protocol, held: bool) -> None:
    if not held:
        raise BadInput("holds nothing out to score on", where=corpus.folder, remedy="build it with --heldout 2%")
    have = corpus.train_counts.tokens - protocol.context
    if have * protocol.epochs < tokens:
        raise BadInput(
            f"has {format_count(max(have, 0))} training tokens, a run needs {format_count(tokens)}",
            where=corpus.folder,
            key="tokens",
            remedy="lower it, add text, or raise epochs",
        )
