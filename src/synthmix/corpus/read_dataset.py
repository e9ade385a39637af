"""Hugging Face `datasets`: a hub id (streamed), a ``save_to_disk`` folder, or a folder of data files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from synthmix.corpus.document import Document
from synthmix.corpus.records import document_of
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput, Failure


def read_dataset(source: Source, domain: str) -> Iterator[Document]:
    """Rows of one split in order. Needs the extra ``hub``.

    Raises:
        BadInput: `datasets` is not installed; no such dataset, configuration or split; see :func:`document_of`.
        Failure: the connection broke on the way.
    """
    for number, record in enumerate(_streamed(source)):
        document = document_of(record, source, domain, f"{source.dataset}[{source.split}]:{number}")
        if document is not None:
            yield document


def _streamed(source: Source) -> Iterator[dict[str, Any]]:
    rows = iter(_rows(source))
    while True:
        try:
            record = next(rows)
        except StopIteration:
            return
        except OSError as error:
            raise Failure(
                f"reading stopped ({error})", where=source.dataset, remedy="check the network and run it again"
            ) from None
        yield record


def _rows(source: Source) -> Iterable[dict[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise BadInput(
            "reading Hugging Face datasets needs the extra `hub`",
            where=source.dataset,
            key="dataset",
            remedy="run pip install 'synthmix[hub]'",
        ) from None
    name = str(source.dataset)
    try:
        if (Path(name) / "dataset_dict.json").exists() or (Path(name) / "state.json").exists():
            saved = datasets.load_from_disk(name)
            return saved[source.split] if isinstance(saved, datasets.DatasetDict) else saved
        return datasets.load_dataset(
            name, source.config, split=source.split, revision=source.revision, streaming=source.streaming
        )
    except KeyError:
        raise BadInput(f"no such split; it has {', '.join(saved)}", where=name, key="split") from None
    except (ValueError, OSError) as error:  # also DatasetNotFoundError and the hub's connection errors
        raise BadInput(
            f"cannot be loaded ({error})", where=name, key="dataset", remedy="check id, config, split and network"
        ) from None
