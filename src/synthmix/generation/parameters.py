"""Sampling parameters of a request: fixed numbers, or distributions that each request draws from.

``temperature: 0.7``, ``temperature: {uniform: [0.6, 1.0]}``, ``top_p: {choice: [0.9, 0.95]}``, also ``loguniform``
and ``integers`` (both ends included). A draw is a hash of seed, key and name: the same on every machine, whatever the
order of the requests.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from typing import Any

from synthmix.errors import BadInput

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
NAMES = (*_RANGES, "stop")
_KINDS = ("uniform", "loguniform", "integers", "choice")


def check_sampling(spec: Mapping[str, Any]) -> dict[str, Any]:
    """``spec`` as a plain dictionary, every value and every end of a distribution within its range. None: not sent.

    Raises:
        ValueError: an unknown parameter or distribution, or a value outside its range; says what would do.
    """
    for name, value in spec.items():
        if name not in NAMES:
            raise ValueError(f"{name}: no such sampling parameter; there are {', '.join(NAMES)}")
        if isinstance(value, Mapping):
            _check_distribution(name, value)
        elif value is not None or name == "max_tokens":
            _check_value(name, value)
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in spec.items()}


def draw_sampling(spec: Mapping[str, Any], seed: int, key: str) -> dict[str, Any]:
    """What one request is sampled with. ``key`` names the request (document, chunk, rollout).

    A ``seed`` below 2^31 is drawn as well, unless ``spec`` fixes one: servers that honour it repeat their answer, and
    rollouts of one prompt differ.

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
    drawn.setdefault("seed", int(_unit(seed, key, "seed") * 2**31))
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
    if len(value) != 1 or next(iter(value)) not in _KINDS:
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
        raise ValueError(f"{name}: {kind} from {ends[0]} to {ends[1]} is no range")


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
    return f"{name}: {given!r} is no distribution; write {example} or {{choice: [...]}}"
