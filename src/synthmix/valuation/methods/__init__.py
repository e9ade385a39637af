"""Methods that stand beside the score, by name: what ``synthmix value --method`` offers.

Each is a :class:`synthmix.valuation.score.Method` made with the keywords of :class:`.Baseline`. A new one is a class in
the file of its kind and a line in :data:`METHODS`; what is there for comparison alone belongs in benchmarks/valuation.
"""

from collections.abc import Sequence

from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.valuation.encoding import Encoder
from synthmix.valuation.methods.bags import Classifier, Coverage, Dsir, FastText
from synthmix.valuation.methods.baseline import Baseline
from synthmix.valuation.methods.featured import ConditionalMmd, CrossAccuracy, KnnShapley, Lava, Mmd, Pad
from synthmix.valuation.methods.filters import Perplexity
from synthmix.valuation.methods.influence import Kmm, Trak
from synthmix.valuation.methods.kneser_ney import KneserNeyFilter, KneserNeyTransfer
from synthmix.valuation.methods.stacked import Stacked
from synthmix.valuation.pool import Pool
from synthmix.valuation.score import Score

METHODS: dict[str, type[Baseline]] = {
    method.name: method
    for method in (
        Coverage,
        KneserNeyTransfer,
        KneserNeyFilter,
        Classifier,
        Dsir,
        FastText,
        Stacked,
        Mmd,
        ConditionalMmd,
        Lava,
        Pad,
        Perplexity,
        Trak,
        Kmm,
        CrossAccuracy,
        KnnShapley,
    )
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


# Processor seconds of a fit (a reference of 300 pages) and of a pool of 1,000 documents or more of 250 words: what an
# estimate is made of. Measured on one core of the machine that docs/results/valuation.md names.
SECONDS: dict[str, tuple[float, float]] = {
    "coverage": (0.3, 0.3),
    "kneser_ney": (1.4, 1.0),
    "kneser_ney_filter": (0.4, 0.3),
    "classifier": (0.1, 0.7),
    "dsir": (0.2, 0.2),
    "fasttext": (0.1, 5.0),
    "stacked": (0.1, 3.0),
    "mmd": (0.2, 0.3),
    "conditional_mmd": (0.2, 0.3),
    "lava": (0.2, 2.2),
    "pad": (0.2, 0.2),
    "perplexity": (10.5, 3.3),
    "trak": (11.0, 20.0),
    "kmm": (1.0, 10.0),
    "cross_accuracy": (0.2, 0.3),
    "knn_shapley": (0.2, 0.5),
}


def estimated_seconds(names: Sequence[str], documents: Sequence[int]) -> float:
    """About how long :func:`score_by` takes for pools of so many ``documents``, on one core."""
    known = [SECONDS[name] for name in named(names) if name in SECONDS]
    return sum(fit + scored * min(count, 1000) / 1000 for fit, scored in known for count in documents)


def score_by(
    names: Sequence[str],
    reference: Pool,
    pools: Sequence[Pool],
    *,
    encoder: Encoder,
    progress: Progress | None = None,
    left_out: list[str] | None = None,
) -> dict[str, list[Score]]:
    """Each method's scores of ``pools``, by its name; of ``all`` those that cannot value these are left out.

    Args:
        encoder: fitted on the reference.
        left_out: is given a line, with the reason, for each method of ``all`` that was left out.

    Raises:
        BadInput: a method that was asked for by name cannot value the reference or a pool, or needs a library that is
            not installed.
    """
    progress, asked = progress or Silent(), named(names)
    found: dict[str, list[Score]] = {}
    learner = None  # made by the first method that asks one
    if asked:
        progress.start("methods", len(asked), "methods")
    for number, name in enumerate(asked, start=1):
        method = METHODS[name](encoder=encoder, learner=learner)
        try:
            method.fit(reference)
            found[name] = [method.score(pool) for pool in pools]
        except BadInput as error:
            if list(names) != ["all"]:
                raise
            if left_out is not None:
                left_out.append(f"left out: {name}: {error}")
        learner = method.learner
        progress.update("methods", number, name)
    if asked:
        progress.finish("methods")
    return found
