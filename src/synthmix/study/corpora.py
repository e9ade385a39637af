"""The study's text: held-out domains first, then the real corpora, cleaned of what is held out."""

from dataclasses import dataclass, field, replace

from synthmix.config import RealCorpus, StudyConfig
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import open_or_build
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.progress import Progress
from synthmix.study.domains import EvaluationDomain, domains_of
from synthmix.study.workspace import Workspace


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
        pending = tuple(other for other in self.pending if other != name)
        return replace(self, corpora=self.corpora | {name: corpus}, pending=pending)


def real_corpora(
    config: StudyConfig, space: Workspace, tokenizer: Tokenizer, progress: Progress, *, build: bool = True
) -> Prepared:
    """Build (or open) what is held out and the real corpora. Every shard is checked against its checksum once.

    Raises:
        NotBuiltYet: ``build`` is False and something is not there.
        BadInput: whatever is wrong with the files, the tokenizer or the shards.
    """
    evaluation: dict[str, Corpus] = {}
    domains: list[EvaluationDomain] = []
    for name, entry in config.evaluate.items():
        if isinstance(entry, Source):
            evaluation[name] = _opened(entry, space, tokenizer, progress, name=name, heldout_all=True, build=build)
            domains += domains_of(name, evaluation[name], whole=True)
    corpora: dict[str, Corpus] = {}
    for name, corpus in config.corpora.items():
        if isinstance(corpus, RealCorpus):
            # Both ways: nothing held out anywhere is trained on here, nothing held out here was trained on there.
            against = [*evaluation.values(), *corpora.values()]
            corpora[name] = _opened(corpus, space, tokenizer, progress, name=name, against=against, build=build)
    for corpus_name, built in corpora.items():
        built.verify()
        if config.evaluate.get(corpus_name) == "heldout":
            domains += domains_of(corpus_name, built, whole=False)
    pending = tuple(name for name, entry in config.corpora.items() if not isinstance(entry, RealCorpus))
    order = {name: i for i, name in enumerate(config.evaluate)}
    domains.sort(key=lambda domain: order[domain.name.split("/")[0]])
    return Prepared(tokenizer, evaluation, corpora, tuple(domains), pending)


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
        kind=real.kind if real else "real",
        origin=real.origin if real else "",
        license=real.license if real else "",
        progress=progress,
        build=build,
    )
    if built is None:
        raise NotBuiltYet(name)
    return built
