"""The study file's corpora: text that is there, text that a model samples, text that a language model writes."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from synthmix.corpus.sources import Source
from synthmix.generation.sampler import Sampling
from synthmix.generation.settings import GenerateConfig
from synthmix.validation import Count, Share


class RealCorpus(Source):
    """Text that was not made by the study. A bare string is a path or glob."""

    heldout: Share = Fraction(0)
    kind: Literal["real", "synthetic"] = "real"
    origin: str = ""
    license: str = ""


class SampledCorpus(Sampling):
    """Text sampled from a small Llama that the study trains on the real corpus ``from``."""

    generate: Literal["sample"]
    source: str = Field(alias="from")
    params: Count
    train: Count = Field(description="tokens of the real corpus that the generator is trained on")
    tokens: Count = Field(description="tokens to sample: the finite budget")
    seed: int = Field(default=1000, ge=0)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class WrittenCorpus(GenerateConfig):
    """Text that a language model writes from the real corpus ``from``: ``generate`` names the type (hq, qa, textbook,
    ...) or a template file. ``params``: the model's size, where it is known; its FLOPs are then charged."""

    source: str = Field(alias="from")
    params: Count | None = None
    license: str = ""


def _corpus_kind(value: Any) -> str:
    given = value if isinstance(value, dict) else vars(value) if isinstance(value, BaseModel) else {}
    if "generate" not in given:
        return "real"
    return "generate" if given["generate"] == "sample" else "write"


def _as_source(value: Any) -> Any:
    return {"files": value} if isinstance(value, (str, list)) else value


CorpusEntry = Annotated[
    Annotated[
        Annotated[RealCorpus, Tag("real")]
        | Annotated[SampledCorpus, Tag("generate")]
        | Annotated[WrittenCorpus, Tag("write")],
        Discriminator(_corpus_kind),
    ],
    BeforeValidator(_as_source),
]
EvaluationEntry = Literal["heldout"] | Annotated[Source, BeforeValidator(_as_source)]
