"""How far a kernel regression on the pool is from one on the reference."""

import numpy as np

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.graded import Graded, On, damped_solve
from synthmix.valuation.learners import Scalar
from synthmix.valuation.pool import Batch, Pool


class Deviation(Graded):
    """Minus the model deviation |f_S - f_V| in the space of the tangent kernel: Lin, Xu, Wu, Ng and Low,
    "Distributionally Robust Data Valuation" (ICML 2024).

    FOUND: model deviation of kernel (tangent kernel) regressions as a proxy of the change of the distributionally
    robust generalization error; the paper's other model is trained on all contributors' data. CHOSEN: here it is of
    the reference, so that a score does not look at other candidates; regression of y_hat = 1 - f on projected gradients
    of the outputs at initialization, ridge 1e-2 of the mean diagonal.
    """

    name = "deviation"
    on: On = "initial"
    choices: tuple[On, ...] = ("initial", "reference")
    of: Scalar = "output"
    ridge = 1e-2

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._theirs = self._weights(self.asked, self.model)

    def _weights(self, batch: Batch, model: object) -> np.ndarray:
        import torch

        phi = self._each(self._gradients(model), batch)
        with torch.no_grad():
            residual = 1 - self.learner.outputs(model, batch).double().cpu().numpy()
        return damped_solve(phi.T @ phi / len(phi), self.ridge, phi.T @ residual / len(phi))

    def _value(self, pool: Counted) -> Found:
        mine = self._weights(self._sample(pool), self.model)
        distance = float(np.linalg.norm(mine - self._theirs))
        return Found(-distance, {"deviation": distance, "norm": np.linalg.norm(mine)}, mine.nbytes)
