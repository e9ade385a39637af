"""``synthmix.advise``: what to do, from a study or from what is published."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synthmix.advice.asked import Kind, ask
from synthmix.advice.found import Advice
from synthmix.advice.from_priors import advise_without
from synthmix.advice.from_study import advise_from
from synthmix.advice.knowledge import DRAWS, finished_results
from synthmix.advice.priors import findings
from synthmix.advice.starter import starter
from synthmix.errors import BadInput
from synthmix.files import write_text
from synthmix.progress import Progress
from synthmix.results import Results

MINUTES = 60.0


def advise(
    params: int | str | None = None,
    tokens: int | str | None = None,
    *,
    real: int | str | None = None,
    synthetic: Iterable[str | Kind] | Mapping[str, Mapping[str, Any]] = (),
    study: str | Path | Results | None = None,
    budget_money: float | None = None,
    price_training: float | None = None,
    next_flops: float | None = None,
    scores: bool = True,
    draws: int = DRAWS,
    minutes: float = MINUTES,
    real_files: str | None = None,
    write_study: str | Path | None = None,
    progress: Progress | None = None,
) -> Advice:
    """I will train ``params`` parameters on ``tokens`` tokens, and have these texts at these prices: what should I do?

    >>> synthmix.advise("1B", "100B", real="60B", synthetic=["hq=30B,price=0.5"], study="mine.yaml")  # doctest: +SKIP

    Args:
        params: non-embedding parameters. tokens: the budget. Unset, those of the study's own question.
        real: unique real tokens; None: as many as are needed.
        synthetic: kinds as ``"hq=30B,price=0.5,params=8B"`` or ``{"hq": {"tokens": "30B", "price": 0.5}}``; the
            price is money per million tokens.
        study: a finished study's file, folder or results; None: published findings, as priors.
        budget_money: for synthetic tokens. price_training: money per million training tokens at this size.
        next_flops: the most that one of the next runs may cost.
        scores: read the study's texts for its valuation scores: the first time some seven seconds for each million
            tokens, then nothing, for they are kept in its folder.
        draws: resamples of each law.
        minutes: of training that the study may take which would replace the priors. real_files: its real text.
        write_study: where its study file is written; a file that is there is never replaced.

    Raises:
        BadInput: a question that cannot be, or a study without the runs that it needs.
    """
    if study is not None and (write_study is not None or real_files is not None):
        key = "--write-study" if write_study is not None else "--real-files"
        raise BadInput("is for asking without a study", key=key, remedy="leave it or --study away")
    if isinstance(study, Results):
        where, results = Path(study.study), study
    elif study is not None:
        where = Path(study)
        results = finished_results(where)
    else:
        results = None
    if results is not None and results.answer is not None:
        params = results.answer.params if params is None else params
        tokens = results.answer.tokens if tokens is None else tokens
    for name, value in (("params", params), ("tokens", tokens)):
        if value is None:
            raise BadInput("is missing", key=f"--{name}", remedy="say what you will train: --params 1B --tokens 100B")
    asked = ask(
        params, tokens, real=real, synthetic=synthetic, budget_money=budget_money, price_training=price_training
    )
    if next_flops is not None and not next_flops > 0:
        raise BadInput("is not above 0", key="--next-flops")
    if results is not None:
        texts = where if scores and not isinstance(study, Results) else None
        return advise_from(
            results, asked, where=where, draws=draws, next_flops=next_flops, texts=texts, progress=progress
        )
    findings(asked.kinds)  # an unknown kind is told before a file is
    if not minutes > 0:
        raise BadInput("is not above 0", key="--minutes")
    target = None if write_study is None else Path(write_study)
    if target is not None and target.exists():
        raise BadInput("is there already", where=target, key="--write-study", remedy="name a new file")
    begun = starter(asked, minutes=minutes, real_files=real_files, file=target, progress=progress)
    if target is not None:
        write_text(target, begun.text)
    return advise_without(asked, begun)
