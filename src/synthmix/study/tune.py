"""Learning-rate transfer, checked: a sweep of rates at a few small sizes, and the rule over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.corpus.corpus import Corpus
from synthmix.engine import Engine, open_engine
from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count
from synthmix.store import Store
from synthmix.study.domains import domains_of
from synthmix.study.sweep import Lost, rate_grids, read_sweeps, run_sweep
from synthmix.study.tasks import RunTask
from synthmix.training.dial import dial
from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.rate_rule import Rule, fit_rule
from synthmix.training.spec import RunSpec
from synthmix.training.tuning import Optimum, Sweep, fit_optimum
from synthmix.validation import misfit

EVALUATE_TOKENS = 50_000


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
    params: Sequence[int] = (25_000, 100_000),
    rates: int | Sequence[float] = 5,
    tokens: int = 400_000,
    seeds: int = 2,
    context: int = 64,
    batch: int | None = None,
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
        rates: how many, a factor two apart about the rule's, or the peak rates themselves.
        batch: tokens a step, the same at all sizes; None: the dial's for this budget at the smallest size.
        options: of the protocol, for what is not named here (``weight_decay``, ``warmup``, ...).

    Raises:
        BadInput: fewer than three rates or two sizes of different width, rates that do not rise, a corpus that is too
            small or holds nothing out.
        Failure: runs that failed for another reason than their rate.
    """
    from synthmix.training.device import settled_precision

    progress, folder = progress or Silent(), Path(to)
    grids = rate_grids(params, rates)
    step = batch or dial(min(params), tokens=tokens, context=context).batch
    try:
        protocol = Protocol.model_validate({**(options or {}), "context": context, "batch": step, "epochs": epochs})
        steps = protocol.steps(tokens)
    except ValueError as error:
        raise BadInput(_told(error), key="tokens") from None
    domains = tuple(domains_of("heldout", corpus, whole=False))
    _check(corpus, steps * protocol.batch, protocol, bool(domains))
    specs = [
        RunSpec(
            params=size,
            recipe="tune",
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
    precision = settled_precision(protocol.precision)  # once: all runs of a sweep are of one precision
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


def _told(error: ValueError) -> str:
    from pydantic import ValidationError

    return misfit(error).message if isinstance(error, ValidationError) else str(error)
