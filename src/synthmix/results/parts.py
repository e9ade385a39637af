"""What every result is made of."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of the parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Warn(Part):
    """A coded warning with a sentence a person can act on; ``about`` names the recipe, law or corpus."""

    code: str
    message: str
    about: str | None = None
