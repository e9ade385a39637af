"""From text to a corpus: ingest, split, remove leaks, pack; in a staging folder that is moved in place at the end."""

import math
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthmix.checksums import write_folder
from synthmix.corpus.bucket import new_corpus
from synthmix.corpus.corpus import INPUTS, TOKENIZER, WORDS, Corpus
from synthmix.corpus.duplicates import without_near_duplicates
from synthmix.corpus.ingest import ingest, inputs_of, is_heldout
from synthmix.corpus.ingested import Ingested
from synthmix.corpus.mapped import map_files, token_files, why_copied
from synthmix.corpus.meta import FILE, FORMAT, Loss, Meta, content_id, is_corpus
from synthmix.corpus.pack import Packed, pack
from synthmix.corpus.readers import read_documents
from synthmix.corpus.shards import SHARD_TOKENS
from synthmix.corpus.sources import Document, Source, text_hash
from synthmix.corpus.spread import Tasks
from synthmix.corpus.tokenizer import Tokenizer, how
from synthmix.corpus.update import Update, why_not
from synthmix.errors import BadInput
from synthmix.files import followed, new_folder, url_of, write_json
from synthmix.names import check_name
from synthmix.progress import Progress, Silent
from synthmix.quantities import percent, plural
from synthmix.validation import TextKind


def build_corpus(
    sources: Source | Sequence[Source] | Iterable[Document],
    folder: str | Path,
    *,
    name: str,
    tokenizer: Tokenizer,
    heldout: Fraction | int = 0,
    against: Sequence[Corpus] = (),
    kind: TextKind = "natural",
    origin: str = "",
    license: str = "",
    generator: dict[str, Any] | None = None,
    progress: Progress | None = None,
    shard_tokens: int = SHARD_TOKENS,
    engine: Tasks | None = None,
    update: bool = False,
    deduplicate: bool = False,
) -> Corpus:
    """Build a corpus in ``folder``, or in a bucket at this URL (an older one there is replaced), and open it.

    Args:
        sources: where the text comes from, or documents (generated text).
        heldout: share of the documents to hold out, by the hash of their text; 1 holds out everything.
        against: the study's other corpora, so that nothing held out there is trained on here, nor the reverse.
        generator: for synthetic text, what made it; kept in the metadata.
        engine: whose workers do it (:func:`synthmix.engine.open_engine`), in a folder beside ``folder`` that all of
            them must see; a build that was interrupted goes on with the units that are not there yet. None: this
            process. The corpus is the same, byte for byte.
        update: take over from the corpus in ``folder`` what it holds of files that are as they were
            (:mod:`synthmix.corpus.update`); what is new, changed and gone is told. The shards are those of a new build.
        deduplicate: remove near-duplicates within the training part, too (:mod:`synthmix.corpus.duplicates`).

    Files of tokens (:mod:`synthmix.corpus.token_files`) stay where they are and are mapped, in their own order, where
    nothing is held out, here or in ``against``; else their documents are split, compared and packed like those of text.

    The same documents give the same corpus id, in whatever order they come. Disk: twice the tokens while building, with
    workers and more than 128 chunks of 2^24 tokens three times.
    Memory: about 60 bytes a document, one shard, and the index of what is held out (:mod:`.duplicates`).

    Raises:
        BadInput: a ``name`` that is none (:mod:`synthmix.names`); what the readers raise; text that the tokenizer loses
            beyond its limit; nothing left to train on or
            nothing held out though it was asked for; a corpus in ``against`` with another tokenizer; an unwritable
            folder, or one that holds other things.
        Failure: a full disk. In either case nothing is left behind.
    """
    if (url := url_of(folder)) is not None:
        with new_corpus(url) as local:
            if update and is_corpus(url) and not is_corpus(local):
                shutil.copytree(Corpus.open(url).folder, local)
            build_corpus(
                sources,
                local,
                name=name,
                tokenizer=tokenizer,
                heldout=heldout,
                against=against,
                kind=kind,
                origin=origin,
                license=license,
                generator=generator,
                progress=progress,
                shard_tokens=shard_tokens,
                engine=engine,
                update=update,
                deduplicate=deduplicate,
            )
        return Corpus.open(url)
    progress, folder, heldout = progress or Silent(), Path(folder), Fraction(heldout)
    if not 0 <= heldout <= 1:
        raise BadInput(f"{heldout} is not between 0 and 1", key="heldout")
    check_name(name, key="name")
    for other in against:
        other.check_tokenizer(tokenizer.hash)
    given = [sources] if isinstance(sources, Source) else sources
    task = f"corpus {name}"
    progress.start(task, None, "documents")
    tokens = token_files(given, tokenizer, progress)
    divided = heldout > 0 or any(other.heldout_domains for other in against)
    reason = why_copied(tokens, _inputs(given), tokenizer, divided) if tokens else "text"
    if tokens and reason:
        progress.say(f"{name}: tokens are copied: {reason}")
    known = None
    if update and is_corpus(folder):
        known = _known(folder, given, tokenizer, heldout, against, deduplicate, progress)
    with new_folder(folder, marker=FILE) as staging:
        if not reason:
            made = _Made(*map_files(tokens, staging, name=name, tokenizer=tokenizer))
        else:
            made = _from_chunks(
                given,
                folder,
                staging,
                name=name,
                tokenizer=tokenizer,
                heldout=heldout,
                against=against,
                progress=progress,
                engine=engine,
                known=known,
                shard_tokens=shard_tokens,
                deduplicate=deduplicate,
            )
        packed = made.packed
        tokenizer.save(staging / TOKENIZER)
        written = (
            [one.model_dump(mode="json", exclude_defaults=True) for one in given if isinstance(one, Source)]
            if isinstance(given, Sequence)
            else []
        )
        write_json(staging / INPUTS, made.inputs)
        fast = ["tiktoken"] if made.checked else []
        meta = Meta(
            format=FORMAT,
            name=name,
            kind=kind,
            id=content_id(tokenizer.hash, packed.streams | ({WORDS: packed.words} if packed.words else {})),
            tokenizer_hash=tokenizer.hash,
            vocab_size=tokenizer.vocab_size,
            end=tokenizer.end,
            eos_id=tokenizer.eos_id,
            dtype=made.dtype,
            heldout=str(heldout),
            train=packed.train,
            heldout_counts=packed.heldout,
            heldout_streams=packed.heldout_streams,
            streams=packed.streams,
            removed=made.removed,
            lost=dict(sorted(made.lost.items())),
            words=packed.words,
            origin=origin,
            license=license,
            generator=generator,
            sources=written,
            against=[other.id for other in against],
            versions={package: version(package) for package in ("synthmix", "tokenizers", *fast)},
            checked=made.checked,
        )
        write_folder(staging)
        unused = {name for name in ("lost", "words", "checked") if not getattr(meta, name)}
        write_json(staging / FILE, meta.model_dump(mode="json", exclude=unused), digest=True)
    corpus = Corpus.open(folder)
    progress.finish(task, note=f"{corpus.train_counts.tokens} training tokens")
    return corpus


def _inputs(given: Any) -> int:
    return len(inputs_of(given))


@dataclass
class _Made:
    """What stands in a corpus's metadata of its documents."""

    packed: Packed
    dtype: str
    removed: dict[str, int] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, Loss] = field(default_factory=dict)
    checked: int = 0


def _from_chunks(
    given: Sequence[Source] | Iterable[Document],
    folder: Path,
    staging: Path,
    *,
    name: str,
    tokenizer: Tokenizer,
    heldout: Fraction,
    against: Sequence[Corpus],
    progress: Progress,
    engine: Tasks | None,
    known: Update | None,
    shard_tokens: int,
    deduplicate: bool,
) -> _Made:
    with _chunk_folder(folder, staging, given, engine) as spool:
        tokenizer.save(spool / TOKENIZER)
        ingested = ingest(
            given,
            spool,
            name=name,
            tokenizer=tokenizer,
            tokenizer_folder=spool,
            heldout=heldout,
            progress=progress,
            engine=engine,
            known=known,
        )
        hold_to_limit(ingested.lost, tokenizer.lossy, name, progress)
        stays = without_near_duplicates(
            ingested, against, spool, within=deduplicate, task=f"corpus {name}", progress=progress, engine=engine
        )
        for reason, count in (known.removed if known is not None else {}).items():
            ingested.removed[reason] += count
        packed = pack(
            ingested, stays, staging, spool, eos_id=tokenizer.eos_id, shard_tokens=shard_tokens, engine=engine
        )
        _check_sides(packed, ingested, name, heldout)
    return _Made(packed, tokenizer.dtype.str, ingested.removed, ingested.inputs, ingested.lost, ingested.checked)


def _known(
    folder: Path,
    given: Any,
    tokenizer: Tokenizer,
    heldout: Fraction,
    against: Sequence[Corpus],
    deduplicate: bool,
    progress: Progress,
) -> Update | None:
    """What of the corpus in ``folder`` can be taken over; told in a line."""
    corpus = Corpus.open(folder)
    if not (isinstance(given, Sequence) and all(isinstance(one, Source) for one in given)):
        return None
    expected = {"tokenizer_hash": tokenizer.hash, "heldout": str(heldout), "against": [other.id for other in against]}
    if reason := why_not(corpus, given, expected, deduplicate=deduplicate):
        progress.say(f"{folder}: all of it is read again: {reason}")
        return None
    update = Update(corpus, inputs_of(given))
    progress.say(f"{folder}: {update.told()}")
    return update


@contextmanager
def _chunk_folder(folder: Path, staging: Path, given: Any, engine: Tasks | None) -> Iterator[Path]:
    """Where chunks lie: of an engine's workers beside the corpus, and kept until it is whole."""
    if engine is None:
        (staging / "chunks").mkdir()
        yield staging / "chunks"
        shutil.rmtree(staging / "chunks")
        return
    folder = followed(folder)
    chunks = folder.with_name(f".{folder.name}.chunks")
    chunks.mkdir(parents=True, exist_ok=True)
    sources = given if isinstance(given, Sequence) and all(isinstance(one, Source) for one in given) else ()
    read = [one.path for one in inputs_of(sources) if one.path is not None and "://" not in one.path]
    engine.check_folder(chunks, reads=read)
    yield chunks.resolve()
    shutil.rmtree(chunks)


def train_texts(
    sources: Source | Sequence[Source],
    *,
    heldout: Fraction | int = 0,
    limit_bytes: int | None = None,
    name: str = "corpus",
) -> Iterator[str]:
    """The texts on the training side of the split (near-duplicates not removed), to train a tokenizer on.

    Args:
        limit_bytes: stop after this much UTF-8, in reading order.
    """
    read = 0
    for source in [sources] if isinstance(sources, Source) else sources:
        for document in read_documents(source, domain=name):
            if not is_heldout(text_hash(document.text), Fraction(heldout)):
                yield document.text
                read += len(document.text.encode())
                if limit_bytes is not None and read >= limit_bytes:
                    return


def hold_to_limit(lost: dict[str, Loss], limit: Fraction, name: str, progress: Progress | None = None) -> None:
    """Hold what the tokenizer lost of each domain's text to ``limit``, and tell of what is lost below it.

    Raises:
        BadInput: it lost a larger share of the bytes of a domain.
    """
    if not (said := lost_text(lost, name)):
        return
    share = max(loss.share for loss in lost.values())
    if share > limit:
        raise BadInput(
            f"{said}; at most {percent(float(limit))} may",
            where=name,
            key="tokenizer",
            remedy=f"name one that can spell this text, or allow it: {how(f'lossy={math.ceil(share * 10) * 10}%')}",
        )
    if progress is not None:
        progress.say(f"{name}: the tokenizer loses text: {said}")


def lost_text(lost: dict[str, Loss], name: str) -> str:
    """What the tokenizer lost of the corpus ``name``, of the domain that lost most, in words; empty: nothing."""
    worst = max(lost, key=lambda domain: lost[domain].share, default=None)
    if worst is None or not lost[worst].bytes:
        return ""
    domain = "" if len(lost) == 1 and worst == name else f" of domain {worst!r}"
    said = f"{percent(max(lost[worst].share, 0.0001))} of the bytes{domain} do not survive encoding and decoding"
    if mostly := sum(loss.documents for loss in lost.values()):
        said += f", {plural(mostly, 'document')} lost more than half"
    return said


def _check_sides(packed: Packed, ingested: Ingested, name: str, heldout: Fraction) -> None:
    removed = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in ingested.removed.items() if count)
    if heldout < 1 and not packed.train:
        held = int((ingested.heldout & ingested.kept).sum())
        raise BadInput(
            f"no document is left to train on (held out {held}; removed: {removed or 'none'})",
            where=name,
            remedy="give more text, or hold out less",
        )
    if heldout > 0 and not packed.heldout:
        there = int(ingested.kept.sum())
        raise BadInput(
            f"holding out {heldout} of {there} documents holds out none (removed: {removed or 'none'})",
            where=name,
            key="heldout",
            remedy="hold out more, or say with separator how a text file divides into documents",
        )
