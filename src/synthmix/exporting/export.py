"""``synthmix.export``: one door for weights and data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.exporting.data import DATA, export_data
from synthmix.exporting.mixture import Mixture, find_mixture
from synthmix.exporting.schema import ExportedData
from synthmix.exporting.weights import WEIGHTS, Weights, export_weights
from synthmix.progress import Progress
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
    context: int | None = None,
    unit: str = "sequence",
    shard_tokens: int | str | None = None,
    tokenizer: str | Path | None = None,
    vocab: int | str = 4096,
    cache: str | Path = ".synthmix",
    progress: Progress | None = None,
) -> Weights | ExportedData:
    """Take a mixture into another trainer: its weights, in the words of that trainer, or the mixed data itself.

    >>> synthmix.export({"web": "70%", "hq": "30%"}, "megatron-blend", tokens="1T").text       # doctest: +SKIP
    >>> synthmix.export("mine.yaml", "megatron", "mixed", tokens="1B", context=4096)           # doctest: +SKIP

    Args:
        mixture: ``{name: share}``, ``{path: share}`` or ``{name: (text, share)}``; a recipe; a study's file, folder
            or results; an advice or its JSON file.
        to: weights: ``megatron-blend``, ``olmo-mixture``, ``nanotron``, ``torchtitan``, ``interleave-datasets`` or
            ``json``; data: ``megatron``, ``olmo``, ``datatrove``, ``jsonl`` or ``parquet``.
        out: the file to write (None: none is); of data, the folder.
        recipe: of a study or an advice: this one instead of the recommended one.
        tokens: the budget, ``"1T"``; None: that of the question that the mixture answers.
        paths: source -> where the trainer finds it. available: source -> unique tokens that it has.
        epochs: how often a source may be gone through; None: as the study allows, else once.
        seed: of the order.
        context: of data: tokens that a sequence predicts; None: the study's, else 128.
        unit: of text: ``sequence``, as in training, or ``document``: whole ones, shares held to within one.
        shard_tokens: tokens of a file; None: what suits the format.
        tokenizer, vocab, cache: as for :func:`synthmix.train`.

    Raises:
        BadInput: no such mixture or format, a source that is too small for the epochs allowed, or what is at ``out`` is
            not to be replaced.
    """
    if to not in (*WEIGHTS, *DATA):
        raise BadInput(f"no format '{to}'", key="--to", remedy=f"choose one of {', '.join((*WEIGHTS, *DATA))}")
    if isinstance(mixture, Mixture):
        found = mixture
    else:
        found = find_mixture(mixture, recipe=recipe, paths=paths, available=available)
    budget = None if tokens is None else parsed(parse_count, tokens, "--tokens")
    if to in WEIGHTS:
        return export_weights(found, to, out, tokens=budget, epochs=epochs, seed=seed)
    if out is None:
        raise BadInput("is missing", key="--out", remedy="name the folder to write the data to")
    shard = None if shard_tokens is None else parsed(parse_count, shard_tokens, "--shard-tokens")
    return export_data(
        found,
        to,
        out,
        tokens=budget,
        context=context,
        epochs=epochs,
        seed=seed,
        unit=unit,
        shard=shard,
        tokenizer=tokenizer,
        vocab=vocab,
        cache=cache,
        progress=progress,
    )
