"""The chosen part of a pool as a corpus that says how it was chosen."""

from pathlib import Path

from synthmix.corpus import Corpus, Tokenizer, build_corpus
from synthmix.corpus.load import Documents
from synthmix.progress import Progress, Silent
from synthmix.valuation.opening import open_pool
from synthmix.valuation.selection import ROUNDS, Selection, select
from synthmix.valuation.selection_check import Check, checked
from synthmix.valuation.valuer import Valuer


def select_documents(
    valuer: Valuer,
    where: str,
    tokens: int,
    to: Path,
    *,
    tokenizer: Tokenizer,
    text: str = "text",
    rounds: int = ROUNDS,
    check: bool = True,
    progress: Progress | None = None,
) -> tuple[Selection, Corpus, Check | None]:
    """:func:`.select` from what ``where`` names, written as a corpus in ``to``, and :func:`.checked` before where
    ``check`` is true.

    Raises:
        BadInput: see :func:`.select`, :func:`.open_pool` and :func:`synthmix.build_corpus`.
    """
    progress = progress or Silent()
    pool = open_pool(where, text=text)
    documents = Documents([where], text=text)
    progress.start("selection", rounds, "rounds")
    found = select(
        valuer, pool, tokens, rounds=rounds, said=lambda number, line: progress.update("selection", number, line)
    )
    progress.finish("selection")
    compared = None
    if check:
        progress.start("check by halves of the reference", rounds, "rounds")
        compared = checked(
            valuer,
            pool,
            tokens,
            rounds=rounds,
            said=lambda number, line: progress.update("check by halves of the reference", number, line),
        )
        progress.finish("check by halves of the reference")
    kept = (document for document, keep in zip(documents, found.chosen, strict=True) if keep)
    corpus = build_corpus(
        kept,
        to,
        name=to.name,
        tokenizer=tokenizer,
        kind="synthetic" if pool.share == 0 else "real",
        origin=f"{found.taken} of {int(found.tokens.sum())} tokens of {pool.name}, chosen by score for a reference",
        progress=progress,
    )
    return found, corpus, compared
