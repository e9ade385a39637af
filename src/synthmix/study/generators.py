"""Generators of a study: the run that trains one, and where its text lies."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from synthmix.config import SampledCorpus, StudyConfig
from synthmix.errors import BadInput
from synthmix.files import content_hash
from synthmix.generation.sampler import Sampling
from synthmix.study.corpora import Prepared
from synthmix.study.workspace import Workspace
from synthmix.training.protocol import Protocol
from synthmix.training.settle import settle
from synthmix.training.spec import RunSpec


def generator_spec(config: StudyConfig, name: str, prepared: Prepared) -> RunSpec:
    """The run that trains the generator of corpus ``name``: the study's protocol at the generator's length."""
    entry = config.corpora[name]
    if not isinstance(entry, SampledCorpus):
        raise TypeError(name)
    protocol, steps = generator_protocol(config, name)
    return RunSpec(
        params=entry.params,
        recipe=f"generator of {name}",
        shares={entry.source: Fraction(1)},
        corpora={entry.source: prepared.corpora[entry.source].id},
        tokenizer=prepared.tokenizer.hash,
        vocab=prepared.tokenizer.vocab_size,
        steps=steps,
        seed=entry.seed,
        protocol=protocol,
    )


def generator_protocol(config: StudyConfig, name: str) -> tuple[Protocol, int]:
    """The study's protocol at the generator's length, and the generator's steps.

    Raises:
        BadInput: too few steps.
    """
    entry = config.corpora[name]
    if not isinstance(entry, SampledCorpus):
        raise TypeError(name)
    protocol = config.training.model_copy(update={"context": entry.length})
    if protocol.rules == "fixed" or "batch" in config.training.model_fields_set:
        rows = max(1, config.training.batch // entry.length)
        protocol = protocol.model_copy(update={"batch": rows * entry.length})
    try:
        if protocol.rules == "dial":
            protocol = settle(protocol, entry.params, entry.train)
        return protocol, protocol.steps(entry.train)
    except ValueError as error:
        raise BadInput(str(error), key=f"corpora.{name}.train") from None


@dataclass(frozen=True)
class Places:
    """Where a sampled corpus and its parts lie: both keyed by everything that shapes them."""

    spec: RunSpec
    parts: Path
    folder: Path
    how: dict[str, Any]

    def provenance(self) -> dict[str, Any]:
        """What made the text, for the corpus's metadata."""
        return {"run": self.spec.id, "params": self.spec.shape.params, "trained_on": self.spec.tokens, **self.how}


def places(config: StudyConfig, name: str, space: Workspace, prepared: Prepared) -> Places:
    """The generator's run, the parts' folder and the corpus's folder of the corpus ``name``."""
    entry = config.corpora[name]
    if not isinstance(entry, SampledCorpus):
        raise TypeError(name)
    spec = generator_spec(config, name, prepared)
    how = entry.model_dump(mode="json", include={*Sampling.model_fields, "seed"})
    parts = space.generated / content_hash([spec.id, how])
    key = content_hash([parts.name, entry.tokens, [other.id for other in prepared.heldout]])
    return Places(spec, parts, space.corpora / f"{name}-{key}", how)
