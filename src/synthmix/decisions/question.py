"""The question from what people write: a size, a budget, the natural tokens there are, synthetic kinds and prices."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from synthmix.errors import BadInput
from synthmix.quantities import parse_count
from synthmix.results import Kind, Prices, Question

KEY = "--synthetic"
NATURAL = "--natural"
_FORM = "write hq=30B,price=0.5: tokens that can be had, money per million of them"


def ask(
    params: Any,
    tokens: Any,
    *,
    natural: Any = None,
    synthetic: str | Iterable[str | Kind] | Mapping[str, Mapping[str, Any]] = (),
    budget_money: Any = None,
    price_training: Any = None,
    prices: Prices | None = None,
) -> Question:
    """The question from numbers as people write them; ``prices``: of training, and of kinds that say none.

    ``natural``: unique tokens, ``"60B"``, or with how often they may be gone through, ``"60B,epochs=4"``.

    Raises:
        BadInput: a count that is none, a price that is missing or negative, a kind given twice or none at all.
    """
    if isinstance(synthetic, str):
        synthetic = [synthetic]
    if isinstance(synthetic, Mapping):
        kinds = [
            _kind(name, {k: v for k, v in given.items() if v is not None}, prices) for name, given in synthetic.items()
        ]
    else:
        kinds = [each if isinstance(each, Kind) else parse_kind(each, prices) for each in synthetic]
    if not kinds:
        raise BadInput("no kind of synthetic text is named", key=KEY, remedy=_FORM)
    for i, kind in enumerate(kinds):
        if kind.name in {other.name for other in kinds[:i]}:
            raise BadInput("is named twice", key=f"{KEY} {kind.name}", remedy="name every kind once")
    size = _read(parse_count, params, "--params")
    there, allowed = _natural(natural)
    if price_training is None and prices is not None:
        price_training = prices.training(size)
    return Question(
        params=size,
        tokens=_read(parse_count, tokens, "--tokens"),
        natural=there,
        natural_epochs=allowed,
        kinds=tuple(kinds),
        budget_money=None if budget_money is None else _read(_money, budget_money, "--budget-money"),
        price_training=None if price_training is None else _read(_money, price_training, "--price-training"),
        prices=prices,
    )


def _natural(given: Any) -> tuple[int | None, float | None]:
    """Unique natural tokens and how often they may be gone through."""
    if given is None:
        return None, None
    count, comma, rest = str(given).partition(",")
    if not comma:
        return _read(parse_count, given, NATURAL), None
    key, _, value = (part.strip() for part in rest.partition("="))
    if key != "epochs":
        raise BadInput(f"'{rest}' is not epochs=NUMBER", key=NATURAL, remedy="write 60B,epochs=4")
    return _read(parse_count, count, NATURAL), _read(_epochs, value, f"{NATURAL}: epochs")


def parse_kind(text: str, prices: Prices | None = None) -> Kind:
    """``hq=30B,price=0.5,params=8B,epochs=2`` -> a kind; the tokens may be left out: ``hq,price=0.5``.

    Raises:
        BadInput: an unknown key, a value that does not fit, no price.
    """
    first, *rest = (part.strip() for part in text.split(","))
    name, equals, tokens = (part.strip() for part in first.partition("="))
    given: dict[str, Any] = {"tokens": tokens} if equals else {}
    for part in rest:
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            raise BadInput(f"'{part}' is not KEY=VALUE", key=f"{KEY} {name}", remedy=_FORM)
        if key in given:
            raise BadInput(f"{key} is given twice", key=f"{KEY} {name}")
        given[key] = value
    return _kind(name, given, prices)


def _kind(name: str, given: Mapping[str, Any], prices: Prices | None = None) -> Kind:
    where = f"{KEY} {name}".strip()
    if not name:
        raise BadInput("a kind has no name", key=where, remedy=_FORM)
    readers: dict[str, Callable[[Any], Any]] = {
        "tokens": parse_count,
        "price": _money,
        "params": parse_count,
        "epochs": _epochs,
        "like": str,
        "files": str,
    }
    for key in given:
        if key not in readers:
            raise BadInput(f"unknown key '{key}'", key=where, remedy=f"known: {', '.join(readers)}")
    if "price" not in given and prices is not None and name in prices.generated:
        given = {**given, "price": prices.generated[name]}
    if "price" not in given:
        remedy = f"add price=MONEY per million tokens (0 for text that is paid already): {name},price=0.5"
        raise BadInput("has no price", key=where, remedy=remedy)
    return Kind(name=name, **{key: _read(readers[key], value, f"{where}: {key}") for key, value in given.items()})


def _read(read: Callable[[Any], Any], value: Any, key: str) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise BadInput(str(error), key=key) from None


def _epochs(value: Any) -> float:
    try:
        epochs = float(value)
    except (TypeError, ValueError):
        epochs = math.nan
    if not 1 <= epochs < math.inf or isinstance(value, bool):
        raise ValueError(f"{value!r} is not how often text may be gone through; write 1, or more")
    return epochs


def _money(value: Any) -> float:
    try:
        money = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not an amount of money; write 0.5") from None
    if not math.isfinite(money) or money < 0 or isinstance(value, bool):
        raise ValueError(f"{value!r} is negative or not finite; write an amount of money, 0 or more")
    return money
