"""What seeds of the arms that write ``toward`` the reference are drawn by: the gap between it and the text there is."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from synthmix.corpus.build import build_corpus
from synthmix.corpus.corpus import Corpus
from synthmix.corpus.load import TRAINED_ON, Documents, built_tokenizer
from synthmix.corpus.meta import is_corpus
from synthmix.corpus.sources import Document
from synthmix.corpus.tokenizer import train_tokenizer
from synthmix.errors import BadInput
from synthmix.gaps.aiming import MOST, aim_of
from synthmix.gaps.measure import gap
from synthmix.generation.aim import Aim
from synthmix.progress import Progress

VOCAB = 4096  # of a tokenizer that is trained, where no corpus brings one


def aim_toward(have: Sequence[str], text: str, reference: Sequence[str], progress: Progress) -> Aim:
    """What the text in ``have`` lacks for the ``reference`` (texts of the half that chooses).

    Raises:
        BadInput: there is no gap, or the reference is too short to tell one.
    """
    with TemporaryDirectory(prefix="synthmix-") as work:
        tokenizer = built_tokenizer(have)
        if tokenizer is None:
            tokenizer = train_tokenizer(_first(have, text, reference), VOCAB)
        mine: dict[str, Corpus] = {}
        for number, path in enumerate(have):
            name = f"have {number + 1}"
            mine[name] = (
                Corpus.open(path)
                if is_corpus(path)
                else build_corpus(
                    Documents([path], text=text), Path(work) / name, name=name, tokenizer=tokenizer, progress=progress
                )
            )
        need = build_corpus(
            [Document(one, "need", None) for one in reference],
            Path(work) / "need",
            name="need",
            tokenizer=tokenizer,
            heldout=1,
            progress=progress,
        )
        found = gap(mine, {"need": (need, need.heldout_domains[0])}, top=MOST, progress=progress)
        if found.state == "none":
            raise BadInput("no gap to write toward: the text there is shows what the reference has",
                           remedy="leave toward out")  # fmt: skip
        return aim_of(found)


def _first(have: Sequence[str], text: str, reference: Sequence[str]) -> list[str]:
    """Text to train a tokenizer on, of both sides."""
    held, size = list[str](), 0
    for one in chain(reference, (document.text for document in Documents(have, text=text))):
        held.append(one)
        size += len(one)
        if size >= TRAINED_ON:
            break
    return held
