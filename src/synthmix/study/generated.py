"""Generated text that is there already, of either kind: sampled here, or written by a language model."""

from synthmix.config import StudyConfig
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import is_corpus
from synthmix.study.corpora import Prepared
from synthmix.study.generators import places
from synthmix.study.workspace import Workspace
from synthmix.study.written import is_written, written_folders


def find_generated(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> Prepared:
    """``prepared`` with the generated corpus ``name``, if that is built already."""
    if is_written(config, name):
        _, folder = written_folders(config, name, space, prepared)
    else:
        folder = places(config, name, space, prepared).folder
    return prepared.with_corpus(name, Corpus.open(folder)) if is_corpus(folder) else prepared
