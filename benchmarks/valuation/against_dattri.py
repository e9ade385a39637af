"""Our TRAK, TracIn and LoGra against dattri's TRAK, TracIn and influence functions, by the same model."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.valuation.baselines.influence import LoGra, TracIn
from benchmarks.valuation.comparison import Comparison, digits, timed
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.methods.influence import Trak
from synthmix.valuation.pool import Batch, Pool

ALL = 10**6  # columns: nothing is projected
PLAIN = {"proj_type": "identity", "proj_dim": -1, "proj_max_batch_size": 64, "device": "cpu"}


def trak() -> Comparison:
    """Margins' gradients, one checkpoint trained on the pool, no projection."""
    learner, reference, pool = _case()
    method = Trak(learner=learner, width=ALL, on="pool").fit(reference)
    ours, mine = timed(lambda: method.documents(pool))
    model = learner.train(pool, seed=0)
    phi = method._each(method._gradients(model), pool.all())
    ridge = method.ridge * float(np.trace(phi.T @ phi)) / phi.shape[1]
    theirs, other = timed(lambda: _trak(learner, model, pool, method.queries, ridge / phi.shape[1]))
    return Comparison(
        "baseline trak's values of items, TRAKAttributor",
        ours, _scaled(theirs, ours), (mine, other), "float32; up to a factor")  # fmt: skip


def tracin() -> Comparison:
    """Four checkpoints of a training on the pool, weighted by their learning rates, no projection."""
    learner, reference, pool = _case()
    method = TracIn(learner=learner, width=ALL).fit(reference)
    ours, mine = timed(lambda: method.documents(pool))

    def library() -> np.ndarray:
        from dattri.algorithm.tracin import TracInAttributor

        path = learner.path(pool, seed=0, stops=method.stops)
        task = _task([checkpoint.model for checkpoint in path], _cross_entropy)
        rates = [checkpoint.rate for checkpoint in path]
        made = TracInAttributor(task, weight_list=rates, normalized_grad=False, projector_kwargs=PLAIN)
        found = made.attribute(_loader(learner, pool.all()), _loader(learner, method.queries))
        return found.numpy().astype(float).mean(axis=1)

    theirs, other = timed(library)
    return Comparison("baseline tracin's values of items, TracInAttributor", ours, theirs, (mine, other), "float32")


def logra() -> Comparison:
    """One linear layer, so that the library's matrix of each layer is ours of all; no projection."""
    learner, reference, pool = _case(hidden=())
    method = LoGra(learner=learner, width=ALL, on="pool").fit(reference)
    ours, mine = timed(lambda: method.documents(pool))
    layer = learner.train(pool, seed=0).head
    theirs, other = timed(lambda: _logra(learner, layer, pool, method.queries, method.damping))
    return Comparison(
        "baseline logra's values of items, BlockProjectedIFAttributor",
        ours, _scaled(theirs, ours), (mine, other), "float32; up to a factor")  # fmt: skip


def influence() -> Comparison:
    """LoGra's Fisher matrix in the place of the Hessian of the same loss, on the same items, equally damped."""
    learner, reference, pool = _case(hidden=())
    method = LoGra(learner=learner, width=ALL, on="pool").fit(reference)
    ours, mine = timed(lambda: method.documents(pool))
    model = learner.train(pool, seed=0)
    rows = method._each(method._gradients(model), pool.all())
    damping = method.damping * float((rows**2).sum()) / rows.size

    def library() -> np.ndarray:
        from dattri.algorithm.influence_function import IFAttributorExplicit

        made = IFAttributorExplicit(_task([model], _cross_entropy), regularization=damping)
        made.cache(_loader(learner, pool.all()))
        found = made.attribute(_loader(learner, pool.all()), _loader(learner, method.queries))
        return found.detach().numpy().astype(float).mean(axis=1)

    theirs, other = timed(library)
    return Comparison(
        "baseline logra's values of items, IFAttributorExplicit",
        ours, theirs, (mine, other), "second moments of gradients for the Hessian")  # fmt: skip


def _scaled(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """In our units: the library scales gradients and their matrix by constants of its own."""
    return theirs * float(ours @ theirs / (theirs @ theirs))


def _case(hidden: tuple[int, ...] = (8,)) -> tuple[ClassifierLearner, Pool, Pool]:
    reference, pools = digits(count=12)
    return ClassifierLearner(hidden=hidden, least=60, epochs=1).fit(reference), reference, pools[4]


def _trak(learner: ClassifierLearner, model: Any, pool: Pool, asked: Batch, ridge: float) -> np.ndarray:
    from dattri.algorithm.trak import TRAKAttributor

    task = _task([model], _margin)
    right = _of_one(model, lambda logits, label: (-_cross_entropy(logits, label)).exp())
    made = TRAKAttributor(task, right, projector_kwargs=PLAIN, regularization=ridge)
    made.cache(_loader(learner, pool.all()))
    found = made.attribute(_loader(learner, asked))
    return np.asarray(found.numpy().astype(float).mean(axis=1))


def _logra(learner: ClassifierLearner, layer: Any, pool: Pool, asked: Batch, damping: float) -> np.ndarray:
    import torch
    from dattri.algorithm.block_projected_if.block_projected_if import BlockProjectedIFAttributor

    class Rows(torch.nn.Module):
        """It looks at a single item first, as a vector, which the bias's column cannot be put beside."""

        def forward(self, x: Any) -> Any:
            return x[None] if x.dim() == 1 else x

    def loss(module: Any, data: Any, device: str) -> Any:
        return _cross_entropy(module(data[0]), data[1])

    task = _task([torch.nn.Sequential(Rows(), layer)], _cross_entropy)
    task.original_loss_func = loss  # this attributor hands the module over, others its weights
    made = BlockProjectedIFAttributor(task, damping=damping, sparsifier_kwargs=PLAIN)
    made.cache(_loader(learner, pool.all()))
    found = made.attribute(_loader(learner, pool.all()), _loader(learner, asked))
    return np.asarray(found.detach().numpy().astype(float).mean(axis=1))


def _task(models: list[Any], of: Callable[[Any, Any], Any]) -> Any:
    """Checkpoints, and the scalar of one item whose gradient is taken."""
    from dattri.task import AttributionTask

    states = [{name: value.detach().clone() for name, value in model.state_dict().items()} for model in models]
    return AttributionTask(loss_func=_of_one(models[0], of), model=models[0], checkpoints=states)


def _of_one(model: Any, of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """(parameters, (x, y)) to a scalar: of one item, as the library maps over items, or the mean of a batch."""
    import torch

    def made(parameters: Any, data: Any) -> Any:
        x, y = data
        one = y.dim() == 0
        logits = torch.func.functional_call(model, parameters, (x[None] if one else x,))[0]
        return of(logits, y[None] if one else y)

    return made


def _cross_entropy(logits: Any, labels: Any) -> Any:
    from torch.nn.functional import cross_entropy

    return cross_entropy(logits, labels)


def _margin(logits: Any, labels: Any) -> Any:
    """log p / (1 - p) of the true class."""
    import torch

    true = torch.arange(logits.shape[-1]) == labels[:, None]
    others = torch.where(true, -torch.inf, logits).logsumexp(-1)
    return (torch.where(true, logits, 0).sum(-1) - others).mean()


def _loader(learner: ClassifierLearner, batch: Batch) -> Any:
    """All items in one batch, in order."""
    import torch

    made = next(learner.tensors(batch))
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(made["x"], made["y"]), batch_size=len(batch))


COMPARISONS = (trak, tracin, logra, influence)
