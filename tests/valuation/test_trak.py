"""TRAK's scores against those of its authors' library."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.methods.baseline import pool_of
from synthmix.valuation.methods.influence import Trak
from synthmix.valuation.pool import Pool


class Logits(torch.nn.Module):
    """A learner's model as the library wants it: arrays in, logits out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)[0]


def library_scores(
    learner: ClassifierLearner, model: Any, pool: Pool, asked: Pool, ridge: float, folder: Path
) -> np.ndarray:
    """(n,): traker's scores of the pool's items, the mean over the items asked of, without projection."""
    from trak import TRAKer
    from trak.projectors import NoOpProjector

    module = Logits(model).eval()
    (mine,), (theirs,) = ([(t["x"], t["y"]) for t in learner.tensors(each.all())] for each in (pool, asked))
    made = TRAKer(
        model=module,
        task="image_classification",
        train_set_size=len(mine[1]),
        save_dir=str(folder),
        device="cpu",
        projector=NoOpProjector(device="cpu"),
        lambda_reg=ridge,
        use_half_precision=False,
        logging_level=logging.CRITICAL,
    )
    made.load_checkpoint(module.state_dict(), model_id=0)
    made.featurize(batch=mine, num_samples=len(mine[1]))
    made.finalize_features()
    made.start_scoring_checkpoint("asked", module.state_dict(), model_id=0, num_targets=len(theirs[1]))
    made.score(batch=theirs, num_samples=len(theirs[1]))
    return np.asarray(made.finalize_scores("asked"), dtype=np.float64).mean(axis=1)


def test_documents_have_the_librarys_scores(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    x = (rng.standard_normal((60, 4)) + labels[:, None]).astype(np.float32)
    reference, pool = Pool.of("r", x[:20], labels[:20]), Pool.of("p", x[20:], labels[20:])
    learner = ClassifierLearner(hidden=(3,), least=40, epochs=1).fit(reference)
    method = Trak(learner=learner, width=10**6, on="pool").fit(reference)
    found = method.documents(pool)
    model = learner.train(pool, seed=0)
    weights = sum(p.numel() for p in model.parameters())
    phi = method._each(method._gradients(model), pool.all())
    ridge = method.ridge * float(np.trace(phi.T @ phi)) / weights / weights  # the library divides by the weights too
    expected = library_scores(learner, model, pool, pool_of("asked", method.queries), ridge, tmp_path)
    scale = float(found @ expected / (expected @ expected))  # the library scales its inverse
    assert scale > 0
    assert found == pytest.approx(scale * expected, rel=1e-2, abs=1e-3 * np.abs(found).max())
