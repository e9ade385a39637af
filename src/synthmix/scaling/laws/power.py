"""Power laws in tokens, in size, and in both (Hoffmann et al., arXiv 2203.15556)."""

from synthmix.scaling.law import Constant, Law, Power, SharePolynomial

_HOFFMANN = "Hoffmann et al., arXiv 2203.15556"

DATA = Law("data", (Constant(), Power("D", "B", "beta")), "Kang et al., arXiv 2510.01631 (per recipe, N fixed)")
MODEL = Law("model", (Constant(), Power("N", "A", "alpha")), "Kang et al., arXiv 2510.01631 (per recipe, D fixed)")
CHINCHILLA = Law("chinchilla", (Constant(), Power("N", "A", "alpha"), Power("D", "B", "beta")), _HOFFMANN)
# Gadre et al., arXiv 2403.08540, equation 4: with D = M N their law is this one, one exponent for both terms.
CHINCHILLA_TIED = Law(
    "chinchilla_tied", (Constant(), Power("N", "A", "eta"), Power("D", "B", "eta")), "Gadre et al., arXiv 2403.08540"
)

JOINT_QUADRATIC = Law(
    "joint_quadratic",
    (SharePolynomial(None, "E", None), Power("N", "A", "alpha"), SharePolynomial("D", "B", "beta")),
    "CHOSEN: Chinchilla with E and B quadratic in the synthetic share",
)
