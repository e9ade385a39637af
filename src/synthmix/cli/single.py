"""One run by itself: what ``synthmix train`` and ``synthmix evaluate`` do."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.cli.common import Part, opened, parsed, shared_tokenizer
from synthmix.errors import BadInput
from synthmix.progress import Progress
from synthmix.store import RunRecord, Store

if TYPE_CHECKING:
    from synthmix.corpus import Corpus, Tokenizer
    from synthmix.evaluation.losses import DomainLoss
    from synthmix.study.domains import EvaluationDomain
    from synthmix.training.parallel import World

HELDOUT = Fraction(1, 50)  # of each source, when no held-out text is named


def train_one(
    parts: list[Part],
    *,
    params: str,
    tokens: str,
    to: Path,
    on: list[Part],
    options: Mapping[str, Any],
    shape: Mapping[str, int],
    seed: int,
    threads: int,
    log: tuple[str, ...],
    tokenizer: str | None,
    vocab: str,
    cache: Path,
    progress: Progress,
    world: "World",
) -> tuple[RunRecord, Path]:
    """Train and score one model, on all processes of ``world``; its record and its folder.

    Raises:
        BadInput: sources, shares, size or budget that cannot be; another process trains this run.
        Failure: a loss that is not finite, a full disk.
    """
    from pydantic import ValidationError

    from synthmix.mixture.recipe import make_recipe
    from synthmix.quantities import parse_count
    from synthmix.study.execute import execute
    from synthmix.study.tasks import RunTask
    from synthmix.training.device import keep_heap, settled_precision, use_threads
    from synthmix.training.protocol import Protocol
    from synthmix.training.settle import settle
    from synthmix.training.shape import shape_for
    from synthmix.training.spec import RunSpec
    from synthmix.validation import misfit

    recipe = make_recipe(" + ".join(part.name for part in parts), {part.name: part.share for part in parts})
    try:
        protocol = Protocol.model_validate(dict(options))
    except ValidationError as error:
        found = misfit(error)
        option = "--" + found.path[0].replace("_", "-") if found.path else None
        raise BadInput(found.message if option else f"--{found.message}", key=option) from None
    size = parsed(parse_count, params, "--params")
    shape_for(size, **shape)
    budget = parsed(parse_count, tokens, "--tokens")
    settled = parsed(lambda _: settle(protocol, size, budget, shape), tokens, "--tokens")
    with world.main_first():
        shared, corpora, domains = _text(parts, on, tokenizer, vocab, cache, progress)
    spec = RunSpec(
        params=size,
        given_shape=dict(shape),
        recipe=recipe.name,
        shares=dict(recipe.shares),
        corpora={name: corpora[name].id for name in recipe.sources},
        tokenizer=shared.hash,
        vocab=shared.vocab_size,
        steps=settled.steps(budget),
        seed=seed,
        protocol=settled,
    )
    keep_heap()
    bf16 = world.agree(settled_precision(protocol.precision) == "bf16")
    if threads:
        use_threads(threads)
    folder = to / spec.id
    progress.start("train", spec.tokens, "tokens")
    outcome = execute(
        RunTask(
            spec=spec,
            runs=to,
            corpora={name: corpora[name].folder for name in recipe.sources},
            tokenizer=corpora[recipe.sources[0]].folder / "tokenizer.json",
            domains=tuple(domains),
            evaluate_tokens=None,
            log=log,
            precision="bf16" if bf16 else "float32",
        ),
        lambda tokens: progress.update("train", tokens),
        world,
    )
    progress.finish("train")
    record = Store(to).record(spec.id)
    if outcome == "busy" or record is None:
        raise BadInput("another process trains this run", where=folder, remedy="wait for it")
    return record, folder


def _text(
    parts: list[Part], on: list[Part], tokenizer: str | None, vocab: str, cache: Path, progress: Progress
) -> "tuple[Tokenizer, dict[str, Corpus], list[EvaluationDomain]]":
    """Tokenizer, training corpora and held-out domains, built or opened."""
    from synthmix.study.domains import domains_of

    shared = shared_tokenizer([part.path for part in parts], tokenizer, vocab)
    domains: list[EvaluationDomain] = []
    tests = [opened(part.path, shared, cache, progress, name=part.name, heldout=1) for part in on]
    for part, test in zip(on, tests, strict=True):
        domains += domains_of(part.name, test, whole=True)
    corpora = {
        part.name: opened(
            part.path, shared, cache, progress, name=part.name, heldout=0 if on else HELDOUT, against=tests
        )
        for part in parts
    }
    for name, corpus in corpora.items() if not on else ():
        domains += domains_of(name, corpus, whole=False)
    return shared, corpora, domains


def evaluate_one(
    model: str,
    on: list[Part],
    *,
    context: int,
    max_tokens: int | None,
    tokenizer: str | None,
    cache: Path,
    progress: Progress,
) -> "dict[str, DomainLoss]":
    """Losses of a run's checkpoint, or of any Hugging Face model, on held-out text.

    Raises:
        BadInput: no model there, or a tokenizer that is not the model's.
    """
    from synthmix.corpus import load_tokenizer
    from synthmix.evaluation.losses import HeldOut, evaluate_model
    from synthmix.study.domains import domains_of
    from synthmix.training.checkpoint import checkpoint_of, load_checkpoint

    folder = Path(checkpoint_of(model))
    loaded = load_checkpoint(folder if folder.exists() else model)
    shared = load_tokenizer(tokenizer or (str(folder) if folder.exists() else model))
    if shared.vocab_size > loaded.config.vocab_size:
        raise BadInput(
            f"has {shared.vocab_size} ids, the model {loaded.config.vocab_size}",
            where=tokenizer or folder,
            remedy="name the model's own tokenizer with --tokenizer",
        )
    if tokenizer is not None and (folder / "tokenizer.json").exists():
        own = load_tokenizer(folder)
        if own.backend.get_vocab() != shared.backend.get_vocab():
            raise BadInput(
                "is not the tokenizer that the model was trained with",
                where=tokenizer,
                key="--tokenizer",
                remedy="leave it out: the model brings its own",
            )
    domains: dict[str, HeldOut] = {}
    for part in on:
        corpus = opened(part.path, shared, cache, progress, name=part.name, heldout=1)
        domains |= {domain.name: domain.open() for domain in domains_of(part.name, corpus, whole=True)}
    return evaluate_model(loaded, domains, context=context, precision="float32", max_tokens=max_tokens)
