"""Reading a study file: safe YAML, every mistake in one line that names file, key and remedy."""

import difflib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from synthmix.config import CorpusEntry, PriceList, RealCorpus, SampledCorpus, StudyConfig, WrittenCorpus
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.reading import parse_yaml, read_whole
from synthmix.study.ladder import study_recipes
from synthmix.validation import misfit

#: Pydantic's names for what a value might be; the last two are how such names begin.
UNION_TAGS = ("real", "generate", "write", "price list", "source prices", "literal[", "function-")


Study = str | Path | Mapping[str, Any] | StudyConfig
"""A study: its file, its YAML as text, the same as a dict, or one that is loaded already."""


def load_study(study: Study) -> StudyConfig:
    """Read and validate a study: its file, its YAML as text (several lines), or the same as a dict.

    Relative paths in a file, ``folder`` among them, count from the file's own folder, else from the current one; ``~``
    is the home folder. One that is loaded is given back.

    Raises:
        BadInput: no such file, not UTF-8, not YAML, a key twice, an unknown key, or a value that does not fit.
    """
    if isinstance(study, StudyConfig):
        return study
    if isinstance(study, Mapping):
        return study_from(dict(study))
    path: Path | None = None
    if isinstance(study, str) and "\n" in study:
        text = study
    else:
        path = Path(placed(study))
        if path.is_dir():
            raise BadInput("is a folder, not a study file", where=path)
        if not path.exists():
            raise BadInput("no such study file", where=path)
        text = read_whole(path)
    raw = parse_yaml(text, where=path)
    if not isinstance(raw, dict):
        raise BadInput("is not a study: it has no keys", where=path, remedy="see examples/quickstart.yaml")
    return study_from(raw, where=path)


def study_from(raw: dict[str, Any], *, where: Path | None = None) -> StudyConfig:
    """Validate a study given as plain data.

    Raises:
        BadInput: an unknown key, a value that does not fit, or recipes that are equal or have one name.
    """
    try:
        config = StudyConfig.model_validate(raw)
    except ValidationError as error:
        raise _explained(error, where) from None
    base = where.parent if where else Path()
    corpora = {name: _resolved(entry, base) for name, entry in config.corpora.items()}
    evaluate = {
        name: entry.resolved(base) if isinstance(entry, Source) else entry for name, entry in config.evaluate.items()
    }
    tokenizer = config.tokenizer
    if tokenizer.path is not None:
        there = placed(tokenizer.path, base)
        if tokenizer.path.endswith(".json") or tokenizer.path.startswith("~") or Path(there).exists():
            tokenizer = tokenizer.model_copy(update={"path": there})  # else a name on the hub
    try:
        study_recipes(config)
    except BadInput as error:
        key = ".".join(str(part) for part in (error.where, error.key) if part)
        raise BadInput(error.problem, where=where, key=key, remedy=error.remedy) from None
    folder = _folder(config.folder or Path("studies") / config.study, base)
    return config.model_copy(
        update={"corpora": corpora, "evaluate": evaluate, "tokenizer": tokenizer, "folder": folder}
    )


def _folder(given: Path, base: Path) -> Path:
    """The study's folder, from the study file's; one that an earlier version made in the current folder goes on."""
    folder = Path(placed(given, base))
    if folder.exists() or given.is_absolute() or not (given / "runs").is_dir():
        return folder
    message = f"{given} in the current folder is used; move it to {folder}, where it is found from anywhere"
    warnings.warn(message, stacklevel=2)
    return given


def _resolved(entry: CorpusEntry, base: Path) -> CorpusEntry:
    """The entry with relative paths made to count from the study file's folder: files, a template, a local model."""
    if isinstance(entry, RealCorpus):
        return entry.resolved(base)
    if isinstance(entry, WrittenCorpus):
        names = ("generate",) if entry.endpoint else ("generate", "model")
        paths = {name: placed(getattr(entry, name), base) for name in names}
        return entry.model_copy(update={name: path for name, path in paths.items() if Path(path).exists()})
    return entry


def _explained(error: ValidationError, where: Path | None) -> BadInput:
    found = misfit(error)
    keys = [part for part in found.path if not _is_tag(part)]
    key = ".".join(keys) or None
    if found.kind == "extra_forbidden":
        known = _known_keys(keys[:-1])
        near = difflib.get_close_matches(keys[-1], known, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else f"known keys here: {', '.join(known)}"
        return BadInput(found.message, where=where, key=key, remedy=remedy)
    if found.kind == "missing":
        return BadInput("is missing", where=where, key=key, remedy="add it; see examples/quickstart.yaml")
    if found.kind == "literal_error" and keys[:1] == ["evaluate"]:
        return BadInput("is not 'heldout', a path or a source", where=where, key=key)
    return BadInput(found.message, where=where, key=key)


def _is_tag(part: str) -> bool:
    return part in UNION_TAGS or part.startswith(UNION_TAGS[-2:])


def _known_keys(above: list[str]) -> list[str]:
    """The keys that may stand below the key path ``above``."""
    if above and above[0] == "corpora" and len(above) > 1:
        models: list[type[BaseModel]] = [RealCorpus, SampledCorpus, WrittenCorpus]
    elif above and above[0] == "evaluate" and len(above) > 1:
        models = [Source]
    elif above == ["question", "prices"]:
        models = [PriceList]
    else:
        models = [StudyConfig]
        for part in above:
            field = models[0].model_fields.get(part)
            kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
            models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)] or models
    return [field.alias or name for model in models for name, field in model.model_fields.items()]
