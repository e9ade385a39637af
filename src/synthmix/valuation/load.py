"""From what a command names to a pool: corpora, generated folders, text files, labelled text, arrays, image folders."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import Documents
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.readers import read_documents
from synthmix.corpus.sources import Document, Source
from synthmix.errors import BadInput
from synthmix.names import name_of_file
from synthmix.valuation.pool import BATCH, Batch, Pool

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")


def open_pool(
    path: str,
    *,
    name: str | None = None,
    text: str = "text",
    label: str | None = None,
    reference: bool = False,
    share: float | None = None,
) -> Pool:
    """Open what ``path`` names; nothing large is held in memory but the arrays of an ``.npz``.

    Args:
        path: a corpus or generated folder, JSONL, Parquet or text files and globs, ``sample``; ``.npz`` with arrays
            ``images`` (or ``x``) and ``labels`` (or ``y``), ``.npy``; or a folder with a folder of images a class.
        text, label: fields of records. Labels are whole numbers, or names.
        reference: of a corpus, what it holds out, where it holds something out.
        share: of natural items; unset: 1, or 0 for a corpus that says that it is synthetic.

    Raises:
        BadInput: nothing there, or not readable as such.
    """
    called = name or name_of_file(path) or path
    if path.endswith((".npz", ".npy")):
        items, labels = _arrays(path)
        return Pool.of(called, items, labels, share=share)
    if is_corpus(path):
        if label is not None:
            raise BadInput("a corpus of tokens has no labels", where=path, key="--label", remedy="name the JSONL file")
        corpus = Corpus.open(path)
        split = "heldout" if reference and corpus.heldout_domains else "train"
        own = share if share is not None else float(corpus.meta.kind == "natural")
        return Pool(called, partial(_corpus_batches, path, split), share=own)
    if Path(path).is_dir() and (classes := _class_folders(Path(path))):
        return Pool(called, partial(_image_batches, classes), share=share)
    if label is None:
        return text_pool(called, Documents([path], text=text), share=share)
    source = Source(files=[path], text=text, domain_field=label)
    return Pool(called, partial(_labelled_batches, source, label), share=share)


def text_pool(name: str, documents: Iterable[Document], *, share: float | None = None) -> Pool:
    """Of documents that can be gone through several times."""
    return Pool(name, partial(_text_batches, documents, None), share=share)


def class_number(name: str) -> int:
    """A label as a number: itself where it is one, else a number that depends on its name alone."""
    return int(name) if name.removeprefix("-").isdigit() else zlib.crc32(name.encode())


def _corpus_batches(path: str, split: str) -> Iterator[Batch]:
    return _text_batches(Corpus.open(path).documents(split), None)


def _labelled_batches(source: Source, label: str) -> Iterator[Batch]:
    return _text_batches(read_documents(source, domain="text"), label)


def _text_batches(documents: Iterable[Document], label: str | None) -> Iterator[Batch]:
    for part in batched(documents, lambda document: len(document.text), 64_000_000, count=BATCH):
        marks = None if label is None else np.array([class_number(document.domain) for document in part])
        yield Batch([document.text for document in part], marks)


def _arrays(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    try:
        held: Any = np.load(path, allow_pickle=False, mmap_mode="r" if path.endswith(".npy") else None)
        found = held if isinstance(held, np.ndarray) else dict(held)
    except FileNotFoundError:
        raise BadInput("no such file", where=path, remedy="check the path") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BadInput(f"is not an array file ({error})", where=path, remedy="save it with numpy.savez") from None
    if isinstance(found, np.ndarray):
        return found, None
    items = next((found[key] for key in ("images", "x", "items", "features") if key in found), None)
    if items is None:
        has = ", ".join(found) or "none"
        raise BadInput(f"no array images or x; it has {has}", where=path, remedy="numpy.savez(path, x=..., y=...)")
    return items, next((found[key] for key in ("labels", "y") if key in found), None)


def _class_folders(folder: Path) -> dict[Path, int]:
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    held = [path for path in below if any(each.suffix.lower() in IMAGES for each in path.iterdir())]
    return {path: class_number(path.name) for path in held}


def _image_batches(classes: dict[Path, int]) -> Iterator[Batch]:
    try:
        from PIL import Image
    except ImportError:
        raise BadInput("images need Pillow", remedy="pip install 'synthmix[value]'") from None
    files = [(path, mark) for folder, mark in classes.items() for path in sorted(folder.iterdir())]
    files = [(path, mark) for path, mark in files if path.suffix.lower() in IMAGES]
    size: tuple[int, int] | None = None
    for start in range(0, len(files), BATCH):
        rows, marks = [], []
        for path, mark in files[start : start + BATCH]:
            with Image.open(path) as image:
                size = size or image.size
                if image.size != size:
                    raise BadInput(
                        f"is {image.size}, the first image is {size}", where=path, remedy="resize them alike"
                    )
                rows.append(np.asarray(image.convert("RGB"), dtype=np.float32) / 255)
            marks.append(mark)
        yield Batch(np.stack(rows), np.array(marks))
