"""``synthmix.export``: one door for weights and data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.exporting.mixture import Mixture, find_mixture
from synthmix.exporting.weights import WEIGHTS, Weights, export_weights
from synthmix.quantities import parse_count, parsed


def export(
    mixture: Any,
    to: str,
    out: str | Path | None = None,
    *,
    recipe: str | None = None,
    tokens: int | str | None = None,
    paths: Mapping[str, str] | None = None,
    available: Mapping[str, int | str] | None = None,
    epochs: float | None = None,
    seed: int = 0,
) -> Weights:
    """Take a mixture into another trainer: its weights, in the words of that trainer's configuration.

    >>> synthmix.export({"web": "70%", "hq": "30%"}, "megatron-blend", tokens="1T").text       # doctest: +SKIP

    Args:
        mixture: ``{name: share}``, ``{path: share}`` or ``{name: (text, share)}``; a recipe; a study's file, folder
            or results; an advice or its JSON file.
        to: ``megatron-blend``, ``olmo-mixture``, ``nanotron``, ``torchtitan``, ``interleave-datasets`` or ``json``.
        out: the file to write; None: none is.
        recipe: of a study or an advice: this one instead of the recommended one.
        tokens: the budget, ``"1T"``; None: that of the question that the mixture answers.
        paths: source -> where the trainer finds it. available: source -> unique tokens that it has.
        epochs: how often a source may be gone through; None: as the study allows, else once.
        seed: of the order.

    Raises:
        BadInput: no such mixture or format, or what is at ``out`` is not to be replaced.
    """
    if to not in WEIGHTS:
        raise BadInput(f"no format '{to}'", key="--to", remedy=f"choose one of {', '.join(WEIGHTS)}")
    if isinstance(mixture, Mixture):
        found = mixture
    else:
        found = find_mixture(mixture, recipe=recipe, paths=paths, available=available)
    budget = None if tokens is None else parsed(parse_count, tokens, "--tokens")
    return export_weights(found, to, out, tokens=budget, epochs=epochs, seed=seed)
