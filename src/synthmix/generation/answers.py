"""From a job's journal back to documents: its requests, made once more, each with its answer."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from synthmix.generation.assemble import Generated
from synthmix.generation.journal import Journal
from synthmix.generation.key_index import KeyIndex
from synthmix.generation.prompt import Prompt, Reply


def answers(prompts: Iterable[Prompt], journal: Journal) -> Iterator[tuple[Prompt, Reply | None]]:
    """Requests in order with their answers, None for those that failed. What was not asked is left out, and so is a
    request that the source makes a second time. Ends with the last settled request."""
    seen = KeyIndex()
    left = journal.settled_count
    for prompt in prompts:
        if not left:
            return
        key = prompt.key
        if journal.settled(key) and seen.put(key, 0):
            left -= 1
            yield prompt, journal.reply(key)


def with_origin(document: Generated, journal: Journal) -> Generated:
    """The document with when and where it was written: ``time`` (seconds since 1970), ``endpoint``."""
    found = [record for key in document.provenance["requests"] if (record := journal.record(key))]
    where = sorted({record["by"] for record in found})
    more = {"time": max(record["at"] for record in found), "endpoint": where[0] if len(where) == 1 else where}
    return replace(document, provenance={**document.provenance, **more})
