"""Hyper-parameters derived from model size: from N, the non-embedding parameters, to everything that a training needs.

Each can be given instead.

1. Shape: :mod:`synthmix.training.shape`.
2. Reference budget: 20 tokens a parameter (Hoffmann et al., arXiv 2203.15556; FOUND). Rules that need a budget take
   this one, so that a size has one setting, whatever its budgets, and the runs of one size can share a stable phase.
   A ladder whose smallest budget is below it should say so (``tokens``): rules 3, 5 and 6 then take that.
3. Batch, in tokens: half of 0.58 D^0.571 (Step Law, arXiv 2503.04715; FOUND: the best batch hangs on D and hardly on
   N, as in arXiv 2410.21676 and 2505.13738), as the nearest power of two times the context. Half is CHOSEN: below the
   critical batch tokens count and steps do not (McCandlish et al., arXiv 1812.06162), so too small costs speed alone,
   too large costs loss; and 512 was better here than 1024 and 2048 at 0.2M tokens, where the whole rule says 616, and
   better than 1024 at 450k parameters and 0.8M tokens, where it says 1361 (docs/log.md).
4. Peak learning rate: 0.36 / width (:func:`synthmix.training.protocol.peak_rate`): one over the width as in muP
   (arXiv 2203.03466; FOUND), the factor CHOSEN from sweeps at widths 32 to 112. It has no term for the batch.
5. Weight decay: the AdamW timescale tau = B / (rate x decay x D) is held at 1.084 (D / N)^-0.527 of the run (Bergsma
   et al., arXiv 2505.13738; form and exponent FOUND, at 111M to 3.3B parameters; the factor is quoted, not checked),
   within 0.01 to 1. 0.4 was better than 0.1 here at 25k and 225k parameters and 0.4M tokens; too much of it costs more
   than too little (25k parameters, 0.8M tokens: 0.63 is worse than 0.1 by 0.19 nats), so that a ladder's runs of one
   size all take the decay of the largest budget, uncapped (docs/ladder.md).
6. Warm-up: as many tokens as parameters (Porian et al., arXiv 2406.19146; FOUND), no less than 2 / (1 - beta2) steps
   (Ma and Yarats, arXiv 1910.04209; FOUND), no more than a tenth of the smallest budget (CHOSEN).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from synthmix.errors import BadInput
from synthmix.quantities import parse_count, parsed
from synthmix.training.memory import run_memory
from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.shape import Shape, shape_for

TOKENS_PER_PARAMETER = 20
BETA2 = 0.95  # of the protocol's AdamW


class Overrides(TypedDict, total=False):
    """What the rules decide unless it is given. ``batch`` in tokens, ``warmup`` in steps."""

    width: int | None
    depth: int | None
    heads: int | None
    kv_heads: int | None
    hidden: int | None
    batch: int | None
    learning_rate: float | None
    weight_decay: float | None
    warmup: int | None


@dataclass(frozen=True)
class Hyperparameters:
    """Those of one size. ``batch`` in tokens, ``warmup`` in steps, ``tokens``: the budget that the rules took."""

    shape: Shape
    vocab: int
    context: int
    tokens: int
    batch: int
    learning_rate: float
    weight_decay: float
    warmup: int

    @property
    def flops_per_token(self) -> float:
        """Training FLOPs of one token."""
        return self.shape.flops_per_token(self.vocab, self.context)

    @property
    def memory(self) -> int:
        """Bytes of a process that trains one sequence at a time in bf16 (see :mod:`synthmix.training.memory`)."""
        return run_memory(self.shape, self.vocab, self.context, self.context, "bf16")

    def as_dict(self) -> dict[str, Any]:
        """A flat row of plain numbers."""
        return {
            "params": self.shape.params,
            "params_total": self.shape.params_total(self.vocab),
            **self.shape.as_dict(),
            "vocab": self.vocab,
            "context": self.context,
            "tokens": self.tokens,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "warmup": self.warmup,
            "flops_per_token": self.flops_per_token,
            "memory": self.memory,
        }


def hyperparameters(
    params: int | str,
    *,
    tokens: int | str | None = None,
    vocab: int | str = 4096,
    context: int = 128,
    **given: Unpack[Overrides],
) -> Hyperparameters:
    """Hyper-parameters derived from the model size ``params``, but for what is ``given``.

    Args:
        params: non-embedding parameters: a number, or ``"100M"``; so with ``tokens`` and ``vocab``.
        tokens: the smallest budget that the size is trained on, where that is below 20 tokens a parameter.

    Raises:
        BadInput: no shape fits, or a given value cannot be.
    """
    named = {"width", "depth", "heads", "kv_heads", "hidden"}
    size, words = parsed(parse_count, params, "params"), parsed(parse_count, vocab, "vocab")
    least = None if tokens is None else parsed(parse_count, tokens, "tokens")
    shape = shape_for(size, **{key: value for key, value in given.items() if key in named and value is not None})
    budget = min(least or math.inf, TOKENS_PER_PARAMETER * shape.params)
    batch = given.get("batch") or batch_rule(budget, context)
    if batch % context:
        raise BadInput(f"{batch} tokens are not a whole number of sequences of {context}", key="batch")
    rate = given.get("learning_rate") or peak_rate(shape.width)
    decay = given.get("weight_decay")
    warmup = given.get("warmup")
    return Hyperparameters(
        shape=shape,
        vocab=words,
        context=context,
        tokens=int(budget),
        batch=batch,
        learning_rate=rate,
        weight_decay=decay_rule(shape.params, budget, batch, rate) if decay is None else decay,
        warmup=warmup_rule(shape.params, budget, batch) if warmup is None else warmup,
    )


def batch_rule(tokens: float, context: int) -> int:
    """Rule 3: tokens a step for a (smallest) budget of ``tokens``."""
    return context * 2 ** max(0, round(math.log2(step_law_batch(tokens) / 2 / context)))


def decay_rule(params: float, tokens: float, batch: float, rate: float) -> float:
    """Rule 5: AdamW's decoupled weight decay, to two digits."""
    timescale = 1.084 * (tokens / params) ** -0.527
    return float(f"{min(1.0, max(0.01, batch / (rate * tokens * timescale))):.2g}")


def warmup_rule(params: float, tokens: float, batch: float) -> int:
    """Rule 6: steps of linear warm-up."""
    longest = max(1, round(tokens / 10 / batch))
    return min(longest, max(round(2 / (1 - BETA2)), round(params / batch)))


def step_law_batch(tokens: float) -> float:
    """Best batch in tokens: 0.58 D^0.571 (Step Law, arXiv 2503.04715)."""
    return 0.58 * tokens**0.571


def published(params: float, tokens: float) -> dict[str, float]:
    """What the published rules say of batch (tokens) and peak rate, to be seen beside ours.

    Step Law (arXiv 2503.04715): rate 1.79 N^-0.713 D^0.307; DeepSeek LLM (arXiv 2401.02954), C = 6 N D: batch
    0.2920 C^0.3271, rate 0.3118 C^-0.125. Fitted on 60M parameters and more.
    """
    compute = 6.0 * params * tokens
    return {
        "step_law_batch": step_law_batch(tokens),
        "deepseek_batch": 0.2920 * compute**0.3271,
        "step_law_rate": 1.79 * params**-0.713 * tokens**0.307,
        "deepseek_rate": 0.3118 * compute**-0.125,
    }


def resolve(
    protocol: Protocol,
    params: int,
    smallest: int,
    shape: Mapping[str, int] | None = None,
    *,
    largest: int | None = None,
) -> Protocol:
    """The protocol of all runs of ``params`` parameters whose smallest budget is ``smallest`` tokens, and whose largest
    is ``largest`` (None: not known, the rules' budget).

    With ``rules: by_size`` batch, weight decay and warm-up follow the rules above unless they were given; with
    ``schedule: wsd`` the warm-up becomes a number of steps that all budgets share.

    Raises:
        BadInput: no shape fits. ValueError: the smallest budget is below ten steps.
    """
    if protocol.rules == "by_size":
        given = protocol.model_fields_set
        width = shape_for(params, **(shape or {})).width
        setting = hyperparameters(
            params,
            tokens=smallest,
            context=protocol.context,
            batch=protocol.batch if "batch" in given else None,
            learning_rate=protocol.learning_rate or peak_rate(width, protocol.rate_factor),
            weight_decay=protocol.weight_decay if "weight_decay" in given else None,
            warmup=protocol.warmup_steps,
            **(shape or {}),
        )
        decay = setting.weight_decay
        if largest is not None and "weight_decay" not in given:
            decay = decay_rule(setting.shape.params, largest, setting.batch, setting.learning_rate)
        update = {"rules": "fixed", "batch": setting.batch, "weight_decay": decay}
        if "warmup" not in given:
            update["warmup_steps"] = max(1, setting.warmup)
        protocol = protocol.model_copy(update=update)
    return protocol.with_warmup(protocol.steps(smallest))


dial = hyperparameters  # the name of before
