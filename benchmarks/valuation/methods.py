"""All methods by name: ours, its variants, and every baseline, each made for a task from equal inputs."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Self

from benchmarks.valuation.tasks.task import Task
from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool
from synthmix.valuation.score import Method, Score
from synthmix.valuation.weights import Weights

SEED = 0
MOST = 1000  # items of a dataset that baselines look at
MOST_TEXTS = 200  # of a language task: a model reads ten times as much of each
WIDTH = 512  # of gradient features in our score
LEAVE_ONE_OUT = "retrain, leave one out"
SHAPLEY = "retrain, Shapley"  # 10 random orders, each cut where nothing is left to gain
SLOW = ("tracin", "retrain", LEAVE_ONE_OUT, SHAPLEY)  # train on every dataset, or on many sets of them; run when named
Make = Callable[[Task], Method]


def methods(task: Task, names: Iterable[str] | None = None) -> dict[str, Make]:
    """Those asked for, or all but :data:`SLOW`.

    Raises:
        BadInput: an unknown name.
    """
    every = {**ours(), **baselines()}
    for name in names or ():
        if name not in every:
            raise BadInput(f"no method {name!r}", key="methods", remedy=f"one of {', '.join(every)}")
    return {name: every[name] for name in (names or [name for name in every if name not in SLOW])}


def ours() -> dict[str, Make]:
    """The score with its default weights, with the paper's, and each term alone."""
    from synthmix.valuation.valuer import Valuer

    return {
        "ours": lambda task: Valuer(),
        "ours, 1,000 items": lambda task: Sampled(Valuer()),
        # Told, as the truth of the language tasks is, that the answer after the prompt's line is what counts.
        "ours, answers alone": lambda task: Valuer(after="\n"),
        "ours, transfer alone": lambda task: Valuer(weights="transfer"),
        "ours, discrepancy alone": lambda task: Valuer(weights="discrepancy"),
        "ours, balance alone": lambda task: Valuer(weights="balance"),
        "ours, complexity alone": lambda task: WithModel("complexity", task),
        "ours, loss alone": lambda task: WithModel("loss", task),
        "ours, paper's weights": lambda task: WithModel("paper", task),
        # What the paper's regression of the mean of loss and discrepancy on terms that hold both always gives.
        "ours, paper's regression": lambda task: WithModel(
            Weights("regression", {"loss": 0.5, "discrepancy": 0.5}), task
        ),
    }


class WithModel:
    """Our score with the terms that need a model: the task's, at initialization."""

    def __init__(self, weights: str | Weights, task: Task) -> None:
        self.weights = weights
        self.name = weights if isinstance(weights, str) else weights.name
        self.task = task

    def fit(self, reference: Pool) -> Self:
        """Make the model, then fit the score."""
        from synthmix.valuation.gradients import gradients_for
        from synthmix.valuation.valuer import Valuer

        learner = learner_of(self.task, reference)
        gradients = gradients_for(learner, learner.initial(SEED), width=WIDTH)
        self.valuer = Valuer(weights=self.weights, gradients=gradients).fit(reference)
        return self

    def score(self, pool: Pool) -> Score:
        """See :class:`synthmix.valuation.valuer.Valuer`."""
        return self.valuer.score(pool)


class Sampled:
    """Any method on at most ``MOST`` items of each dataset, as the baselines see them."""

    def __init__(self, method: Method) -> None:
        self.method, self.name = method, method.name

    def fit(self, reference: Pool) -> Self:
        """The whole reference."""
        self.method.fit(reference)
        return self

    def score(self, pool: Pool) -> Score:
        """Of a uniform sample."""
        batch = pool.take(MOST, seed=SEED)
        return self.method.score(Pool.of(pool.name, batch.items, batch.labels, share=pool.share))


def baselines() -> dict[str, Make]:
    """The registry's, with the usual encoder for the reference, the task's learner, and :data:`MOST` items."""
    from benchmarks.valuation.baselines import BASELINES

    def making(make: Callable[..., Method]) -> Make:
        return lambda task: WithLearner(make, task)

    made: dict[str, Make] = {name: making(make) for name, make in BASELINES.items()}
    return made | {
        "kmm, all together": lambda task: Together(BASELINES["kmm"], task),
        LEAVE_ONE_OUT: lambda task: Together(BASELINES["retrain"], task, how="loo"),
        SHAPLEY: lambda task: Together(BASELINES["retrain"], task, how="shapley"),
        "tracin, one training": lambda task: WithLearner(partial(BASELINES["tracin"], on="reference"), task),
    }


class WithLearner:
    """A baseline that is made when its reference is known: learners are fitted on it first.

    The method's clock runs from then on: a learner's inputs are the same for all.
    """

    def __init__(self, make: Callable[..., Any], task: Task) -> None:
        self.make, self.task, self.name = make, task, ""

    def fit(self, reference: Pool) -> Self:
        """Make it, and fit it."""
        learner = learner_of(self.task, reference)
        most = MOST if next(iter(reference.batches())).labels is not None else MOST_TEXTS
        self.method = self.make(learner=learner, most=most, seed=SEED).fit(reference)
        return self

    def score(self, pool: Pool) -> Score:
        """See the baseline."""
        return self.method.score(pool)


class Together(WithLearner):
    """A baseline in its form for all candidates at once: its scores depend on the company."""

    def __init__(self, make: Callable[..., Any], task: Task, **asked: Any) -> None:
        super().__init__(make, task)
        self.asked = asked

    def score_together(self, pools: list[Pool]) -> list[Score]:
        """One score a pool."""
        found: list[Score] = self.method.score_all(pools, **self.asked)
        return found


def learner_of(task: Task, reference: Pool) -> Any:
    """The learner by which the task's truth is trained (the best that a method could be given), or the usual one."""
    from synthmix.valuation.learners import learner_for

    return task.learner().fit(reference) if task.learner else learner_for(reference)
