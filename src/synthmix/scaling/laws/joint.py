"""Laws in (N, D, r) with Chinchilla's shape and coefficients that depend on the synthetic share r."""

from synthmix.scaling.law import Law, Power, SharePolynomial

JOINT_QUADRATIC = Law(
    "joint_quadratic",
    (SharePolynomial(None, "E", None), Power("N", "A", "alpha"), SharePolynomial("D", "B", "beta")),
    "CHOSEN: Chinchilla with E and B quadratic in the share",
)
