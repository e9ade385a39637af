"""The study's tokenizer: trained once on the real training text, or brought along."""

from filelock import FileLock

from synthmix.config import RealCorpus, StudyConfig
from synthmix.corpus.build import train_texts
from synthmix.corpus.load import identity
from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.files import content_hash, disk_errors
from synthmix.progress import Progress
from synthmix.study.workspace import Workspace


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
                remedy="name a real corpus",
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

    Only the training side of the real corpora is read, so held-out text does not shape the vocabulary.

    Raises:
        BadInput: it is to be trained on generated text, which does not exist yet, or cannot be loaded.
    """
    asked = config.tokenizer
    if asked.path is not None:
        return load_tokenizer(asked.path)
    entries = trained_on(config)
    key = content_hash([asked.vocab, asked.limit, [[str(e.heldout), identity(e)] for _, e in entries]])
    path = space.tokenizer / f"{key}.json"
    if not build:
        return load_tokenizer(path) if path.exists() else None
    with disk_errors(path):
        space.tokenizer.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                progress.start("tokenizer", None, "documents")
                share = asked.limit // len(entries)
                texts = (
                    text
                    for name, entry in entries
                    for text in train_texts(entry, heldout=entry.heldout, limit_bytes=share, name=name)
                )
                trained = train_tokenizer(texts, asked.vocab)
                trained.save(path)
                progress.finish("tokenizer", note=f"{trained.vocab_size} entries")
    return load_tokenizer(path)
