"""All laws by name."""

from synthmix.errors import BadInput
from synthmix.scaling.law import Law
from synthmix.scaling.laws.joint import JOINT_QUADRATIC
from synthmix.scaling.laws.power import CHINCHILLA, CHINCHILLA_TIED, DATA, MODEL

LAWS: dict[str, Law] = {law.name: law for law in (DATA, MODEL, CHINCHILLA, CHINCHILLA_TIED, JOINT_QUADRATIC)}


def find(law: str | Law) -> Law:
    """The law of that name; a law is given back.

    Raises:
        BadInput: no such law.
    """
    if isinstance(law, Law):
        return law
    if law not in LAWS:
        raise BadInput(f"{law!r} is not a law", key="law", remedy=f"choose one of {', '.join(LAWS)}")
    return LAWS[law]
