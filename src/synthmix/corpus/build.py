"""From text to a corpus: read, split, remove, pack; all in a staging folder that is moved in place at the end."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from synthmix.corpus.corpus import TOKENIZER, Corpus
from synthmix.corpus.document import Document
from synthmix.corpus.intake import Intake, is_heldout, take_in, text_hash
from synthmix.corpus.leakage import without_leaks
from synthmix.corpus.meta import FILE, FORMAT, Meta, content_id
from synthmix.corpus.pack import Packed, pack
from synthmix.corpus.readers import read_documents
from synthmix.corpus.shards import SHARD_TOKENS
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.files import new_folder, write_json
from synthmix.progress import Progress, Silent


def build_corpus(
    sources: Source | Sequence[Source] | Iterable[Document],
    folder: str | Path,
    *,
    name: str,
    tokenizer: Tokenizer,
    heldout: Fraction | int = 0,
    against: Sequence[Corpus] = (),
    kind: Literal["real", "synthetic"] = "real",
    origin: str = "",
    license: str = "",
    generator: dict[str, Any] | None = None,
    progress: Progress | None = None,
    shard_tokens: int = SHARD_TOKENS,
) -> Corpus:
    """Build a corpus in ``folder`` (an older one there is replaced) and open it.

    Args:
        sources: where the text comes from, or documents (generated text).
        heldout: share of the documents to hold out, by the hash of their text; 1 holds out everything.
        against: the study's other corpora, so that nothing held out there is trained on here, nor the reverse.
        generator: for synthetic text, what made it; kept in the metadata.

    The same documents give the same corpus id, in whatever order they come. Disk: twice the tokens while building.
    Memory: about 250 bytes a document, one shard, and the index of :class:`NearDuplicates`.

    Raises:
        BadInput: what the readers raise; nothing left to train on or nothing held out though it was asked for; a
            corpus in ``against`` with another tokenizer; an unwritable folder, or one that holds other things.
        Failure: a full disk. In either case nothing is left behind.
    """
    progress, folder, heldout = progress or Silent(), Path(folder), Fraction(heldout)
    if not 0 <= heldout <= 1:
        raise BadInput(f"{heldout} is not between 0 and 1", key="heldout")
    for other in against:
        other.check_tokenizer(tokenizer.hash)
    given = [sources] if isinstance(sources, Source) else sources
    task = f"corpus {name}"
    progress.start(task, None, "documents")
    with new_folder(folder, marker=FILE) as staging:
        intake = take_in(given, staging / "spool", name=name, tokenizer=tokenizer, heldout=heldout, progress=progress)
        stays = without_leaks(intake, against, task=task, progress=progress)
        packed = pack(intake, stays, staging, eos_id=tokenizer.eos_id, shard_tokens=shard_tokens)
        _check_sides(packed, intake, name, heldout)
        intake.spool.unlink()
        tokenizer.save(staging / TOKENIZER)
        written = (
            [one.model_dump(mode="json", exclude_defaults=True) for one in given if isinstance(one, Source)]
            if isinstance(given, Sequence)
            else []
        )
        meta = Meta(
            format=FORMAT,
            name=name,
            kind=kind,
            id=content_id(tokenizer.hash, packed.streams),
            tokenizer_hash=tokenizer.hash,
            vocab_size=tokenizer.vocab_size,
            end=tokenizer.end,
            eos_id=tokenizer.eos_id,
            dtype=tokenizer.dtype.str,
            heldout=str(heldout),
            train=packed.train,
            heldout_counts=packed.heldout,
            heldout_streams=packed.heldout_streams,
            streams=packed.streams,
            removed=intake.removed,
            origin=origin,
            license=license,
            generator=generator,
            sources=written,
            against=[other.id for other in against],
            versions={package: version(package) for package in ("synthmix", "tokenizers", "datasketch")},
        )
        write_json(staging / FILE, meta.model_dump(mode="json"))
    corpus = Corpus.open(folder)
    progress.finish(task, note=f"{corpus.train_counts.tokens} training tokens")
    return corpus


def _check_sides(packed: Packed, intake: Intake, name: str, heldout: Fraction) -> None:
    removed = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in intake.removed.items() if count)
    if heldout < 1 and not packed.train:
        raise BadInput(
            f"no document is left to train on (held out {sum(intake.heldout)}; removed: {removed or 'none'})",
            where=name,
            remedy="give more text, or hold out less",
        )
    if heldout > 0 and not packed.heldout:
        raise BadInput(
            f"holding out {heldout} of {len(intake)} documents holds out none (removed: {removed or 'none'})",
            where=name,
            key="heldout",
            remedy="hold out more, or say with separator how a text file divides into documents",
        )


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
