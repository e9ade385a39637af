"""One run by itself, in Python: a model trained on a mixture, and what any model loses on text.

``synthmix train`` and ``synthmix evaluate`` are thin over these.
"""

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import open_or_build, shared_tokenizer
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer
from synthmix.errors import BadInput
from synthmix.evaluation.losses import DomainLoss, HeldOut, evaluate_model
from synthmix.files import content_hash, write_text
from synthmix.mixture.recipe import make_recipe
from synthmix.progress import Progress, Silent
from synthmix.quantities import parse_count, parse_share, parsed
from synthmix.store import RunRecord, Store
from synthmix.study.corpora import EvaluationDomain, domains_of
from synthmix.study.execute import RunTask, execute
from synthmix.training.checkpoint import checkpoint_of, load_checkpoint
from synthmix.training.device import resolved_precision
from synthmix.training.hyperparameters import resolve
from synthmix.training.parallel import World, open_world
from synthmix.training.protocol import Protocol
from synthmix.training.shape import shape_for
from synthmix.training.spec import RunSpec
from synthmix.validation import misfit

HELDOUT = Fraction(1, 50)  # of each source, when no held-out text is named
CONTEXT = 128  # tokens a sequence predicts, where no run says otherwise

Text = str | Path | Source | Corpus | Iterable[Any]
"""A path or glob, a built corpus or its folder, a source, or texts themselves: strings, or records with ``text``."""

Sources = dict[str, tuple[Text, Fraction]]


def train(
    mixture: Text | Mapping[str, Any],
    *,
    params: int | str = "25k",
    tokens: int | str = "50k",
    to: str | Path = "runs",
    on: Text | Mapping[str, Text] | None = None,
    seed: int = 0,
    shape: Mapping[str, int] | None = None,
    tokenizer: str | Path | Tokenizer | None = None,
    vocab: int | str = 4096,
    cache: str | Path = ".synthmix",
    log: Iterable[str] = (),
    parallel: str | None = None,
    progress: Progress | None = None,
    **protocol: Any,
) -> RunRecord:
    """Train one model on a mixture and score it. A finished run is not repeated, an interrupted one goes on.

    Shape, batch, learning rate, weight decay and warm-up are derived from the model size
    (:func:`synthmix.hyperparameters`) unless they are given.

    Args:
        mixture: one text, or ``{path: share}``, or ``{name: (text, share)}``. A text is a path or glob, a built corpus
            (or its folder), a :class:`synthmix.Source`, or strings; a share ``"67%"``, ``"2/3"`` or ``0.67``.
        params: non-embedding parameters: a number, or ``"100M"``.
        tokens: the budget, likewise.
        to: folder of run records; the model is in ``to/<id>/checkpoint``.
        on: held-out text, ``{name: text}``; without it 2 % of each source's documents are held out and scored.
        seed: of the order of the text and of the initialisation.
        shape: dimensions instead of the rule's: ``width``, ``depth``, ``heads``, ``kv_heads``, ``hidden``.
        tokenizer: a file, a folder, a hub id; without one that of a built corpus, else one is trained on the first
            text with ``vocab`` entries.
        cache: where corpora prepared from plain text are kept.
        log: curves to write: ``tensorboard``, ``wandb``, ``mlflow``.
        parallel: under torchrun or accelerate: ``ddp`` (the default there) or ``fsdp``; every process calls this.
        protocol: keys that stand under ``training`` in a study file: ``context``, ``batch``, ``learning_rate``,
            ``weight_decay``, ``schedule``, ``warmup_steps``, ``epochs``, ...

    Returns:
        The run's record: losses in nats per token on each held-out domain, FLOPs, seconds, and what it was.

    Raises:
        BadInput: sources, shares, size or budget that cannot be; another process trains this run.
        Failure: a loss that is not finite, a full disk.

    Example:
        >>> record = train({"web.jsonl": "67%", "hq.jsonl": "33%"}, params="100k", tokens="1M")  # doctest: +SKIP
        >>> record.losses["web"].nats  # doctest: +SKIP
    """
    with open_world(parallel) as world:
        sources = sources_of(mixture)
        recipe = make_recipe(" + ".join(sources), {name: share for name, (_, share) in sources.items()})
        size, budget = parsed(parse_count, params, "params"), parsed(parse_count, tokens, "tokens")
        given = dict(shape or {})
        shape_for(size, **given)
        asked = _protocol(protocol)
        resolved = parsed(lambda least: resolve(asked, size, least, given), budget, "tokens")
        progress = progress if progress and world.is_main else Silent()
        tests = {} if on is None else _named(on)
        with world.main_first():
            shared, corpora, domains = _prepared(sources, tests, tokenizer, vocab, Path(cache), progress)
        spec = RunSpec(
            params=size,
            given_shape=given,
            recipe=recipe.name,
            shares=dict(recipe.shares),
            corpora={name: corpora[name].id for name in recipe.sources},
            tokenizer=shared.hash,
            vocab=shared.vocab_size,
            steps=resolved.steps(budget),
            seed=seed,
            protocol=resolved,
        )
        folders = {name: corpora[name].folder for name in recipe.sources}
        return _trained(spec, folders, domains, Path(to), tuple(log), progress, world)


def _trained(
    spec: RunSpec,
    folders: dict[str, Path],
    domains: list[EvaluationDomain],
    to: Path,
    log: tuple[str, ...],
    progress: Progress,
    world: World,
) -> RunRecord:
    bf16 = world.agree(resolved_precision(spec.protocol.precision) == "bf16")
    progress.start("train", spec.tokens, "tokens")
    outcome = execute(
        RunTask(
            spec=spec,
            runs=to,
            corpora=folders,
            tokenizer=next(iter(folders.values())) / "tokenizer.json",
            domains=tuple(domains),
            evaluate_tokens=None,
            log=log,
            precision="bf16" if bf16 else "float32",
        ),
        lambda tokens: progress.update("train", tokens),
        world,
    )
    progress.finish("train")
    store = Store(to)
    record = store.record(spec.id)
    if outcome == "busy" or record is None:
        raise BadInput("another process trains this run", where=store.run_folder(spec.id), remedy="wait for it")
    return record


def evaluate(
    model: str | Path | RunRecord,
    domains: Text | Mapping[str, Text],
    *,
    runs: str | Path = "runs",
    context: int | None = None,
    max_tokens: int | str | None = None,
    tokenizer: str | Path | None = None,
    cache: str | Path = ".synthmix",
    progress: Progress | None = None,
) -> dict[str, DomainLoss]:
    """Losses of a run's model, or of any Hugging Face causal model with safetensors, on held-out text.

    Args:
        model: a run's record, its folder or its checkpoint; else a model's folder or its id on the hub.
        domains: ``{name: text}``, or one text (what :func:`train` takes for one).
        runs: folder of run records, where ``model`` is a record.
        context: tokens a sequence predicts; None: as the record's run was trained, else 128.
        max_tokens: score at most so many tokens of each text, spread evenly: a number, or ``"50k"``.
        tokenizer: a file, a folder or a hub id; None: the model's own.
        cache: where corpora prepared from plain text are kept.

    Returns:
        Name -> nats per token, bits per byte and how many tokens were scored; a name is ``name/domain`` where a built
        corpus holds several domains.

    Raises:
        BadInput: no model there, a tokenizer that is not the model's, or a text shorter than one sequence.
    """
    most = None if max_tokens is None else parsed(parse_count, max_tokens, "max_tokens")
    texts = _named(domains)
    if isinstance(model, RunRecord):
        context = context or model.spec.protocol.context
        model = Store(Path(runs)).checkpoint(model.id)
        if not model.exists():
            raise BadInput("no checkpoint of this run there", where=model, key="runs", remedy="name its run folder")
    found = checkpoint_of(model)
    here = Path(found).exists()
    loaded = load_checkpoint(Path(found) if here else str(found))
    shared = _own_tokenizer(loaded, found, tokenizer)
    opened: dict[str, HeldOut] = {}
    for name, text in texts.items():
        corpus = _opened(text, shared, Path(cache), name=name, heldout=1, progress=progress or Silent())
        opened |= {domain.name: domain.open() for domain in domains_of(name, corpus, whole=True)}
    return evaluate_model(loaded, opened, context=context or CONTEXT, precision="float32", max_tokens=most)


def _own_tokenizer(model: Any, found: str | Path, asked: str | Path | None) -> Tokenizer:
    """The tokenizer of a loaded model, held to it where another is named."""
    shared = load_tokenizer(asked or found)
    if shared.vocab_size > model.config.vocab_size:
        raise BadInput(
            f"has {shared.vocab_size} ids, the model {model.config.vocab_size}",
            where=asked or found,
            remedy="name the model's own tokenizer with --tokenizer",
        )
    if asked is not None and (Path(found) / "tokenizer.json").exists():
        own = load_tokenizer(found)
        if own.backend.get_vocab() != shared.backend.get_vocab():
            raise BadInput(
                "is not the tokenizer that the model was trained with",
                where=asked,
                key="tokenizer",
                remedy="leave it out: the model brings its own",
            )
    return shared


def _protocol(given: Mapping[str, Any]) -> Protocol:
    try:
        return Protocol.model_validate({"rules": "by_size", **given})
    except ValidationError as error:
        found = misfit(error)
        raise BadInput(found.message, key=found.key) from None


def _prepared(
    sources: Sources,
    tests: Mapping[str, Text],
    tokenizer: str | Path | Tokenizer | None,
    vocab: int | str,
    cache: Path,
    progress: Progress,
) -> tuple[Tokenizer, dict[str, Corpus], list[EvaluationDomain]]:
    """Tokenizer, training corpora and held-out domains, built or opened."""
    texts = {name: _on_disk(text, cache) for name, (text, _) in sources.items()}
    shared = shared_tokenizer(list(texts.values()), tokenizer, vocab)
    held = {name: _opened(text, shared, cache, name=name, heldout=1, progress=progress) for name, text in tests.items()}
    corpora = {
        name: _opened(
            text,
            shared,
            cache,
            name=name,
            heldout=0 if held else HELDOUT,
            against=list(held.values()),
            progress=progress,
        )
        for name, text in texts.items()
    }
    scored = held or corpora
    domains = [domain for name, corpus in scored.items() for domain in domains_of(name, corpus, whole=bool(held))]
    return shared, corpora, domains


def _opened(text: Text, tokenizer: Tokenizer, cache: Path, **how: Any) -> Corpus:
    return open_or_build(_on_disk(text, cache), cache, tokenizer=tokenizer, **how)


def _on_disk(text: Text, cache: Path) -> str | Path | Source | Corpus:
    """Texts in memory as a JSONL file below ``cache``, named by its content; anything else as it is."""
    if isinstance(text, str | Path | Source | Corpus):
        return text
    lines = []
    for i, each in enumerate(text):
        found = each.get("text") if isinstance(each, Mapping) else each
        if not isinstance(found, str):
            raise BadInput(f"item {i} is no text", key="mixture", remedy='give strings, or records with "text"')
        lines.append(json.dumps({"text": found}))
    path = cache / "texts" / f"{content_hash(lines)}.jsonl"
    if not path.exists():
        write_text(path, "".join(f"{line}\n" for line in lines))
    return path


def sources_of(mixture: Text | Mapping[str, Any]) -> Sources:
    """Name -> text and share.

    Raises:
        BadInput: a share that is none, or a name given twice.
    """
    if not isinstance(mixture, Mapping):
        return {_name(mixture): (mixture, Fraction(1))}
    found: Sources = {}
    for key, value in mixture.items():
        pair = isinstance(value, tuple | list) and len(value) == 2
        name, text, share = (key, *value) if pair else (_name(key), key, value)
        if name in found:
            raise BadInput("is given twice", key=name, remedy='give names: {"a": (FILE, "50%"), "b": (FILE, "50%")}')
        found[name] = (text, parsed(parse_share, share, str(key)))
    return found


def _named(texts: Text | Mapping[str, Text]) -> dict[str, Text]:
    return dict(texts) if isinstance(texts, Mapping) else {_name(texts): texts}


def _name(text: Text) -> str:
    """What a text is called where no name is given: its file's, up to the first dot."""
    if isinstance(text, Corpus):
        return text.name
    if isinstance(text, Source):
        text = (text.files or [text.dataset or "sample"])[0]
    return (Path(text).name.split(".")[0] if isinstance(text, str | Path) else "") or "text"
