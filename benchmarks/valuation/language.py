"""Texts of a prompt and an answer, and the small Llama that the truth of the language tasks is trained with."""

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np

from synthmix.valuation.learners import LanguageLearner
from synthmix.valuation.pool import Batch, Pool

_WORD = re.compile(r"\S+\s*")
PROMPT, ANSWER = 80, 120  # words that are kept, so that a few long texts do not make up a dataset


def prompted(prompt: str, answer: str) -> str:
    """The prompt in one line, a line break, the answer as it was written; both cut to so many words."""
    first = " ".join(prompt.split()[:PROMPT])
    return first + "\n" + "".join(_WORD.findall(answer.strip())[:ANSWER]).rstrip()


class BudgetLearner(LanguageLearner):
    """The project's small Llama, trained on whole texts with a budget that looks at how much text there is."""

    passes = 16  # over one dataset, at most

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """See :class:`LanguageLearner`; the budget is cut to so many passes, and covers everything once."""
        held = sum(len(ids) for batch in pool.batches() for ids in self._known().encode_batch(batch.items))
        mine = copy.copy(self)
        mine.tokens = min(max(self.tokens, held), self.passes * held)
        return super(BudgetLearner, mine).train(pool, seed=seed)


class AnswerLearner(BudgetLearner):
    """The same, measured on the answers, given their prompts."""

    def both_losses(self, model: Any, pool: Pool) -> dict[str, float]:
        """Nats per token of the answers, and of all tokens: every token counts the same."""
        sums = np.zeros(4)
        for batch in pool.batches():
            sums += self._sums(model, batch)
        return {"loss": sums[0] / sums[1], "whole-text loss": sums[2] / sums[3]}

    def _sums(self, model: Any, batch: Batch) -> np.ndarray:
        """Nats and tokens of the answers, nats and tokens of everything."""
        import torch

        prompts = [text.partition("\n")[0] + "\n" for text in batch.items]
        starts, at, sums = [len(ids) for ids in self._known().encode_batch(prompts)], 0, np.zeros(4)
        with torch.no_grad():
            for reading in self.read(model, batch):
                here = (reading.weights > 0).float()
                places = torch.arange(here.shape[1], device=here.device)
                first = torch.tensor(starts[at : at + len(here)], device=here.device)
                answers = here * (places >= first[:, None])  # row position i holds the text's token i
                at += len(here)
                for column, weights in ((0, answers), (2, here)):
                    sums[column] += float(replace(reading, weights=weights).losses().sum())
                    sums[column + 1] += float(weights.sum())
        return sums


def language_learner() -> AnswerLearner:
    """For prompts and answers: 400,000 tokens (or all, once, where there are more), at most 16 passes.

    CHOSEN. With two passes over each dataset instead, models of 10,000 to 140,000 tokens were all still leaving the
    unigram plateau: the loss followed the number of steps (Spearman .9 with the tokens), and shuffled words of a long
    dataset beat human-written answers of a short one. Beyond 16 passes more of the same adds nothing (Muennighoff et
    al., arXiv 2305.16264), and small models of small datasets only learn them by heart.
    """
    return AnswerLearner(**SIZE)


def passage_learner() -> BudgetLearner:
    """The same for texts without prompts."""
    return BudgetLearner(**SIZE)


SIZE: dict[str, Any] = {
    "vocab": 1024, "params": 50_000, "context": 256, "batch": 2048, "tokens": 400_000, "precision": "bf16"
}  # fmt: skip
