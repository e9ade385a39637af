"""What a generation job is: the keys of a study file's corpus with ``generate: hq`` and of ``synthmix generate``."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synthmix.generation.filters import Filters
from synthmix.generation.parameters import check_sampling
from synthmix.generation.template import Template
from synthmix.validation import Count

DEFAULT_SAMPLING = {"temperature": 0.7, "top_p": 0.95}
MAX_TOKENS = 1024  # of one answer, when neither the sampling nor the template says


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class GenerateConfig(BaseModel):
    """Text written by a model.

    Attributes:
        generate: a built-in type (hq, qa, textbook, ...) or a template file.
        model: the name by which the endpoints serve it; without an endpoint a folder or hub id, run in this process.
        endpoint: addresses of OpenAI-compatible servers, up to and with ``/v1``; several share the work.
        sampling: temperature, top_p, top_k, min_p, max_tokens, ...: numbers or distributions.
        tokens: stop at so many tokens of finished text; the whole source when absent.
        documents: use only the first ones of the source. rollouts: answers per document.
        chunk_tokens: longest piece of a document in one request.
        price_in, price_out: money per million tokens. budget_tokens, budget_money: never passed.
        key_env: environment variable that holds the key. timeout: seconds for one answer. retries: of one request.
        concurrency: requests at once to one endpoint, at most; found below that.
        batch: prompts at once in this process.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    generate: str = Field(default="hq", min_length=1)
    model: str = Field(min_length=1)
    endpoint: Annotated[list[str], BeforeValidator(_as_list)] = []
    sampling: Annotated[dict[str, Any], BeforeValidator(check_sampling)] = {}
    tokens: Count | None = None
    documents: Count | None = None
    rollouts: int = Field(default=1, ge=1)
    chunk_tokens: Count = 300
    seed: int = Field(default=0, ge=0)
    filters: Filters = Filters()
    price_in: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    price_out: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    budget_tokens: Count | None = None
    budget_money: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    key_env: str | None = None
    timeout: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    retries: int = Field(default=8, ge=0)
    concurrency: int = Field(default=512, ge=1)
    batch: int = Field(default=16, ge=1)

    @model_validator(mode="after")
    def _budget_has_a_price(self) -> Self:
        if self.budget_money is not None and not (self.price_in or self.price_out):
            raise ValueError("budget_money: needs price_in and price_out, money per million tokens")
        return self

    @property
    def place(self) -> Literal["endpoint", "process"]:
        """Where the model runs."""
        return "endpoint" if self.endpoint else "process"

    def drawn_from(self, template: Template) -> dict[str, Any]:
        """The sampling with what is not said filled in: the template's ``max_tokens``, and usual values."""
        usual = {**DEFAULT_SAMPLING, "max_tokens": template.front.max_tokens or MAX_TOKENS}
        return {**usual, **self.sampling}

    def identity(self, template: Template) -> dict[str, Any]:
        """What decides the text: a job of another identity is another job. Where and how fast it runs is not in it."""
        return {
            "model": self.model,
            "template": template.id,
            "sampling": self.drawn_from(template),
            "seed": self.seed,
            "chunk_tokens": self.chunk_tokens,
        }
