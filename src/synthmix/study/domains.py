"""Held-out domains: what every model of a study is scored on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synthmix.corpus.corpus import Corpus
from synthmix.evaluation.losses import HeldOut
from synthmix.files import content_hash


@dataclass(frozen=True)
class EvaluationDomain:
    """One held-out domain of one corpus folder. ``whole``: no document of it is trained on.

    ``id`` is the hash of its tokens: a record's loss counts for this domain while the ids are equal.
    """

    name: str
    folder: Path
    domain: str
    whole: bool
    id: str
    documents: int
    tokens: int
    bytes: int

    def open(self) -> HeldOut:
        """The tokens, memory-mapped."""
        return HeldOut(Corpus.open(self.folder).heldout(self.domain), self.bytes / self.tokens)


def domains_of(name: str, corpus: Corpus, *, whole: bool) -> Iterable[EvaluationDomain]:
    """The held-out domains of a corpus: ``name`` itself, or ``name/domain`` where there are several."""
    several = len(corpus.heldout_domains) > 1
    for domain in corpus.heldout_domains:
        counts = corpus.heldout_counts(domain)
        shards = corpus.meta.streams[corpus.meta.heldout_streams[domain]]
        yield EvaluationDomain(
            name=f"{name}/{domain}" if several else name,
            folder=corpus.folder,
            domain=domain,
            whole=whole,
            id=content_hash([corpus.meta.tokenizer_hash, [shard.blake2b for shard in shards]]),
            documents=counts.documents,
            tokens=counts.tokens,
            bytes=counts.bytes,
        )
