"""Plain text: a document a file, or a document between two separators.

CHOSEN: without ``separator`` a file is one document, because blank lines part paragraphs far more often than
documents. Files that hold many documents say how (``separator: "<|endoftext|>"``, ``separator: "\\n\\n"``).
"""

import codecs
from collections.abc import Iterator

from synthmix.corpus.document import Document
from synthmix.corpus.opening import open_bytes
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput

_CHUNK = 1 << 20


def read_text(path: str, source: Source, domain: str) -> Iterator[Document]:
    """Documents of one text file; line ends become ``\\n``, a byte order mark is dropped.

    Raises:
        BadInput: the file is not UTF-8.
    """
    if source.separator is None:
        yield Document("".join(_decoded(path)), domain, path)
        return
    rest, number = "", 0
    for chunk in _decoded(path):
        *whole, rest = (rest + chunk).split(source.separator)
        for text in whole:
            number += 1
            yield Document(text, domain, f"{path}#{number}")
    if rest.strip():  # the separator usually ends the last document too
        yield Document(rest, domain, f"{path}#{number + 1}")


def _decoded(path: str) -> Iterator[str]:
    decoder, read, held = codecs.getincrementaldecoder("utf-8-sig")(), 0, ""
    with open_bytes(path) as file:
        while True:
            raw = file.read(_CHUNK)
            try:
                text = held + decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not UTF-8 ({error.reason}, within the {_CHUNK} bytes from {read})",
                    where=path,
                    remedy="convert it with iconv, or leave it out",
                ) from None
            # A \r at the end may be half of \r\n: it waits for the next chunk.
            held = "\r" if raw and text.endswith("\r") else ""
            yield text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
            if not raw:
                return
            read += len(raw)
