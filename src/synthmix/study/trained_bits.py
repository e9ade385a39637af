"""Bits per byte of a study's trained models, which compare across tokenizers as nats per token do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthmix.study.finished_study import read_study


@dataclass(frozen=True)
class TrainedBits:
    """One recipe and domain at a study's largest cell, mean over ``seeds`` (``low`` and ``high``: the least and most).

    ``params`` leaves the embeddings out, ``params_total`` does not: a larger vocabulary has more of them.
    """

    study: str
    tokenizer: str
    vocab_size: int
    recipe: str
    domain: str
    params: int
    params_total: int
    tokens: int
    seeds: int
    bits_per_byte: float
    low: float
    high: float


def trained_bits(studies: Sequence[Path]) -> list[TrainedBits]:
    """All recipes and domains of each study (its file or folder) at its largest cell.

    Raises:
        BadInput: no study there, or no finished run.
    """
    rows = []
    for where in studies:
        text = read_study(where)
        cell = text.table.largest_cell() or text.cells[-1]
        params, tokens = int(cell.N), int(cell.D)
        for recipe in text.recipes:
            runs = [r for r in text.records if (r.spec.recipe, r.params, r.tokens) == (recipe, params, tokens)]
            for domain in text.domains if runs else ():
                bits = [r.losses[domain].bits_per_byte for r in runs]
                rows.append(
                    TrainedBits(
                        study=text.folder.name,
                        tokenizer=runs[0].spec.tokenizer,
                        vocab_size=runs[0].spec.vocab,
                        recipe=recipe,
                        domain=domain,
                        params=params,
                        params_total=runs[0].params_total,
                        tokens=tokens,
                        seeds=len(runs),
                        bits_per_byte=float(np.mean(bits)),
                        low=min(bits),
                        high=max(bits),
                    )
                )
    return rows
