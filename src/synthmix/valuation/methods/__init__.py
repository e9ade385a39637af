"""Methods that stand beside the score, by name: what ``synthmix value --method`` offers.

Each is a :class:`synthmix.valuation.score.Method` made with the keywords of :class:`.Baseline`. A new one is a class in
the file of its kind and a line in :data:`METHODS`; what is there for comparison alone belongs in benchmarks/valuation.
"""

from collections.abc import Sequence

from synthmix.errors import BadInput
from synthmix.valuation.encoding import Encoder
from synthmix.valuation.methods.baseline import Baseline
from synthmix.valuation.methods.featured import ConditionalMmd, CrossAccuracy, KnnShapley, Lava, Mmd, Pad
from synthmix.valuation.methods.filters import Perplexity
from synthmix.valuation.methods.influence import Kmm, Trak
from synthmix.valuation.pool import Pool
from synthmix.valuation.score import Score

METHODS: dict[str, type[Baseline]] = {
    method.name: method for method in (Mmd, ConditionalMmd, Lava, Pad, Perplexity, Trak, Kmm, CrossAccuracy, KnnShapley)
}


def named(names: Sequence[str]) -> list[str]:
    """The names of methods; ``all`` alone stands for every one.

    Raises:
        BadInput: a name that no method has.
    """
    if list(names) == ["all"]:
        return list(METHODS)
    for name in names:
        if name not in METHODS:
            raise BadInput(f"no method {name!r}", key="--method", remedy=f"one of {', '.join(METHODS)}, or all")
    return list(names)


def score_by(
    names: Sequence[str], reference: Pool, pools: Sequence[Pool], *, encoder: Encoder
) -> dict[str, list[Score]]:
    """Each method's scores of ``pools``, by its name; of ``all`` those that cannot value these are left out.

    Args:
        encoder: fitted on the reference.

    Raises:
        BadInput: a method that was asked for by name cannot value the reference or a pool.
    """
    found: dict[str, list[Score]] = {}
    learner = None  # made by the first method that asks one
    for name in named(names):
        method = METHODS[name](encoder=encoder, learner=learner)
        try:
            method.fit(reference)
            found[name] = [method.score(pool) for pool in pools]
        except BadInput:
            if list(names) != ["all"]:
                raise
        learner = method.learner
    return found
