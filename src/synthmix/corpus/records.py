"""From a record (a JSON object, a row) to a document, the same for every format."""

from collections.abc import Mapping
from typing import Any

from synthmix.corpus.document import Document
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput


def document_of(record: Mapping[str, Any], source: Source, domain: str, where: str) -> Document | None:
    """A record (a JSON object, a row) as a document; None when ``source.where`` leaves it out.

    A null text counts as empty: generators do answer with nothing.

    Raises:
        BadInput: no such field, or a text that is not a string or not Unicode.
    """
    for field, wanted in (source.where or {}).items():
        if record.get(field) not in (wanted if isinstance(wanted, list) else [wanted]):
            return None
    if source.text not in record:
        has = ", ".join(map(str, list(record)[:8]))
        raise BadInput(f"no such field; it has {has}", where=where, key=source.text, remedy="name the field in text:")
    text = record[source.text]
    if not isinstance(text, str | None):
        raise BadInput(f"is {type(text).__name__}, not text", where=where, key=source.text)
    if source.domain_field is not None:
        own = record.get(source.domain_field)
        if isinstance(own, int) and not isinstance(own, bool):  # classes are often numbered
            own = str(own)
        if not isinstance(own, str) or not own:
            raise BadInput("names no domain", where=where, key=source.domain_field, remedy="check domain_field")
        domain = own
    key = record.get(source.id_field)
    return Document(checked(text or "", where, source.text), domain, where if key is None else str(key))


def checked(text: str, where: str, key: str) -> str:
    """``text``, when it can be written as UTF-8 (JSON may escape half a surrogate pair).

    Raises:
        BadInput: it cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"is not Unicode text ({error.reason})", where=where, key=key) from None
    return text
