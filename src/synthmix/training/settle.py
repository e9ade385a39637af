"""From a protocol as it was written to the protocol of one size: what hangs on size and smallest budget, settled."""

from collections.abc import Mapping

from synthmix.training.dial import dial
from synthmix.training.protocol import Protocol, peak_rate
from synthmix.training.shape import shape_for


def settle(protocol: Protocol, params: int, smallest: int, shape: Mapping[str, int] | None = None) -> Protocol:
    """The protocol of all runs of ``params`` parameters whose smallest budget is ``smallest`` tokens.

    With ``rules: dial`` batch, weight decay and warm-up follow the dial's rules unless they were given; with
    ``schedule: wsd`` the warm-up becomes a number of steps that all budgets share.

    Raises:
        BadInput: no shape fits. ValueError: the smallest budget is below ten steps.
    """
    if protocol.rules == "dial":
        given = protocol.model_fields_set
        width = shape_for(params, **(shape or {})).width
        setting = dial(
            params,
            tokens=smallest,
            context=protocol.context,
            batch=protocol.batch if "batch" in given else None,
            learning_rate=protocol.learning_rate or peak_rate(width, protocol.rate_factor),
            weight_decay=protocol.weight_decay if "weight_decay" in given else None,
            warmup=protocol.warmup_steps,
            **(shape or {}),
        )
        update = {"rules": "fixed", "batch": setting.batch, "weight_decay": setting.weight_decay}
        if "warmup" not in given:
            update["warmup_steps"] = max(1, setting.warmup)
        protocol = protocol.model_copy(update=update)
    return protocol.with_warmup(protocol.steps(smallest))
