"""The mixed data itself, in the exact order of our own training, a file at a time; an interrupted export goes on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from filelock import Timeout

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import open_or_build, shared_tokenizer
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.exporting.documents import Placed, document_order
from synthmix.exporting.mixture import Mixture
from synthmix.exporting.schema import FORMAT, MANIFEST, ExportedData, ExportedSource, Plan
from synthmix.exporting.text_files import TEXT_FORMATS, Row, write_rows
from synthmix.exporting.token_files import TOKEN_FORMATS, write_tokens
from synthmix.files import disk_errors, placed, read_json, write_json
from synthmix.locking import lock
from synthmix.mixture.manifest import Manifest, make_manifest
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count
from synthmix.validation import validated

DATA = (*TOKEN_FORMATS, *TEXT_FORMATS)
TEXT_SHARD = 2**24  # tokens of a text file
BATCH = 256  # rows of text that are in memory at once
CONTEXT = 128  # where neither a study nor the caller says
TOKENIZER = "tokenizer"
_REMEDY = "name a new or an empty folder"
_MORE = "lower --tokens, add text, or raise --epochs to repeat it"


@dataclass(frozen=True)
class _Work:
    """An export at work: ``state`` is what ``manifest.json`` holds."""

    folder: Path
    state: ExportedData
    corpora: dict[str, Corpus]
    tokenizer: Tokenizer
    progress: Progress


def export_data(
    mixture: Mixture,
    to: str,
    out: str | Path,
    *,
    tokens: int | None = None,
    context: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
    unit: str = "sequence",
    shard: int | None = None,
    tokenizer: str | Path | None = None,
    vocab: int | str = 4096,
    cache: str | Path = ".synthmix",
    progress: Progress | None = None,
) -> ExportedData:
    """Write ``tokens`` tokens of ``mixture`` below the folder ``out``: token for token what our trainer sees.

    Memory: 9 bytes a sequence for the order, and a few times 2^22 tokens; ids are read from memory-mapped shards.

    Args:
        unit: of text: ``sequence`` (of the order) or ``document`` (whole ones, shares held to within a document).
        shard: tokens of a file; None: what suits the format.

    Raises:
        BadInput: a source is too small for ``epochs``, has no text here, or ``out`` holds something else.
    """
    budget = tokens or mixture.budget
    if to not in DATA:
        raise BadInput(f"no format '{to}'", key="--to", remedy=f"choose one of {', '.join(DATA)}")
    if unit not in ("sequence", "document") or (unit == "document" and to not in TEXT_FORMATS):
        remedy = "sequence, or document with jsonl or parquet"
        raise BadInput(f"'{unit}' is no unit of {to}", key="--unit", remedy=remedy)
    if budget is None:
        raise BadInput("is missing", key="--tokens", remedy="say how many tokens to write: --tokens 1B")
    told, folder = progress or Silent(), Path(placed(out))
    width = context or mixture.context or CONTEXT
    if budget < width:
        raise BadInput(f"{budget} tokens are less than one sequence of {width}", key="--tokens")
    _foreign(folder)
    shared, corpora = _corpora(mixture, tokenizer, vocab, Path(cache), told)
    allowed = epochs or mixture.epochs or 1.0
    manifest = None
    if unit == "sequence":
        available = {name: len(corpus.train) for name, corpus in corpora.items()}
        try:
            manifest = make_manifest(mixture.recipe, budget // width, width, available, seed=seed, epochs=allowed)
        except BadInput as error:
            raise BadInput(error.problem, key=error.key, remedy=_MORE) from None
    else:
        _enough(mixture, corpora, budget, allowed)
    state = _state(mixture, manifest, corpora, shared, to, unit, budget, width, seed, shard)
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with lock(folder / ".lock", timeout=0):
                work = _Work(folder, _claimed(folder, state), corpora, shared, told)
                if not work.state.complete:
                    work = _written(work, mixture, manifest)
                return work.state.model_copy(update={"folder": str(folder)})
        except Timeout:
            raise BadInput("another process exports here", where=folder, remedy="wait for it") from None


def _foreign(folder: Path) -> None:
    """Refuse a target that is no export, before anything is read or built."""
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file, not a folder", where=folder, key="--out", remedy=_REMEDY)
    names = {path.name for path in folder.iterdir()} - {".lock"} if folder.is_dir() else set()
    if names and MANIFEST not in names:
        raise BadInput(f"holds other files (and no {MANIFEST})", where=folder, key="--out", remedy=_REMEDY)


def _corpora(
    mixture: Mixture, tokenizer: str | Path | None, vocab: int | str, cache: Path, progress: Progress
) -> tuple[Tokenizer, dict[str, Corpus]]:
    for each in mixture.ingredients:
        if each.text is None:
            remedy = "build it (synthmix study run), or name texts: synthmix export 70%:web=FILE 30%:hq=FILE"
            raise BadInput("its text is not here", where=mixture.origin, key=each.name, remedy=remedy)
    texts = {each.name: each.text for each in mixture.ingredients}
    shared = shared_tokenizer(list(texts.values()), tokenizer, vocab)
    opened = {
        name: open_or_build(text, cache, tokenizer=shared, name=name, progress=progress) for name, text in texts.items()
    }
    return shared, opened


def _enough(mixture: Mixture, corpora: Mapping[str, Corpus], budget: int, allowed: float) -> None:
    for source, share in mixture.recipe.shares:
        there = corpora[source].train_counts.tokens
        if share * budget > there * Fraction(allowed):
            raise BadInput(
                f"{format_count(float(share * budget))} tokens asked for, {format_count(there)} there, "
                f"{allowed:g} epoch(s) allowed",
                key=source,
                remedy=_MORE,
            )


def _state(
    mixture: Mixture,
    manifest: Manifest | None,
    corpora: dict[str, Corpus],
    tokenizer: Tokenizer,
    to: str,
    unit: str,
    budget: int,
    context: int,
    seed: int,
    shard: int | None,
) -> ExportedData:
    """The export before its first file."""
    recipe = mixture.recipe
    form = TOKEN_FORMATS.get(to)
    asked = shard if shard is not None else form.shard if form is not None else TEXT_SHARD
    rows = 0 if manifest is None else len(manifest)
    per_file = asked if manifest is None else max(1, asked // context) if asked else 0
    plan = Plan(
        to=to,
        unit=unit,
        shares={name: str(share) for name, share in recipe.shares},
        schedule=recipe.as_dict().get("schedule"),
        corpora={name: corpora[name].id for name in recipe.sources},
        tokenizer=tokenizer.hash,
        vocab=tokenizer.vocab_size,
        end=tokenizer.eos_id,
        dtype=(form.dtype(tokenizer.vocab_size) if form is not None else tokenizer.dtype).newbyteorder("=").name,
        context=context,
        rows=rows,
        tokens=budget,
        seed=seed,
        shard=per_file,
    )
    sources = []
    for name, share in recipe.shares:
        count = 0 if manifest is None else manifest.counts[name]
        sources.append(
            ExportedSource(
                name=name,
                share=float(share),
                corpus=corpora[name].id,
                available=corpora[name].train_counts.tokens,
                rows=count,
                tokens=count * context,
                epochs=0.0 if manifest is None else manifest.epochs[name],
            )
        )
    return ExportedData(plan=plan, recipe=recipe.name, origin=mixture.origin, width=context + 1, sources=sources)


def _claimed(folder: Path, state: ExportedData) -> ExportedData:
    """The state to go on from: a new one, or that of the same plan.

    Raises:
        BadInput: another export lies there, or a file of it is gone.
    """
    path = folder / MANIFEST
    if not path.exists():
        return state
    raw = read_json(path, remedy=_REMEDY)
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise BadInput("is no export of this version", where=path, key="--out", remedy=_REMEDY)
    there = validated(ExportedData, raw, where=path, problem="is damaged", remedy=_REMEDY)
    if there.plan != state.plan:
        old, new = there.plan.model_dump(), state.plan.model_dump()
        key = next(key for key in old if old[key] != new[key])
        said = f"holds another export ({key} {old[key]} there, {new[key]} asked for)"
        raise BadInput(said, where=folder, key="--out", remedy=_REMEDY)
    for file in there.files:
        at = folder / file.path
        if not at.exists() or at.stat().st_size != file.bytes:
            raise BadInput(
                "is missing or has another size than its manifest says", where=at, remedy="delete the export"
            )
    return there


def _written(work: _Work, mixture: Mixture, manifest: Manifest | None) -> _Work:
    plan = work.state.plan
    _save(work.folder, work.state)
    _save_tokenizer(work.folder / TOKENIZER, work.tokenizer)
    unit = "documents" if manifest is None else "sequences"
    work.progress.start("export", plan.rows or None, unit)
    if manifest is None:
        state = _documents(work, mixture)
    elif plan.to in TOKEN_FORMATS:
        state = _tokens(work, manifest)
    else:
        state = _sequences(work, manifest)
    state = state.model_copy(update={"complete": True, "done": 0, "side": 0})
    _save(work.folder, state)
    work.progress.finish("export")
    return _Work(work.folder, state, work.corpora, work.tokenizer, work.progress)


def _save(folder: Path, state: ExportedData) -> None:
    write_json(folder / MANIFEST, state.model_dump(mode="json"))


def _save_tokenizer(folder: Path, tokenizer: Tokenizer) -> None:
    """As ``transformers`` reads it; readers of ``.ds.metadata`` are sent here."""
    tokenizer.save(folder / "tokenizer.json")
    write_json(
        folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": tokenizer.end}
    )


def _shards(state: ExportedData) -> Iterator[tuple[int, int, int]]:
    """Number, first row and rows of each file that is still to be written."""
    plan = state.plan
    size = plan.shard or plan.rows
    begun = {file.first for file in state.files}
    for number, first in enumerate(range(0, plan.rows, size)):
        if first not in begun:
            yield number, first, min(size, plan.rows - first)


def _name(plan: Plan, number: int, suffix: str) -> str:
    if plan.to == "megatron":
        return f"mixture{suffix}" if not plan.shard or plan.shard >= plan.rows else f"mixture-{number:05d}{suffix}"
    return f"{number:05d}_mixture{suffix}" if plan.to == "datatrove" else f"part-{number:05d}{suffix}"


def _tokens(work: _Work, manifest: Manifest) -> ExportedData:
    state, plan = work.state, work.state.plan
    form = TOKEN_FORMATS[plan.to]
    dtype = form.dtype(plan.vocab)
    streams = {name: corpus.train for name, corpus in work.corpora.items()}

    def rows(first: int, count: int) -> np.ndarray:
        return read_rows(manifest, streams, first, count, dtype)

    for number, first, count in _shards(state):
        begun = state

        def saved(done: int, side: int, begun: ExportedData = begun) -> None:
            _save(work.folder, begun.model_copy(update={"done": done, "side": side}))

        files = write_tokens(
            form,
            work.folder / _name(plan, number, form.suffix),
            rows,
            first=first,
            count=count,
            width=state.width,
            dtype=dtype,
            end=plan.end,
            tokenizer=str((work.folder / TOKENIZER).resolve()),
            done=state.done,
            side=state.side,
            saved=saved,
            told=lambda at: work.progress.update("export", at),
        )
        state = state.model_copy(update={"files": [*state.files, *files], "done": 0, "side": 0})
        _save(work.folder, state)
    return state


def read_rows(manifest: Manifest, streams: Mapping[str, Any], first: int, count: int, dtype: Any) -> np.ndarray:
    """Sequences ``first`` to ``first + count`` of the order, shape (count, context + 1): the rows that
    :func:`synthmix.training.trainer.read_batch` trains on, gathered a source at a time."""
    out = np.empty((count, manifest.context + 1), dtype=dtype)
    order, blocks = manifest.order[first : first + count], manifest.blocks[first : first + count]
    for place, source in enumerate(manifest.sources):
        mine = np.flatnonzero(order == place)
        out[mine] = streams[source].sequences(blocks[mine], manifest.context)
    return out


def _sequences(work: _Work, manifest: Manifest) -> ExportedData:
    state, plan = work.state, work.state.plan
    streams = {name: corpus.train for name, corpus in work.corpora.items()}

    def batches(first: int, count: int) -> Iterator[list[Row]]:
        for at in range(first, first + count, BATCH):
            size = min(BATCH, first + count - at)
            ids = read_rows(manifest, streams, at, size, np.int64).tolist()
            texts = work.tokenizer.backend.decode_batch(ids, skip_special_tokens=False)
            yield [
                {
                    "text": text,
                    "source": manifest.sources[manifest.order[at + i]],
                    "block": int(manifest.blocks[at + i]),
                    "tokens": row,
                }
                for i, (text, row) in enumerate(zip(texts, ids, strict=True))
            ]
            work.progress.update("export", at + size)

    for number, first, count in _shards(state):
        path = work.folder / _name(plan, number, TEXT_FORMATS[plan.to])
        file = write_rows(plan.to, path, batches(first, count), first=first)
        state = state.model_copy(update={"files": [*state.files, file]})
        _save(work.folder, state)
    return state


def _documents(work: _Work, mixture: Mixture) -> ExportedData:
    state, plan = work.state, work.state.plan
    order = document_order(mixture.recipe, work.corpora, plan.tokens)
    streams = {name: corpus.train for name, corpus in work.corpora.items()}
    counts = {name: [0, 0] for name in mixture.recipe.sources}  # documents, tokens

    def batches(placed: list[Placed]) -> Iterator[list[Row]]:
        for at in range(0, len(placed), BATCH):
            some = placed[at : at + BATCH]
            ids = [streams[each.source].read(each.start, each.start + each.tokens - 1).tolist() for each in some]
            texts = work.tokenizer.backend.decode_batch(ids, skip_special_tokens=False)
            yield [
                {"text": text, "source": each.source, "id": each.key, "tokens": each.tokens}
                for text, each in zip(texts, some, strict=True)
            ]

    rows = number = 0
    while placed := list(_one_shard(order, plan.shard)):
        for each in placed:
            counts[each.source][0] += 1
            counts[each.source][1] += each.tokens
        if number >= len(state.files):
            path = work.folder / _name(plan, number, TEXT_FORMATS[plan.to])
            file = write_rows(plan.to, path, batches(placed), first=rows)
            state = state.model_copy(update={"files": [*state.files, file]})
            _save(work.folder, state)
        rows, number = rows + len(placed), number + 1
        work.progress.update("export", rows)
    sources = []
    for source in state.sources:
        documents, tokens = counts[source.name]
        taken = {"rows": documents, "tokens": tokens, "epochs": tokens / source.available}
        sources.append(source.model_copy(update=taken))
    return state.model_copy(update={"sources": sources})


def _one_shard(order: Iterator[Placed], most: int) -> Iterator[Placed]:
    held = 0
    for each in order:
        yield each
        held += each.tokens
        if most and held >= most:
            return
