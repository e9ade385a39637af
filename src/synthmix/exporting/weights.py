"""A mixture's weights in the words of somebody's trainer.

Formats, as their authors publish them (FOUND):

- ``megatron-blend``: weight and path in turn, what Megatron-LM's ``--data-path`` and ``--data-args-path`` take
  (megatron/core/datasets/utils.py, ``get_blend_from_list``);
- ``olmo-mixture``: OLMo-core's ``SourceMixtureList`` as YAML (olmo_core/data/source_mixture.py);
- ``nanotron``: ``data_stages`` with ``NanosetDatasetsArgs``, folders of datatrove's ``.ds`` files
  (nanotron/config/config.py);
- ``torchtitan``: ``InterleavedHuggingFaceTextDataLoader.Config`` (torchtitan 0.3, hf_datasets/text_datasets.py);
- ``interleave-datasets``: arguments of ``datasets.interleave_datasets``;
- ``json``: all of it, plainly.

All but ``datasets`` draw fixed numbers of tokens, so that shares are their weights. ``datasets`` draws whole documents:
with mean lengths l_i, document probabilities p_i proportional to share_i / l_i give the shares in tokens (DERIVED).
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from synthmix.errors import BadInput
from synthmix.exporting.mixture import Ingredient, Mixture
from synthmix.files import placed, write_text
from synthmix.quantities import format_count, listed
from synthmix.results import Part, Warn


class SourceWeight(Part):
    """One source: its share of the tokens.

    Attributes:
        weight: as it stands in the file: the share, or with ``datasets`` a document's probability.
        tokens: of it in the whole run. available: unique tokens there are, and where that number is from
            (``given``, ``question``, ``corpus``). epochs: tokens over available. None: not known.
    """

    name: str
    path: str
    share: float
    weight: float
    tokens: int | None
    available: int | None
    supply: str | None
    epochs: float | None


class Weights(Part):
    """A mixture's weights. ``text``: the file's content; ``file``: where it was written."""

    format: str
    recipe: str
    origin: str
    tokens: int | None
    sources: list[SourceWeight]
    warnings: list[Warn] = Field(default=[])
    text: str
    file: str | None = None


def export_weights(
    mixture: Mixture,
    to: str,
    out: str | Path | None = None,
    *,
    tokens: int | None = None,
    epochs: float | None = None,
    seed: int = 0,
) -> Weights:
    """The weights of ``mixture`` as ``to`` wants them, written to ``out`` where it is given.

    Args:
        tokens: the budget; None: that of the mixture's own question. epochs: how often a source may be gone through
            before that is a warning; None: once.

    Raises:
        BadInput: no such format, or ``out`` is there already.
    """
    if to not in WEIGHTS:
        raise BadInput(f"no format '{to}'", key="--to", remedy=f"choose one of {', '.join(WEIGHTS)}")
    budget = tokens or mixture.budget
    allowed = epochs or mixture.epochs or 1.0
    warnings: list[Warn] = []
    rates = _by_document(mixture, warnings) if to == "interleave-datasets" else None
    sources = []
    for i, each in enumerate(mixture.ingredients):
        share = float(each.share)
        used = None if budget is None else round(each.share * budget)
        repeated = None if used is None or not each.tokens else used / each.tokens
        sources.append(
            SourceWeight(
                name=each.name,
                path=each.path or each.name,
                share=share,
                weight=share if rates is None else rates[i],
                tokens=used,
                available=each.tokens,
                supply=each.supply,
                epochs=repeated,
            )
        )
        if repeated is not None and repeated > allowed:
            warnings.append(_repeated(each, repeated, allowed, budget))
    warnings += _unknown(mixture, budget)
    placeless = [each.name for each in mixture.ingredients if each.path is None]
    if placeless and to != "json":
        message = (
            f"where the trainer finds {listed(placeless)} is not known, and its name stands there: say it with --path"
        )
        warnings.append(Warn(code="no_path", message=message))
    if not mixture.recipe.is_static:
        message = "its shares change along the run; weights hold their means: export the data itself to keep the order"
        warnings.append(Warn(code="schedule", message=message, about=mixture.recipe.name))
    made = Weights(
        format=to,
        recipe=mixture.recipe.name,
        origin=mixture.origin,
        tokens=budget,
        sources=sources,
        warnings=warnings,
        text="",
    )
    made = made.model_copy(update={"text": WEIGHTS[to](made, seed)})
    if out is None:
        return made
    path = Path(placed(out))
    if path.exists():
        raise BadInput("is there already", where=path, key="--out", remedy="name a new file, or move it away")
    write_text(path, made.text)
    return made.model_copy(update={"file": str(path)})


def _repeated(source: Ingredient, epochs: float, allowed: float, budget: int | None) -> Warn:
    message = (
        f"{source.name} is gone through {epochs:.3g} times in {format_count(budget or 0)} tokens, {allowed:g} allowed: "
        f"{format_count(source.tokens or 0)} tokens are there"
    )
    return Warn(code="repeated", message=message, about=source.name)


def _unknown(mixture: Mixture, budget: int | None) -> list[Warn]:
    if budget is None:
        return [Warn(code="no_budget", message="no budget is known, so epochs are not: say it with --tokens")]
    without = [each.name for each in mixture.ingredients if not each.tokens]
    if not without:
        return []
    message = f"how many tokens {listed(without)} has is not known, so its epochs are not: say it with --available"
    return [Warn(code="supply_unknown", message=message)]


def _by_document(mixture: Mixture, warnings: list[Warn]) -> list[float]:
    """Probabilities of drawing a document that give the shares in tokens."""
    lengths = []
    for each in mixture.ingredients:
        known = each.documents and each.corpus_tokens
        lengths.append(each.corpus_tokens / each.documents if known else math.nan)  # type: ignore[operator]
    if any(math.isnan(length) for length in lengths):
        message = (
            "documents are drawn, not tokens, and their mean lengths are not known: the probabilities are the shares, "
            "right only where all sources have documents of one mean length"
        )
        warnings.append(Warn(code="lengths_unknown", message=message))
        return [float(each.share) for each in mixture.ingredients]
    rates = [float(each.share) / length for each, length in zip(mixture.ingredients, lengths, strict=True)]
    return [rate / sum(rates) for rate in rates]


def _number(value: float) -> str:
    return f"{value:.12g}"


def _megatron(made: Weights, seed: int) -> str:
    for source in made.sources:
        if any(c.isspace() for c in source.path):
            raise BadInput("a path with a space cannot stand in --data-path", where=source.path, key=source.name)
    return " ".join(f"{_number(source.weight)} {source.path}" for source in made.sources) + "\n"


def _olmo(made: Weights, seed: int) -> str:
    """``max_repetition_ratio`` is as high as the budget needs, for OLMo-core refuses a source that is short of it."""
    sources = [
        {
            "source_name": source.name,
            "target_ratio": source.weight,
            "paths": [source.path],
            "max_repetition_ratio": max(1.0, math.ceil((source.epochs or 1.0) * 1000) / 1000),
        }
        for source in made.sources
    ]
    asked = (
        "" if made.tokens is None else f"# SourceMixtureDatasetConfig: requested_tokens={made.tokens}, seed={seed}\n"
    )
    return asked + _yaml({"sources": sources})


def _nanotron(made: Weights, seed: int) -> str:
    dataset = {
        "dataset_folder": [source.path for source in made.sources],
        "dataset_weights": [source.weight for source in made.sources],
    }
    stage = {
        "name": made.recipe,
        "start_training_step": 1,
        "data": {"dataset": dataset, "num_loading_workers": 1, "seed": seed},
    }
    return _yaml({"data_stages": [stage]})


def _torchtitan(made: Weights, seed: int) -> str:
    lines = [
        "# torchtitan 0.3: each dataset is packed to sequences before sources are drawn, so weights are token shares.",
        "# Register every dataset in torchtitan.hf_datasets.text_datasets.DATASETS under its name.",
        "from torchtitan.hf_datasets.text_datasets import HFDataSource, InterleavedHuggingFaceTextDataLoader",
        "",
        "dataloader = InterleavedHuggingFaceTextDataLoader.Config(",
        "    sources=[",
    ]
    for source in made.sources:
        where = f"dataset={source.name.lower()!r}, dataset_path={source.path!r}"
        lines.append(f"        HFDataSource({where}, weight={_number(source.weight)}, infinite=True),")
    return "\n".join([*lines, "    ],", f"    seed={seed},", ")"]) + "\n"


def _interleave(made: Weights, seed: int) -> str:
    value = {
        "paths": [source.path for source in made.sources],
        "probabilities": [source.weight for source in made.sources],
        "seed": seed,
        "stopping_strategy": "all_exhausted",
        "token_shares": [source.share for source in made.sources],
    }
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _json(made: Weights, seed: int) -> str:
    value = made.model_dump(mode="json", exclude={"text", "file", "format"}) | {"seed": seed}
    return json.dumps(value, indent=1, allow_nan=False) + "\n"


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000))


#: Format -> how its text is written from the weights and a seed.
WEIGHTS: dict[str, Callable[[Weights, int], str]] = {
    "megatron-blend": _megatron,
    "olmo-mixture": _olmo,
    "nanotron": _nanotron,
    "torchtitan": _torchtitan,
    "interleave-datasets": _interleave,
    "json": _json,
}
