"""Where synthetic sources end: :mod:`synthmix.phases.estimation` on words, and what follows at a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.gaps.words import EOS, WordText
from synthmix.interval import Interval
from synthmix.phases.estimation import Estimate, estimate_phases
from synthmix.results.gap import SourceCutoff
from synthmix.results.parts import Warn
from synthmix.statistics.ngrams import bits_of


@dataclass(frozen=True)
class Held:
    """Ids in memory as a stream."""

    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.ids[start:stop]


def source_cutoffs(
    natural: Sequence[WordText],
    synthetic: Sequence[WordText],
    vocab: int,
    *,
    pi: float,
    tokens_per_word: float,
    budget: int,
    level: float,
    seed: int,
    warnings: list[Warn],
) -> list[SourceCutoff]:
    """Of each synthetic source, by words and pairs of words; breakpoints in tokens at the natural share ``pi``."""
    if not synthetic:
        return []
    if not natural:
        message = "The mixture holds no natural text: there are no ranks that a cutoff could be of."
        warnings.append(Warn(code="no_natural_text", message=message))
        return []
    orders = (1, 2) if 2 * bits_of(vocab) <= 64 else (1,)
    whole = Held(np.concatenate([text.stream() for text in natural]))
    made = []
    for text in synthetic:
        try:
            found = estimate_phases(whole, Held(text.stream()), vocab, eos=EOS, orders=orders, level=level, seed=seed)
        except BadInput as error:
            message = f"No cutoff of {text.name}: {error.where} {error.problem}."
            warnings.append(Warn(code="no_cutoff", message=message, about=text.name))
            continue
        made += [_row(text.name, one, pi, tokens_per_word, budget) for one in found]
    return made


def _row(name: str, found: Estimate, pi: float, tokens_per_word: float, budget: int) -> SourceCutoff:
    n1 = found.n1.scaled(tokens_per_word)
    n2 = found.n2(pi).scaled(tokens_per_word)
    return SourceCutoff(
        source=name, order=found.order, ranks=found.types, shape=found.shape, k=found.k, beyond=found.beyond, n1=n1,
        n2=n2, phase=_phase(n1, n2, budget),
    )  # fmt: skip


def _phase(n1: Interval, n2: Interval, budget: int) -> int | None:
    if n1.mid is None:
        return None
    return 1 if budget < n1.mid else 2 if n2.mid is None or budget < n2.mid else 3
