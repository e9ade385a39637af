"""Made-up text that is a bigram language and nothing else: how much it follows its own order can be dialled."""

import numpy as np

_LINE = "the of and to a in is it you that he was for on are with as his they be at one have this from"
WORDS = _LINE.split()


def chain(n: int, seed: int, follow: float = 0.7, words: int = 25, length: int = 40) -> list[str]:
    """``n`` texts of ``length`` words, each followed by the next one of the first ``words`` with probability
    ``follow``, else by any."""
    rng, made = np.random.default_rng(seed), []
    for _ in range(n):
        at, text = int(rng.integers(words)), []
        for _ in range(length):
            text.append(WORDS[at])
            at = (at + 1) % words if rng.random() < follow else int(rng.integers(words))
        made.append(" ".join(text))
    return made
