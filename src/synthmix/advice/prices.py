"""A user's price list: what a GPU-hour and a generated token cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmix.config import PriceList
from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.results import Prices
from synthmix.validation import validated


def read_prices(given: str | Path | Mapping[str, Any] | Prices) -> Prices:
    """A price list from its YAML file, or from what stands in one.

    Raises:
        BadInput: no such file, not YAML, an unknown key, or a number out of its range.
    """
    if isinstance(given, Prices):
        return given
    if isinstance(given, Mapping):
        return validated(PriceList, dict(given), where="prices").prices
    import yaml

    path = Path(placed(given))
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput("no such file", where=path, key="--prices") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        raise BadInput(f"is not YAML: {said}", where=path, key="--prices") from None
    except IsADirectoryError:
        raise BadInput("is a folder, not a price list", where=path, key="--prices") from None
    if not isinstance(raw, dict):
        remedy = "write gpu_hour: 2.5, flops: 989e12, mfu: 40%"
        raise BadInput("is no price list: it has no keys", where=path, key="--prices", remedy=remedy)
    return validated(PriceList, raw, where=path).prices
