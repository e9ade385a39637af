"""The study file: validated models behind YAML and Python alike. An unknown key is an error."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from synthmix.corpus.sources import Source
from synthmix.corpus.tokenizer import LOSSY
from synthmix.files import placed
from synthmix.generation.sampler import Sampling
from synthmix.generation.settings import GenerateConfig
from synthmix.mixture.schedule import SourceShare, VaryingShare
from synthmix.quantities import parse_count, parse_number
from synthmix.results import Prices
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape
from synthmix.validation import Count, Name, Share, TextKind


class Part(BaseModel):
    """Base of the study file's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class RealCorpus(Source):
    """Text that was not made by the study. A bare string is a path or glob."""

    heldout: Share = Fraction(0)
    kind: TextKind = "natural"
    origin: str = ""
    license: str = ""


class SampledCorpus(Sampling):
    """Text sampled from a small Llama that the study trains on the natural corpus ``from``."""

    generate: Literal["sample"]
    source: str = Field(alias="from")
    params: Count
    train: Count = Field(description="tokens of the natural corpus that the generator is trained on")
    tokens: Count = Field(description="tokens to sample: the finite budget")
    seed: int = Field(default=1000, ge=0)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class WrittenCorpus(GenerateConfig):
    """Text that a language model writes from the natural corpus ``from``: ``generate`` names the type (hq, qa, ...) or
    a template file. ``params``: the model's size, where it is known; its FLOPs are then charged."""

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


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class TokenizerConfig(Part):
    """A byte-level BPE trained on the natural corpus (or ``on``), or any Hugging Face tokenizer (``path``).

    ``end``: that tokenizer's end-of-document token, where it does not say; ``new:TOKEN`` adds one. ``lossy``: the
    largest share of a domain's bytes that it may lose.
    """

    vocab: Count = 4096
    on: Annotated[list[str], BeforeValidator(_as_list)] = Field(default=[])
    path: str | None = None
    end: str | None = None
    lossy: Share = LOSSY
    limit: Count = Field(default=20_000_000, description="bytes of text it is trained on")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.path is not None and self.model_fields_set & {"vocab", "on"}:
            raise ValueError("path: a ready tokenizer has its own vocabulary; drop vocab and on")
        if self.path is None and self.model_fields_set & {"end", "lossy"}:
            raise ValueError("path: end and lossy are settings of a ready tokenizer; name it, or drop them")
        return self


class SourceBounds(Part):
    """How much of one source a designed mixture may hold. ``natural``: its share of the natural mixture."""

    least: Share = Field(default=Fraction(0), alias="min")
    most: Share = Field(default=Fraction(1), alias="max")
    natural: Share | None = None


class GroupBounds(Part):
    """How much several sources may hold together."""

    sources: list[str] = Field(min_length=1)
    least: Share = Field(default=Fraction(0), alias="min")
    most: Share = Field(default=Fraction(1), alias="max")


class DesignConfig(Part):
    """Mixtures of ``mix.sources`` that are laid out under their bounds: see :mod:`synthmix.mixture.design`."""

    runs: int = Field(ge=1, description="at each size, budget and seed of the ladder; repeats of natural text count")
    natural_every: int = Field(default=10, ge=2, description="natural text is repeated after so many runs")
    simulated_epochs: int = Field(default=0, ge=0, description="mixtures trained again on text cut as at the question")


def _as_bounds(value: Any) -> Any:
    """``[web, hq]`` and ``{web: , hq: }`` are sources without bounds."""
    if isinstance(value, list):
        return {name: {} for name in value} if all(isinstance(name, str) for name in value) else value
    return {name: {} if each is None else each for name, each in value.items()} if isinstance(value, dict) else value


class MixConfig(Part):
    """Which recipes: shares of each synthetic corpus in the natural one, mixtures of many sources by design, and any
    others by name. A share may change along the run: see :class:`synthmix.mixture.schedule.Schedule`; in a recipe one
    source may take the ``rest``."""

    natural: str
    synthetic: Annotated[list[str], BeforeValidator(_as_list)] = Field(default=[])
    shares: list[VaryingShare] = Field(default=[Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(1)])
    recipes: dict[Name, dict[str, SourceShare]] = Field(default={})
    simulated_epochs: bool = Field(default=False, description="recipes are trained on text cut as at the question")
    sources: Annotated[dict[Name, SourceBounds], BeforeValidator(_as_bounds)] = Field(default={})
    groups: dict[Name, GroupBounds] = Field(default={})
    design: DesignConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _first_is_natural(cls, given: Any) -> Any:
        """``natural`` is the first of the sources unless it is named."""
        if isinstance(given, dict) and "natural" not in given and given.get("sources"):
            return {"natural": next(iter(given["sources"])), **given}
        return given

    @model_validator(mode="after")
    def _designed(self) -> Self:
        if bool(self.sources) != (self.design is not None):
            missing, there = ("sources", "design") if not self.sources else ("design", "sources")
            raise ValueError(
                f"{there} without {missing}: write sources: {{web: , hq: {{max: 60%}}}}, design: {{runs: 30}}"
            )
        if len(self.sources) == 1:
            raise ValueError("sources: one source alone is no mixture; name two or more")
        for name, group in self.groups.items():
            if unknown := [source for source in group.sources if source not in self.sources]:
                raise ValueError(f"groups.{name}: '{unknown[0]}' is not among sources: {', '.join(self.sources)}")
        if self.sources and self.natural not in self.sources:
            raise ValueError(f"natural: '{self.natural}' is not among sources: {', '.join(self.sources)}")
        return self

    @property
    def mixed(self) -> list[str]:
        """Every corpus that some recipe mixes."""
        by_hand = (name for recipe in self.recipes.values() for name in recipe)
        return list(dict.fromkeys([self.natural, *self.synthetic, *by_hand, *self.sources]))

    @property
    def natural_mixture(self) -> dict[str, Fraction]:
        """Shares of natural text alone; of designed studies as its sources say, else of the one natural corpus."""
        given = {name: each.natural for name, each in self.sources.items() if each.natural}
        return given or {self.natural: Fraction(1)}


class Replicates(Part):
    """More seeds for some cells of the ladder, so that noise is measured. Absent lists mean all."""

    params: list[Count] | None = None
    budgets: list[Count] | None = None
    seeds: int = Field(ge=2)


class LadderConfig(Part):
    """Sizes (non-embedding parameters) times budgets (tokens) times seeds, for every recipe."""

    params: list[Count] = Field(min_length=1)
    budgets: list[Count] = Field(min_length=1)
    seeds: int = Field(default=1, ge=1)
    shapes: dict[Count, dict[str, int]] = Field(default={}, description="dimensions of a size, instead of the rule's")
    replicates: list[Replicates] = Field(default=[])

    @model_validator(mode="after")
    def _dimensions(self) -> Self:
        for params, given in self.shapes.items():
            if params not in self.params:
                raise ValueError(f"shapes: {params} is not among params")
            if unknown := sorted(given.keys() - Shape.__dataclass_fields__):
                raise ValueError(f"shapes: a shape has no {unknown[0]}; it has {', '.join(Shape.__dataclass_fields__)}")
        return self

    def seeds_at(self, params: int, budget: int) -> int:
        """How many seeds the cell (params, budget) gets."""
        more = [
            each.seeds
            for each in self.replicates
            if (each.params is None or params in each.params) and (each.budgets is None or budget in each.budgets)
        ]
        return max([self.seeds, *more])


def _positive(value: Any) -> float:
    """``989e12`` is text in YAML."""
    number = parse_number(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{value!r} is not a number above 0")
    return number


def _amount(value: Any) -> float:
    return 0.0 if value == 0 else _positive(value)


class PriceList(Part):
    """A price list as it is written: money for an hour of a GPU, its peak FLOP/s, the part of that which training makes
    use of (``40%``), and money per million generated tokens by kind."""

    gpu_hour: Annotated[float, BeforeValidator(_amount)]
    flops: Annotated[float, BeforeValidator(_positive)]
    mfu: Annotated[Share, Field(gt=0)]
    generated: dict[Name, Annotated[float, BeforeValidator(_amount)]] = Field(default={})

    @property
    def prices(self) -> Prices:
        """As the decision holds it."""
        return Prices(gpu_hour=self.gpu_hour, flops=self.flops, mfu=float(self.mfu), generated=dict(self.generated))


def _as_supply(value: Any) -> Any:
    return None if value == "unlimited" else parse_count(value)


def _prices_kind(value: Any) -> str:
    """Whether prices are a whole price list, or of sources alone."""
    keys = value.keys() if isinstance(value, dict) else ()
    listed = isinstance(value, PriceList) or PriceList.model_fields.keys() & keys
    return "price list" if listed else "source prices"


Money = Annotated[float, BeforeValidator(_amount)]
PricesEntry = Annotated[
    Annotated[PriceList, Tag("price list")] | Annotated[dict[str, Money], Tag("source prices")],
    Discriminator(_prices_kind),
]


class Question(Part):
    """What will really be trained, and of what.

    Attributes:
        params: non-embedding parameters. tokens: the budget.
        supply: source -> unique tokens there are, ``unlimited`` for as many as are needed; all sources or none.
        epochs: source -> how often it may be gone through.
        prices: source -> money per million tokens, or a price list, for what the training costs too.
        budget_money: for synthetic tokens, at most.
    """

    params: Count
    tokens: Count
    supply: dict[str, Annotated[int | None, BeforeValidator(_as_supply)]] = Field(default={})
    epochs: dict[str, Annotated[float, Field(ge=1, allow_inf_nan=False)]] = Field(default={})
    prices: PricesEntry | None = None
    budget_money: Money | None = None

    @property
    def price_list(self) -> Prices | None:
        """The price list, if there is one."""
        return self.prices.prices if isinstance(self.prices, PriceList) else None

    @property
    def source_prices(self) -> dict[str, float]:
        """Source -> money per million tokens."""
        return self.prices.generated if isinstance(self.prices, PriceList) else self.prices or {}

    def ratios(self) -> dict[str, Fraction]:
        """Source -> its unique tokens over the budget, where its supply is limited."""
        return {name: Fraction(there, self.tokens) for name, there in self.supply.items() if there is not None}


class FitConfig(Part):
    """How many bootstrap resamples, and the level of every interval."""

    bootstrap: int = Field(default=1000, ge=50)
    level: float = Field(default=0.9, gt=0.5, lt=1)


class StudyConfig(Part):
    """A whole study. ``file`` is where it was read from (for messages and relative paths)."""

    study: Name = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    folder: Path | None = None
    tokenizer: TokenizerConfig = TokenizerConfig()
    corpora: dict[Name, CorpusEntry] = Field(min_length=1)
    evaluate: dict[Name, EvaluationEntry] = Field(min_length=1)
    evaluate_tokens: Count = Field(default=50_000, description="tokens of each held-out domain that are scored")
    mix: MixConfig
    ladder: LadderConfig
    training: Protocol = Protocol()
    question: Question | None = None
    fit: FitConfig = FitConfig()
    workers: int | None = Field(default=None, ge=1, description="processes; unset: one a core")
    keep_checkpoints: bool = True
    log: Annotated[list[Literal["tensorboard", "wandb", "mlflow"]], BeforeValidator(_as_list)] = Field(default=[])

    def _check_question(self) -> None:
        asked, design = self.question, self.mix.design
        cut = {"mix.simulated_epochs": self.mix.simulated_epochs}
        cut |= {"mix.design.simulated_epochs": design is not None and design.simulated_epochs > 0}
        for key in (key for key, wanted in cut.items() if wanted and (asked is None or not asked.supply)):
            raise ValueError(f"{key}: how often text repeats is not known; write question.supply")
        if asked is None:
            return
        for key in ("supply", "epochs", "source_prices"):
            for name in getattr(asked, key):
                if name not in self.mix.mixed:
                    named = f"question.{key.removeprefix('source_')}"
                    raise ValueError(f"{named}: no recipe holds '{name}'; they hold {', '.join(self.mix.mixed)}")
        if asked.supply:
            for name in self.mix.mixed:
                if name not in asked.supply:
                    raise ValueError(f"question.supply: '{name}' has none; write its unique tokens, or unlimited")

    @property
    def root(self) -> Path:
        """The study's folder. For a study that was read from a file it counts from the file's own folder."""
        return Path(placed(self.folder or Path("studies") / self.study))

    @property
    def sampled(self) -> dict[str, SampledCorpus]:
        """The corpora that models of the study's own write."""
        return {name: entry for name, entry in self.corpora.items() if isinstance(entry, SampledCorpus)}

    @property
    def written(self) -> dict[str, WrittenCorpus]:
        """The corpora that a language model writes."""
        return {name: entry for name, entry in self.corpora.items() if isinstance(entry, WrittenCorpus)}

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        there = f"there are {', '.join(self.corpora)}"
        for key, names in {
            "mix.natural": [self.mix.natural],
            "mix.synthetic": self.mix.synthetic,
            "mix.sources": list(self.mix.sources),
            "tokenizer.on": self.tokenizer.on,
            **{f"mix.recipes.{name}": list(shares) for name, shares in self.mix.recipes.items()},
            **{
                f"corpora.{name}.from": [entry.source]
                for name, entry in self.corpora.items()
                if isinstance(entry, SampledCorpus | WrittenCorpus)
            },
        }.items():
            for name in names:
                if name not in self.corpora:
                    raise ValueError(f"{key}: no corpus '{name}'; {there}")
        self._check_question()
        if self.mix.natural in self.mix.synthetic:
            raise ValueError(f"mix.synthetic: '{self.mix.natural}' is the natural corpus already")
        for name in self.mix.natural_mixture if self.mix.sources else ():
            entry = self.corpora[name]
            if not isinstance(entry, RealCorpus) or entry.kind != "natural":
                raise ValueError(f"mix.natural: corpus '{name}' is synthetic; name the natural one, the yardstick")
        for name, entry in self.corpora.items():
            if not isinstance(entry, RealCorpus) and not isinstance(self.corpora[entry.source], RealCorpus):
                raise ValueError(f"corpora.{name}.from: '{entry.source}' is generated itself; name a natural corpus")
        for name, held in self.evaluate.items():
            if held == "heldout":
                corpus = self.corpora.get(name)
                if corpus is None:
                    raise ValueError(f"evaluate.{name}: 'heldout' needs a corpus of this name; {there}")
                if not isinstance(corpus, RealCorpus) or not corpus.heldout:
                    raise ValueError(f"evaluate.{name}: corpus '{name}' holds nothing out; give it heldout: 2%")
            elif name in self.corpora:
                raise ValueError(f"evaluate.{name}: a corpus has this name; write '{name}: heldout' or rename it")
        return self
