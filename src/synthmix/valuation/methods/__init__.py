"""Methods that stand beside the score, by name: what ``synthmix value --method`` offers.

Each is a :class:`synthmix.valuation.score.Method` made with the keywords of :class:`.Baseline`. A new one is a class in
the file of its kind and a line in :data:`METHODS`; what is there for comparison alone belongs in benchmarks/valuation.
"""

from synthmix.valuation.methods.baseline import Baseline
from synthmix.valuation.methods.featured import ConditionalMmd, CrossAccuracy, KnnShapley, Lava, Mmd, Pad
from synthmix.valuation.methods.filters import Perplexity
from synthmix.valuation.methods.influence import Kmm, Trak

METHODS: dict[str, type[Baseline]] = {
    method.name: method for method in (Mmd, ConditionalMmd, Lava, Pad, Perplexity, Trak, Kmm, CrossAccuracy, KnnShapley)
}
