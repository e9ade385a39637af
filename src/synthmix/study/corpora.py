"""The study's text: its tokenizer, what is held out, and the natural corpora, cleaned of what is held out."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from synthmix.checksums import check, write_checked
from synthmix.config import RealCorpus, StudyConfig
from synthmix.corpus.build import train_texts
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import identity, open_or_build
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.evaluation.losses import HeldOut
from synthmix.files import content_hash, disk_errors
from synthmix.locking import lock
from synthmix.progress import Progress
from synthmix.study.workspace import Workspace


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


def trained_on(config: StudyConfig) -> list[tuple[str, RealCorpus]]:
    """The corpora whose text trains the tokenizer.

    Raises:
        BadInput: one of them is generated, or built already.
    """
    entries: list[tuple[str, RealCorpus]] = []
    for name in config.tokenizer.on or [config.mix.natural]:
        entry = config.corpora[name]
        if not isinstance(entry, RealCorpus):
            raise BadInput(
                f"corpus '{name}' is made with a tokenizer and cannot train it",
                key="tokenizer.on",
                remedy="name a natural corpus",
            )
        if entry.built is not None:
            raise BadInput(
                f"corpus '{name}' is built with a tokenizer already",
                key="tokenizer.path",
                remedy=f"write {entry.built / 'tokenizer.json'}",
            )
        entries.append((name, entry))
    return entries


def study_tokenizer(
    config: StudyConfig, space: Workspace, progress: Progress, *, build: bool = True
) -> Tokenizer | None:
    """The tokenizer that every corpus of the study is built with; None if it is not there and not to be built.

    Only the training side of the natural corpora is read, so held-out text does not shape the vocabulary.

    Raises:
        BadInput: it is to be trained on generated text, which does not exist yet, or cannot be loaded.
    """
    asked = config.tokenizer
    if asked.path is not None:
        return load_tokenizer(asked.path, end=asked.end, lossy=asked.lossy)
    entries = trained_on(config)
    key = content_hash([asked.vocab, asked.limit, [[str(e.heldout), identity(e)] for _, e in entries]])
    path = space.tokenizer / f"{key}.json"
    if not build:
        return _kept_tokenizer(path) if path.exists() else None
    with disk_errors(path):
        space.tokenizer.mkdir(parents=True, exist_ok=True)
        with lock(path.with_suffix(".lock")):
            if not path.exists():
                progress.start("tokenizer", None, "documents")
                share = asked.limit // len(entries)
                texts = (
                    text
                    for name, entry in entries
                    for text in train_texts(entry, heldout=entry.heldout, limit_bytes=share, name=name)
                )
                trained = train_tokenizer(texts, asked.vocab)
                write_checked(path, trained.backend.to_str())
                progress.finish("tokenizer", note=f"{trained.vocab_size} entries")
    return _kept_tokenizer(path)


def _kept_tokenizer(path: Path) -> Tokenizer:
    check(path)
    return load_tokenizer(path)


class NotBuiltYet(Exception):
    """Asked only to look, and found that a corpus is still to be built."""


@dataclass(frozen=True)
class Prepared:
    """A study's text as built so far. ``evaluation``: the corpora that are held out whole."""

    tokenizer: Tokenizer
    evaluation: dict[str, Corpus]
    corpora: dict[str, Corpus]
    domains: tuple[EvaluationDomain, ...]
    pending: tuple[str, ...] = field(default=())  # corpora that are still to be generated

    @property
    def heldout(self) -> list[Corpus]:
        """Corpora whose held-out text nothing may be trained on."""
        return [*self.evaluation.values(), *(c for c in self.corpora.values() if c.heldout_domains)]

    def with_corpus(self, name: str, corpus: Corpus) -> "Prepared":
        """The same with one generated corpus more."""
        corpus.check()
        pending = tuple(other for other in self.pending if other != name)
        return replace(self, corpora=self.corpora | {name: corpus}, pending=pending)


def natural_corpora(
    config: StudyConfig, space: Workspace, tokenizer: Tokenizer, progress: Progress, *, build: bool = True
) -> Prepared:
    """Build (or open) what is held out and the natural corpora. Every file is checked against its checksum, once a
    machine and change.

    Raises:
        NotBuiltYet: ``build`` is False and something is not there.
        BadInput: whatever is wrong with the files, the tokenizer or the shards.
    """
    evaluation: dict[str, Corpus] = {}
    domains: dict[str, list[EvaluationDomain]] = {name: [] for name in config.evaluate}
    for name, entry in config.evaluate.items():
        if isinstance(entry, Source):
            evaluation[name] = _opened(entry, space, tokenizer, progress, name=name, heldout_all=True, build=build)
            domains[name] += domains_of(name, evaluation[name], whole=True)
    corpora: dict[str, Corpus] = {}
    for name, corpus in config.corpora.items():
        if isinstance(corpus, RealCorpus):
            # Both ways: nothing held out anywhere is trained on here, nothing held out here was trained on there.
            against = [*evaluation.values(), *corpora.values()]
            corpora[name] = _opened(corpus, space, tokenizer, progress, name=name, against=against, build=build)
    for held in evaluation.values():
        held.check()
    for corpus_name, built in corpora.items():
        built.check()
        if config.evaluate.get(corpus_name) == "heldout":
            domains[corpus_name] += domains_of(corpus_name, built, whole=False)
    pending = tuple(name for name, entry in config.corpora.items() if not isinstance(entry, RealCorpus))
    return Prepared(tokenizer, evaluation, corpora, tuple(chain.from_iterable(domains.values())), pending)


def _opened(
    entry: Source,
    space: Workspace,
    tokenizer: Tokenizer,
    progress: Progress,
    *,
    name: str,
    against: list[Corpus] | None = None,
    heldout_all: bool = False,
    build: bool,
) -> Corpus:
    what = entry.built
    if what is not None:
        corpus = Corpus.open(what)
        corpus.check_tokenizer(tokenizer.hash)
        if heldout_all and not corpus.heldout_domains:
            raise BadInput("holds nothing out, so nothing can be evaluated on it", where=what, key=f"evaluate.{name}")
        return corpus
    real = entry if isinstance(entry, RealCorpus) else None
    built = open_or_build(
        entry,
        space.corpora,
        tokenizer=tokenizer,
        name=name,
        heldout=1 if heldout_all else real.heldout if real else 0,
        against=against or [],
        kind=real.kind if real else "natural",
        origin=real.origin if real else "",
        license=real.license if real else "",
        progress=progress,
        build=build,
    )
    if built is None:
        raise NotBuiltYet(name)
    return built
