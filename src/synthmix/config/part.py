"""What every part of the study file is."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of the study file's parts."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
