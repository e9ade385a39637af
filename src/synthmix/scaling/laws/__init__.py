"""All laws by name."""

from synthmix.errors import BadInput
from synthmix.scaling.law import Law
from synthmix.scaling.laws.broken import BROKEN
from synthmix.scaling.laws.exponential import EXPONENTIAL, EXPONENTIAL_TWO
from synthmix.scaling.laws.mixture import MIXTURE_ADDITIVE, MIXTURE_JOINT
from synthmix.scaling.laws.power import CHINCHILLA, CHINCHILLA_TIED, DATA, JOINT_QUADRATIC, MODEL
from synthmix.scaling.laws.quality import QUALITY
from synthmix.scaling.laws.rectified import RECTIFIED
from synthmix.scaling.laws.repetition import REPETITION, REPETITION_FULL
from synthmix.scaling.laws.three_phase import THREE_PHASE, THREE_PHASE_SIZE

LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        DATA,
        MODEL,
        CHINCHILLA,
        CHINCHILLA_TIED,
        RECTIFIED,
        BROKEN,
        QUALITY,
        REPETITION,
        REPETITION_FULL,
        EXPONENTIAL,
        EXPONENTIAL_TWO,
        MIXTURE_ADDITIVE,
        MIXTURE_JOINT,
        JOINT_QUADRATIC,
        THREE_PHASE,
        THREE_PHASE_SIZE,
    )
}


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
