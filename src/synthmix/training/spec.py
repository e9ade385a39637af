"""What a run is: size, recipe, budget, seed and protocol. Its id is the hash of exactly these."""

from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from synthmix.files import content_hash
from synthmix.mixture.recipe import Recipe
from synthmix.mixture.schedule import CurveField
from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.shape import Shape, shape_for
from synthmix.validation import Share

Stage = Literal["ladder", "generator", "tune"]


NOT_HASHED = ("recipe", "stage", "params", "given_shape", "steps", "protocol")


class RunSpec(BaseModel):
    """One model to be trained.

    Attributes:
        recipe: display name of the mixture; never an identity, which is what ``mixture`` contains.
        stage: what the run is for: a point of the ladder, which laws are fitted to; the generator of a sampled corpus;
            or a point of a learning-rate sweep. Like the name it is no part of the id.
        corpora: each source of the recipe -> id (content hash) of its corpus.
        schedule: each source -> its share over the run, where shares change (``shares`` are then their means).
        unique: source whose text is cut -> unique tokens over the budget.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    params: int
    given_shape: dict[str, int] = {}  # dimensions that were asked for instead of the rule's
    recipe: str
    stage: Stage = "ladder"
    shares: dict[str, Share]
    schedule: dict[str, CurveField] | None = None
    unique: dict[str, Share] = {}
    corpora: dict[str, str]
    tokenizer: str
    vocab: int
    steps: int
    seed: int
    protocol: Protocol

    @property
    def shape(self) -> Shape:
        """The Llama that ``params`` resolves to."""
        return shape_for(self.params, **self.given_shape)

    @property
    def tokens(self) -> int:
        """The budget: tokens predicted in training."""
        return self.steps * self.protocol.batch

    @property
    def flops(self) -> float:
        """Training FLOPs."""
        return self.tokens * self.shape.flops_per_token(self.vocab, self.protocol.context)

    @property
    def peak(self) -> float:
        """Peak learning rate."""
        return self.protocol.learning_rate or peak_rate(self.shape.width, self.protocol.rate_factor)

    @property
    def mixture(self) -> Recipe:
        """The recipe as an object."""
        shares = tuple((name, Fraction(share)) for name, share in self.shares.items())
        unique = tuple((name, Fraction(ratio)) for name, ratio in self.unique.items())
        return Recipe(self.recipe, shares, tuple(self.schedule.items()) if self.schedule else None, unique)

    @property
    def id(self) -> str:
        """Hash of everything that changes the trained model; the recipe's display name and the stage do not."""
        return content_hash({**self._parts(), "protocol": self.protocol.identity(), "steps": self.steps})

    @property
    def branch(self) -> int:
        """The step at which this run leaves the trunk; 0 when it has none."""
        return self.protocol.branch(self.steps) if self.mixture.is_static else 0

    @property
    def trunk(self) -> str:
        """Hash of what the runs of one trunk share: all but the budget and its decay."""
        stable = {key: value for key, value in self.protocol.identity().items() if key not in ("decay", "final_rate")}
        return content_hash({**self._parts(), "protocol": stable, "trunk": True})

    def _parts(self) -> dict[str, Any]:
        unused = {name for name in ("schedule", "unique") if not getattr(self, name)}
        parts = self.model_dump(mode="json", exclude={*NOT_HASHED, *unused})
        return {**parts, "shape": self.shape.as_dict(), "peak": self.peak}

    def at(self) -> str:
        """A short name for people."""
        return f"{self.recipe} N={self.params} D={self.tokens} seed={self.seed}"
