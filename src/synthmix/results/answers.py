"""The best shares, and the answer to the question."""

from synthmix.interval import Interval
from synthmix.results.parts import Part


class SharePoint(Part):
    """One trained model on the share curve."""

    share: float
    loss: float
    seed: int


class ShareCurve(Part):
    """Loss against the share of one synthetic source at one (params, tokens); measured, or the question's."""

    synthetic: str
    params: int
    tokens: int
    measured: list[SharePoint]
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    best: Interval
    flat: tuple[float, float] | None  # shares whose loss is within the noise of the best
    is_question: bool


class RecipeAnswer(Part):
    """What one recipe is expected to give at the question's size and budget."""

    recipe: str
    share: float
    synthetic: str | None
    law: str
    loss: Interval  # of the mean curve
    new_run: Interval  # of one new run, seed noise included
    difference: Interval  # loss minus the natural text's: below zero, the mixture is better
    speedup: Interval  # tokens of natural text for the same loss, over the mixture's
    charged: Interval | None = None  # the same in FLOPs, the generation of the synthetic tokens charged; None: unknown
    collapse: str | None = None  # does its curve flatten against the natural one: verdict and reason


class Answer(Part):
    """The answer for the study's question. ``decades_*``: log10 of the question over the largest trained."""

    params: int
    tokens: int
    decades_params: float
    decades_tokens: float
    recipes: list[RecipeAnswer]
