"""Distance between the distributions of features: data distribution valuation (DDV)."""

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.featured import Featured, rooted, unbiased
from synthmix.valuation.pool import Pool


class Mmd(Featured):
    """-MMD(candidate, reference): Xu, Wang, Foo, Low and Fanti, "Data Distribution Valuation" (NeurIPS 2024).

    FOUND: the value is the negative MMD of a sample. CHOSEN: the mean of five Gaussian kernels around the reference's
    median distance, the unbiased estimate, its root with its sign. Labels are not looked at.
    """

    name = "mmd"

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._own = self._kernel(self.reference.x, self.reference.x)

    def _value(self, pool: Counted) -> Found:
        rows = self._rows(pool)
        squared = unbiased(self._kernel(rows.x, rows.x), self._own, self._kernel(rows.x, self.reference.x))
        return Found(-rooted(squared), {"mmd2": squared}, rows.kept)
