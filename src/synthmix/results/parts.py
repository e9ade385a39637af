"""What every result is made of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of the parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Part):
    """A value with its interval; ``value`` None means undefined, and ``why`` says so in one clause."""

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.9
    why: str | None = None


class Warn(Part):
    """A coded warning with a sentence a person can act on; ``about`` names the recipe, law or corpus."""

    code: str
    message: str
    about: str | None = None
