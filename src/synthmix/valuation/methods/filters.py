"""Filters for pre-training text, which a model of the reference judges document by document."""

import math

from synthmix.valuation.learners import PretrainedClassifier, PretrainedLanguageModel
from synthmix.valuation.methods.baseline import HOLD, Baseline, CountedPool, Result, pool_of
from synthmix.valuation.pool import Pool


class Perplexity(Baseline):
    """Minus the pool's mean loss, nats, under a learner trained on the reference, or under a given model as it is.

    The usual filter for pre-training text (CCNet, Wenzek et al., LREC 2020, takes a model of Wikipedia). With labels
    the loss is the classifier's. A low loss is also what repetition and short, simple text have: known to mislead.
    """

    name = "perplexity"

    def _fit(self, reference: Pool) -> None:
        learner = self._learner(reference)
        if isinstance(learner, PretrainedLanguageModel | PretrainedClassifier):
            self.model = learner.initial()
        else:
            self.model = learner.train(pool_of(reference.name, reference.take(HOLD, seed=self.seed)), seed=self.seed)

    def _value(self, pool: CountedPool) -> Result:
        losses = self.learner.losses(self.model, self._sample(pool))
        nats = float(losses.mean())
        return Result(-nats, {"loss": nats, "perplexity": math.exp(min(nats, 700.0))}, losses.nbytes, each=-losses)
