"""A study's text before any training: what can be known to be wrong, what is there already, what is to be built."""

from synthmix.config import SampledCorpus, StudyConfig, WrittenCorpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.readers import check_first, expand
from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import SMALLEST_VOCABULARY, load_tokenizer
from synthmix.errors import BadInput
from synthmix.generation.endpoints import keys_for
from synthmix.generation.keys import permissions
from synthmix.generation.template import load_template
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count
from synthmix.study.corpora import NotBuiltYet, Prepared, natural_corpora, study_tokenizer, trained_on
from synthmix.study.ladder import cells, largest_need
from synthmix.study.sampled import generator_protocol, places
from synthmix.study.workspace import Workspace
from synthmix.study.written import written_folders
from synthmix.training.shape import shape_for


def check_given(config: StudyConfig) -> None:
    """Look at sizes, budgets, recipes, generators, the tokenizer, whether the files are there and whether their first
    records have the fields that are named.

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
                keys_for(entry, permissions())
    check_generated(config)
    _check_tokenizer(config)
    for source in (*config.corpora.values(), *config.evaluate.values()):
        if isinstance(source, Source) and source.built is None:
            for pattern in source.files or ():
                check_first(expand(pattern)[0], source)


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
        load_tokenizer(asked.path, end=asked.end, lossy=asked.lossy)
    elif asked.vocab < SMALLEST_VOCABULARY:
        raise BadInput(
            f"{asked.vocab} is too small", key="tokenizer.vocab", remedy=f"ask for {SMALLEST_VOCABULARY} or more"
        )
    if asked.path is None:
        trained_on(config)


def find_generated(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> Prepared:
    """``prepared`` with the generated corpus ``name``, if that is built already."""
    if name in config.written:
        _, folder = written_folders(config, name, space, prepared)
    else:
        folder = places(config, name, space, prepared).folder
    return prepared.with_corpus(name, Corpus.open(folder)) if is_corpus(folder) else prepared


def look(config: StudyConfig, space: Workspace) -> Prepared | None:
    """The study's corpora as far as they are built; None while the natural ones are not. Builds nothing."""
    tokenizer = study_tokenizer(config, space, Silent(), build=False)
    if tokenizer is None:
        return None
    try:
        prepared = natural_corpora(config, space, tokenizer, Silent(), build=False)
    except NotBuiltYet:
        return None
    for name in prepared.pending:
        prepared = find_generated(config, name, space, prepared)
    return prepared


def natural_text(config: StudyConfig, space: Workspace, progress: Progress) -> Prepared:
    """Tokenizer, held-out domains and natural corpora, with enough tokens for every recipe."""
    _harvest(config, progress)
    tokenizer = study_tokenizer(config, space, progress)
    if tokenizer is None:
        raise TypeError("a tokenizer that may be built is never None")
    prepared = natural_corpora(config, space, tokenizer, progress)
    short = [domain.name for domain in prepared.domains if domain.tokens <= config.training.context]
    if short:
        raise BadInput(
            f"holds {min(d.tokens for d in prepared.domains)} tokens, less than one sequence",
            key=f"evaluate.{short[0]}",
            remedy="hold out more text or shorten training.context",
        )
    check_tokens(config, prepared)
    return prepared


def _harvest(config: StudyConfig, progress: Progress) -> None:
    """Read the embedded sample's domains once, all together, with progress (half a minute on a new machine)."""
    from synthmix.corpus.sample import prepare_sample

    entries = [*config.corpora.values(), *config.evaluate.values()]
    wanted = [entry.sample for entry in entries if isinstance(entry, Source) and entry.sample is not None]
    if wanted:
        every = "all" if "all" in wanted else sorted({domain for domains in wanted for domain in domains})
        prepare_sample(every, progress)


def check_tokens(config: StudyConfig, prepared: Prepared) -> None:
    """Hold the corpora that are built to what the recipes need.

    Raises:
        BadInput: a corpus is smaller than its hungriest recipe asks for.
    """
    for name, need in largest_need(config).items():
        if name in prepared.corpora:
            have = prepared.corpora[name].train_counts.tokens - config.training.context
            if have < need:
                raise BadInput(
                    f"has {format_count(max(have, 0))} training tokens, {format_count(need)} are needed by a recipe",
                    where=config.study,
                    key=f"corpora.{name}",
                    remedy="add text, lower ladder.budgets, or raise training.epochs to repeat it",
                )
