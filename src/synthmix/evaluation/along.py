"""Held-out loss along a training: a few points, on a part of each domain that is the same at all of them.

Nothing but the run's specification says where and on how much text: a resumed run has the points of an unbroken one,
and runs that differ in their budget alone, which may share a trunk, are scored on the same text. Nothing random is
drawn and no gradient kept, so the weights are those of a run without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from synthmix.evaluation.losses import HeldOut, evaluate_model
from synthmix.training.device import Diverged
from synthmix.training.spec import RunSpec

POINTS = 8
#: Tokens scored over tokens trained, at most. A token costs a forward pass, a third of a step: 2 % of the FLOPs.
SHARE = 0.06
#: Tokens scored at a point, over the parameters: 8 points are 5 % of a training on 20 tokens a parameter (CHOSEN).
PER_PARAMETER = 0.125


@dataclass(frozen=True)
class Along:
    """Where a run is scored, and on how much: ``steps`` of the training, ``max_tokens`` of each domain."""

    steps: frozenset[int]
    max_tokens: int

    @classmethod
    def of(cls, spec: RunSpec, domains: int, most: int | None = None) -> "Along":
        """The points of a run: as many as :data:`SHARE` allows, evenly spread, the last at its end; none for a run too
        short for one. ``most``: tokens of a domain that its final loss is scored on."""
        context = spec.protocol.context
        each = max(1, round(PER_PARAMETER * spec.shape.params / max(1, domains) / context)) * context
        each = each if most is None else min(each, max(context, most))
        points = min(POINTS, int(SHARE * spec.tokens / (each * max(1, domains)))) if domains else 0
        return cls(frozenset(round(i * spec.steps / points) for i in range(1, points + 1)), each)


def probe(
    domains: Callable[[], Mapping[str, HeldOut]], along: Along, *, context: int, precision: str
) -> Callable[[Any], dict[str, float]]:
    """Model -> nats per token by domain; empty where a loss is not finite. ``domains`` are opened when they are
    needed."""

    def score(model: Any) -> dict[str, float]:
        was = model.training
        try:
            found = evaluate_model(model, domains(), context=context, precision=precision, max_tokens=along.max_tokens)
        except Diverged:
            return {}
        finally:
            model.train(was)
        return {name: round(loss.nats, 5) for name, loss in found.items()}

    return score
