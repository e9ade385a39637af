"""Generated text that is there already, of either kind: sampled here, or written by a language model."""

from synthmix.config import StudyConfig
from synthmix.study.corpora import Prepared
from synthmix.study.generators import find_sampled
from synthmix.study.workspace import Workspace
from synthmix.study.written import find_written, is_written


def find_generated(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> Prepared:
    """``prepared`` with the generated corpus ``name``, if that is built already."""
    find = find_written if is_written(config, name) else find_sampled
    return find(config, name, space, prepared)
