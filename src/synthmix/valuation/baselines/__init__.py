"""What the score is compared with, all of one shape (:class:`synthmix.valuation.scored.Method`), a file each."""

from synthmix.valuation.baselines.base import Baseline
from synthmix.valuation.baselines.chance import Chance
from synthmix.valuation.baselines.conditional_mmd import ConditionalMmd
from synthmix.valuation.baselines.cross_accuracy import CrossAccuracy
from synthmix.valuation.baselines.davinz import Davinz
from synthmix.valuation.baselines.deviation import Deviation
from synthmix.valuation.baselines.kmm import Kmm
from synthmix.valuation.baselines.knn_shapley import KnnShapley
from synthmix.valuation.baselines.lava import Lava
from synthmix.valuation.baselines.logra import LoGra
from synthmix.valuation.baselines.mean_length import MeanLength
from synthmix.valuation.baselines.mmd import Mmd
from synthmix.valuation.baselines.pad import Pad
from synthmix.valuation.baselines.perplexity import Perplexity
from synthmix.valuation.baselines.retrain import Retrain, leave_one_out, shapley, union
from synthmix.valuation.baselines.size import Size
from synthmix.valuation.baselines.tracin import TracIn
from synthmix.valuation.baselines.trak import Trak

METHODS = (
    Davinz,
    Mmd,
    ConditionalMmd,
    Lava,
    Pad,
    Perplexity,
    TracIn,
    Trak,
    LoGra,
    Kmm,
    Deviation,
    CrossAccuracy,
    Retrain,
    KnnShapley,
    Size,
    MeanLength,
    Chance,
)
BASELINES: dict[str, type[Baseline]] = {method.name: method for method in METHODS}

__all__ = ["BASELINES", "Baseline", "leave_one_out", "shapley", "union", *(method.__name__ for method in METHODS)]
