"""All methods that the score is compared with, by name: the product's, and those that only the tables use."""

from benchmarks.valuation.baselines.controls import Chance, MeanLength, Size
from benchmarks.valuation.baselines.influence import LoGra, TracIn
from benchmarks.valuation.baselines.retrain import Retrain
from benchmarks.valuation.baselines.tangent_kernels import Davinz, Deviation
from synthmix.valuation.methods import METHODS
from synthmix.valuation.methods.baseline import Baseline

BASELINES: dict[str, type[Baseline]] = METHODS | {
    method.name: method for method in (Davinz, TracIn, LoGra, Deviation, Retrain, Size, MeanLength, Chance)
}
