"""The study file: validated models behind YAML and Python alike. An unknown key is an error."""

from synthmix.config.corpora import CorpusEntry, RealCorpus, SampledCorpus, WrittenCorpus
from synthmix.config.study import Question, StudyConfig

__all__ = ["CorpusEntry", "Question", "RealCorpus", "SampledCorpus", "StudyConfig", "WrittenCorpus"]
