"""What can be known to be wrong before anything is written, built or trained."""

from synthmix.config import SampledCorpus, StudyConfig, WrittenCorpus
from synthmix.corpus.readers import expand
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import SMALLEST_VOCABULARY, load_tokenizer
from synthmix.errors import BadInput
from synthmix.generation.endpoints import key_for
from synthmix.generation.template import load_template
from synthmix.quantities import format_count
from synthmix.study.generators import generator_protocol
from synthmix.study.ladder import cells, largest_need
from synthmix.study.tokenizers import trained_on
from synthmix.training.shape import shape_for


def check_given(config: StudyConfig) -> None:
    """Look at sizes, budgets, recipes, generators, the tokenizer and whether the files are there.

    Raises:
        BadInput: the first that cannot be.
    """
    cells(config)
    for name, entry in config.corpora.items():
        if isinstance(entry, SampledCorpus):
            try:
                shape_for(entry.params)
            except BadInput as error:
                raise BadInput(error.problem, key=f"corpora.{name}.params", remedy=error.remedy) from None
            generator_protocol(config, name)
        if isinstance(entry, WrittenCorpus):
            load_template(entry.generate)
            if entry.place == "endpoint":
                key_for(entry)
    check_generated(config)
    _check_tokenizer(config)
    for source in (*config.corpora.values(), *config.evaluate.values()):
        if isinstance(source, Source) and source.built is None:
            for pattern in source.files or ():
                expand(pattern)


def check_generated(config: StudyConfig) -> None:
    """Hold the budgets of generated text to what the recipes need.

    Raises:
        BadInput: a recipe needs more than is to be generated.
    """
    for name, need in largest_need(config).items():
        entry = config.corpora[name]
        if isinstance(entry, SampledCorpus) and entry.tokens < need:
            raise BadInput(
                f"{format_count(entry.tokens)} tokens are to be sampled, {format_count(need)} are needed by a recipe",
                key=f"corpora.{name}.tokens",
                remedy=f"ask for {format_count(need * 1.1)}, lower the budgets, or raise training.epochs",
            )


def _check_tokenizer(config: StudyConfig) -> None:
    asked = config.tokenizer
    if asked.path is not None:
        load_tokenizer(asked.path)
    elif asked.vocab < SMALLEST_VOCABULARY:
        raise BadInput(
            f"{asked.vocab} is too small", key="tokenizer.vocab", remedy=f"ask for {SMALLEST_VOCABULARY} or more"
        )
    if asked.path is None:
        trained_on(config)
