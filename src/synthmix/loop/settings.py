"""The file of a loop: what there is, what is needed, the arms, and the limits.

::

    have: data/web.jsonl                # the text that there is
    need: data/wiki.jsonl               # the reference: one half of it chooses, the other half checks
    from: data/web.jsonl                # what the arms write from; unset: have
    kinds: [hq, faq]                    # every kind by every generator from every seed is an arm
    generators:
      small: {model: llama-3-8b, endpoint: http://localhost:8000/v1, price_in: 0.05, price_out: 0.1}
    arms:                               # further ones, each as the options of synthmix generate
      aimed: {generate: hq, model: llama-3-8b, endpoint: http://localhost:8000/v1, toward: true}
      bought: {files: data/other.jsonl, price: 2}
    limits: {near_copies: 2%, one_generator: 60%}

Paths count from the file's folder.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.generation.settings import GenerateConfig
from synthmix.loop.limits import Limits
from synthmix.reading import parse_yaml, read_whole
from synthmix.validation import Count, Name, validated

OWN = ("tokens", "documents", "budget_tokens", "budget_money")  # keys of a job that the loop sets itself


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Paths = Annotated[list[str], BeforeValidator(_as_list)]


class WrittenArm(GenerateConfig):
    """Text that a model writes: the keys of a generation job but those that end one, and ``source`` (``from`` in a
    file), what it writes from. ``toward``: seeds, keywords and sampling by what the text there is lacks for the
    reference (:mod:`synthmix.generation.aim`)."""

    source: Paths | None = Field(default=None, alias="from")
    toward: bool = False

    @model_validator(mode="after")
    def _ends_with_the_loop(self) -> Self:
        own = [key for key in OWN if key in self.model_fields_set]
        if own:
            raise ValueError(f"{own[0]}: the loop sets it; the budget is one for all arms")
        return self

    @property
    def generator(self) -> str:
        """Whose voice it is."""
        return self.model

    @property
    def priced(self) -> bool:
        """Whether a price was given; 0 is one."""
        return bool({"price_in", "price_out"} & self.model_fields_set)

    def job(self) -> GenerateConfig:
        """The settings of its generation job."""
        return GenerateConfig(**{key: getattr(self, key) for key in GenerateConfig.model_fields})


class PoolArm(BaseModel):
    """Text that is there and can be had, document by document. ``price``: money per million tokens. ``voice``: who
    wrote it; unset: the arm's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: Paths = Field(min_length=1)
    text: str = "text"
    price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    voice: str | None = None

    @property
    def priced(self) -> bool:
        """Whether a price was given."""
        return self.price is not None


Arm = WrittenArm | PoolArm


class LoopFile(BaseModel):
    """The keys of the file.

    Attributes:
        have, need: see above. source (``from``): of arms that name none. text: field of the files that holds the text.
        kinds, generators, seeds: every combination is an arm, named ``kind-generator`` or ``kind-generator-seed``.
        arms: further ones by name.
        rounds: of equal cost, that the budget is spent in; the first look at an arm takes half of one.
        sample: documents of a source that are held to write from.
        seed: of the order of documents.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    have: Paths = Field(min_length=1)
    need: Paths = Field(min_length=1)
    source: Paths | None = Field(default=None, alias="from")
    text: str = "text"
    kinds: Paths = []
    generators: dict[Name, dict[str, Any]] = {}
    seeds: dict[Name, Paths] = {}
    arms: dict[Name, dict[str, Any]] = {}
    limits: Limits = Limits()
    rounds: int = Field(default=50, ge=2, le=10_000)
    sample: Count = 50_000
    seed: int = Field(default=0, ge=0)

    def resolved(self, base: Path) -> Self:
        """With paths that count from ``base``."""

        def paths(names: list[str] | None) -> list[str] | None:
            return None if names is None else [name if name == "sample" else placed(name, base) for name in names]

        held = {key: paths(getattr(self, key)) for key in ("have", "need", "source")}
        return self.model_copy(update={**held, "seeds": {key: paths(names) for key, names in self.seeds.items()}})


class Loop(BaseModel):
    """A loop's settings with all of its arms.

    Raises:
        BadInput: (of :meth:`of`, :meth:`read`) a key that is unknown, missing or does not fit, or no arms.
    """

    model_config = ConfigDict(frozen=True)

    file: LoopFile
    arms: dict[str, Arm]

    @classmethod
    def read(cls, path: str | Path) -> "Loop":
        """From a YAML file."""
        where = Path(placed(path))
        return cls.of(parse_yaml(read_whole(where), where=where), where=where, base=where.parent)

    @classmethod
    def of(cls, raw: Any, *, where: str | Path = "loop", base: Path | None = None) -> "Loop":
        """From plain data, as YAML gives it."""
        if not isinstance(raw, Mapping):
            raise BadInput("is not a mapping of keys", where=where, remedy="begin with have:, need: and arms:")
        file = validated(LoopFile, raw, where=where).resolved(base or Path())
        arms: dict[str, Arm] = {}
        for kind in file.kinds:
            for name, generator in file.generators.items():
                for seed, paths in (file.seeds or {"": []}).items():
                    more: dict[str, Any] = {"generate": kind} | ({"from": paths} if paths else {})
                    called = "-".join(part for part in (Path(kind).stem, name, seed) if part)
                    arms[called] = _arm({**more, **generator}, where, f"generators.{name}", base)
        if bool(file.kinds) != bool(file.generators):
            lone, other = ("kinds", "generators") if file.kinds else ("generators", "kinds")
            raise BadInput(f"there are no {other} for them", where=where, key=lone, remedy=f"add {other}:")
        for name, entry in file.arms.items():
            if name in arms:
                raise BadInput("is an arm of kinds and generators already", where=where, key=f"arms.{name}")
            arms[name] = _arm(entry, where, f"arms.{name}", base)
        if not arms:
            raise BadInput("there are no arms", where=where, key="arms", remedy="name kinds and generators, or arms")
        file.limits.check({arm_voice(name, arm) for name, arm in arms.items()}, where)
        return cls(file=file, arms=arms)


def arm_voice(name: str, arm: Arm) -> str:
    """Who writes an arm's text."""
    return arm.model if isinstance(arm, WrittenArm) else arm.voice or name


def _arm(raw: dict[str, Any], where: str | Path, key: str, base: Path | None) -> Arm:
    arm: Arm
    try:
        if "files" in raw:
            arm = validated(PoolArm, raw, where=where)
        else:
            arm = validated(WrittenArm, raw, where=where)
    except BadInput as error:
        below = f"{key}.{error.key}" if error.key else key
        raise BadInput(error.problem, where=where, key=below, remedy=error.remedy) from None
    root = base or Path()
    if isinstance(arm, PoolArm):
        return arm.model_copy(update={"files": [placed(name, root) for name in arm.files]})
    changed: dict[str, Any] = {
        name: there
        for name in (("generate",) if arm.endpoint else ("generate", "model"))
        if Path(there := placed(getattr(arm, name), root)).exists()
    }
    if arm.source is not None:
        changed["source"] = [name if name == "sample" else placed(name, root) for name in arm.source]
    return arm.model_copy(update=changed)
