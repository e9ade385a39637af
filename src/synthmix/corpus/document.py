"""A document: the unit of splitting, of de-duplication and of the end-of-document token."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """``text`` of one ``domain``; ``key`` says where it came from (an id, or file and line)."""

    text: str
    domain: str
    key: str | None = None
