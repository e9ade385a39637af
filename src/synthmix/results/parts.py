"""What every result is made of."""

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Part(BaseModel):
    """Base of the parts: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def formerly(before: str, now: str) -> BeforeValidator:
    """Reads a code that earlier versions wrote otherwise."""
    return BeforeValidator(lambda value: now if value == before else value)


class Warn(Part):
    """A coded warning with a sentence a person can act on; ``about`` names the recipe, law or corpus."""

    code: str
    message: str
    about: str | None = None
