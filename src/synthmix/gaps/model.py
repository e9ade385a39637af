"""The loss of a trained model on the words of a reference: the nats of the tokens that a word is made of."""

from pathlib import Path

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.evaluation.losses import document_nats
from synthmix.gaps.words import WordText
from synthmix.progress import Progress
from synthmix.statistics.count import WORD


def check(checkpoint: str | Path) -> None:
    """Raises BadInput where no model lies."""
    if not (Path(checkpoint) / "config.json").exists():
        raise BadInput(
            "holds no model (no config.json)", where=checkpoint, key="--checkpoint", remedy="name a checkpoint"
        )


def word_losses(
    checkpoint: str | Path,
    corpus: Corpus,
    reference: WordText,
    vocab: int,
    context: int,
    progress: Progress,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Nats summed by word (vocab,), over all its occurrences in ``reference``; each document after an end of document,
    in windows of ``context`` tokens. ``weights``: of the documents (documents,); None: 1.

    A token belongs to the word in which it begins, or, where it begins between words, to the next one (a space before
    a word is part of its first token); what stands after the last word is left out.

    Raises:
        BadInput: no model there, or one of another vocabulary.
    """
    from synthmix.training.checkpoint import load_checkpoint

    check(checkpoint)
    model = load_checkpoint(Path(checkpoint))
    tokenizer = corpus.tokenizer()
    if model.config.vocab_size < tokenizer.vocab_size:
        raise BadInput(
            f"has a vocabulary of {model.config.vocab_size}, the text one of {tokenizer.vocab_size}",
            where=checkpoint, remedy="name the model that was trained on these corpora",
        )  # fmt: skip
    nats, task = np.zeros(vocab), "loss of the model"
    progress.start(task, len(reference.documents), "documents")
    for number, (text, words) in enumerate(zip(reference.texts, reference.documents, strict=True)):
        encoded = tokenizer.backend.encode(text, add_special_tokens=False)
        ids = np.array([tokenizer.eos_id, *encoded.ids], np.int64)
        each = document_nats(model, ids, context=context)
        ends = np.array([m.end() for m in WORD.finditer(text.replace("\u2019", "'"))])
        if len(ends) != len(words):  # lower case has other words (a rare letter)
            continue
        begins = np.array([begin for begin, _ in encoded.offsets])
        place = np.searchsorted(ends, begins, side="right")
        inside = place < len(ends)
        weight = 1.0 if weights is None else float(weights[number])
        nats += weight * np.bincount(words[place[inside]], each[inside], minlength=vocab)
        progress.update(task, number + 1)
    progress.finish(task)
    return nats
