"""What a generation job is: the keys of a study file's corpus with ``generate: hq`` and of ``synthmix generate``.

Sampling parameters are fixed numbers, or distributions that each request draws from: ``temperature: 0.7``,
``temperature: {uniform: [0.6, 1.0]}``, ``top_p: {choice: [0.9, 0.95]}``, also ``loguniform`` and ``integers`` (both
ends included). A draw is a hash of seed, key and name: the same on every machine, whatever the order of the requests.
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from synthmix.errors import BadInput
from synthmix.generation.filters import Filters
from synthmix.generation.template import Template
from synthmix.validation import Count

# name: lowest, highest, whole number
_RANGES: dict[str, tuple[float, float, bool]] = {
    "temperature": (0.0, 2.0, False),
    "top_p": (1e-6, 1.0, False),
    "top_k": (0, 1_000_000, True),
    "min_p": (0.0, 1.0, False),
    "max_tokens": (1, 1_000_000, True),
    "presence_penalty": (-2.0, 2.0, False),
    "frequency_penalty": (-2.0, 2.0, False),
    "repetition_penalty": (0.01, 10.0, False),
    "seed": (0, 2**31 - 1, True),
}
SAMPLING_PARAMETERS = (*_RANGES, "stop")
_DISTRIBUTIONS = ("uniform", "loguniform", "integers", "choice")
DEFAULT_SAMPLING = {"temperature": 0.7, "top_p": 0.95}
MAX_TOKENS = 1024  # of one answer, when neither the sampling nor the template says


def check_sampling(spec: Mapping[str, Any]) -> dict[str, Any]:
    """``spec`` as a plain dictionary, every value and every end of a distribution within its range. None: not sent.

    Raises:
        ValueError: an unknown parameter or distribution, or a value outside its range; says what would do.
    """
    for name, value in spec.items():
        if name not in SAMPLING_PARAMETERS:
            raise ValueError(f"{name}: no such sampling parameter; there are {', '.join(SAMPLING_PARAMETERS)}")
        if isinstance(value, Mapping):
            _check_distribution(name, value)
        elif value is not None or name == "max_tokens":
            _check_value(name, value)
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in spec.items()}


def draw_sampling(spec: Mapping[str, Any], seed: int, key: str) -> dict[str, Any]:
    """What one request is sampled with. ``key`` names the request (document, chunk, rollout).

    A ``seed`` below 2^31 is drawn as well, unless ``spec`` fixes one or says None: servers that honour it repeat their
    answer, and rollouts of one prompt differ.

    Raises:
        BadInput: see :func:`check_sampling`.
    """
    drawn: dict[str, Any] = {}
    for name, value in spec.items():
        if isinstance(value, Mapping):
            try:
                [(kind, ends)] = value.items()
                drawn[name] = _DRAWS[kind](list(ends), _unit(seed, key, name))
            except (ValueError, KeyError, TypeError):
                raise BadInput(_explain(name, value), key=f"sampling.{name}") from None
        elif value is not None:
            drawn[name] = value
    if "seed" not in spec:
        drawn["seed"] = int(_unit(seed, key, "seed") * 2**31)
    return drawn


def _unit(seed: int, key: str, name: str) -> float:
    """A number in [0, 1) out of 53 bits of a hash."""
    digest = hashlib.blake2b(f"{seed}\0{key}\0{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def _uniform(ends: list[Any], unit: float) -> float:
    low, high = ends
    return round(low + (high - low) * unit, 4)


def _loguniform(ends: list[Any], unit: float) -> float:
    low, high = map(math.log, ends)
    return round(math.exp(low + (high - low) * unit), 4)


def _integers(ends: list[Any], unit: float) -> int:
    low, high = ends
    return int(low + (high - low + 1) * unit)


def _choice(values: list[Any], unit: float) -> Any:
    return values[int(len(values) * unit)]


_DRAWS: dict[str, Callable[[list[Any], float], Any]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "integers": _integers,
    "choice": _choice,
}


def _check_distribution(name: str, value: Mapping[str, Any]) -> None:
    if len(value) != 1 or next(iter(value)) not in _DISTRIBUTIONS:
        raise ValueError(_explain(name, value))
    [(kind, ends)] = value.items()
    if not isinstance(ends, list | tuple) or not ends or (kind != "choice" and len(ends) != 2):
        raise ValueError(_explain(name, value))
    for end in ends:
        _check_value(name, end)
    if kind == "choice":
        return
    if name == "stop" or (kind == "integers") != _RANGES[name][2]:
        raise ValueError(_explain(name, value))
    if ends[0] > ends[1] or (kind == "loguniform" and ends[0] <= 0):
        raise ValueError(f"{name}: {kind} from {ends[0]} to {ends[1]} is not a range")


def _check_value(name: str, value: Any) -> None:
    if name == "stop":
        texts = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(text, str) and text for text in texts):
            raise ValueError(f"stop: {value!r} is neither text nor a list of texts")
        return
    low, high, whole = _RANGES[name]
    number = isinstance(value, int) if whole else isinstance(value, int | float)
    if not number or isinstance(value, bool) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name}: {value!r} is not {kind} from {low:g} to {high:g}")


def _explain(name: str, value: Any) -> str:
    given = dict(value) if isinstance(value, Mapping) else value
    example = "{integers: [1, 40]}" if name in _RANGES and _RANGES[name][2] else "{uniform: [0.6, 1.0]}"
    return f"{name}: {given!r} is not a distribution; write {example} or {{choice: [...]}}"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _variable(name: str | None) -> str | None:
    if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"{name!r} is no name of an environment variable")
    return name


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
        key_env: environment variable that holds the key; the user must have allowed it for the endpoint
            (:mod:`synthmix.generation.keys`). timeout: seconds for one answer. retries: of one request.
        concurrency: requests at once to one endpoint, at most; found below that.
        max_wait: longest wait in seconds that a server may ask for (Retry-After); one that asks for more is given up.
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
    key_env: Annotated[str | None, AfterValidator(_variable)] = None
    timeout: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    retries: int = Field(default=8, ge=0)
    concurrency: int = Field(default=512, ge=1)
    max_wait: float = Field(default=300.0, gt=0, allow_inf_nan=False)
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
