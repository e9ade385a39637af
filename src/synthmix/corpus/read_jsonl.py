"""JSON Lines: an object a line."""

import json
from collections.abc import Iterator

from synthmix.corpus.document import Document
from synthmix.corpus.opening import open_bytes
from synthmix.corpus.records import document_of
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput


def read_jsonl(path: str, source: Source, domain: str) -> Iterator[Document]:
    """Blank lines are skipped; a byte order mark at the start is allowed.

    Raises:
        BadInput: a line that is not UTF-8, not JSON or not an object; see also :func:`document_of`.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            where = f"{path}:{number}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not UTF-8 at byte {error.start} of the line", where=where, remedy="convert it with iconv"
                ) from None
            if not line:
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"not JSON ({error})", where=where, remedy="one JSON object a line") from None
            if not isinstance(record, dict):
                raise BadInput("not a JSON object", where=where, remedy='write {"text": "..."}')
            document = document_of(record, source, domain, where)
            if document is not None:
                yield document
