"""The cheapest study that would replace the priors: a study file, its ladder sized by the planner's time estimate."""

import os
import tempfile
from pathlib import Path
from typing import Any

from synthmix.advice.schema import PilotStudy
from synthmix.config import StudyConfig
from synthmix.decisions.question import KEY
from synthmix.engine import Engine, open_engine
from synthmix.errors import BadInput
from synthmix.generation.template import builtin_templates
from synthmix.progress import Progress, Silent
from synthmix.quantities import format_count, parse_count
from synthmix.report.sentences import place
from synthmix.results import Kind, Question
from synthmix.study.load import study_from
from synthmix.study.plan import Plan, make_plan
from synthmix.study.workspace import Workspace

Ladder = tuple[tuple[str, ...], tuple[str, ...]]

# Sizes and budgets, each rung some times dearer than the last. The first is the least that determines the laws in size,
# tokens and share, with a size and a budget to hold out.
LADDERS: tuple[Ladder, ...] = (
    (("25k", "75k", "225k"), ("200k", "400k", "800k")),
    (("25k", "75k", "225k"), ("200k", "800k", "3.2M")),
    (("25k", "100k", "400k"), ("300k", "1.2M", "4.8M")),
    (("50k", "200k", "800k"), ("500k", "2M", "8M")),
    (("50k", "200k", "800k", "3.2M"), ("1M", "4M", "16M")),
    (("100k", "400k", "1.6M", "6.4M"), ("2M", "8M", "32M")),
    (("400k", "1.6M", "6.4M", "25M"), ("8M", "32M", "128M")),
)
SAMPLE_LADDERS = 3  # of them the embedded sample is long enough for
SAMPLE = ["stdlib", "numpy", "scipy", "torch", "transformers"]
NAME, NATURAL, ENDPOINT, MODEL = "advice", "natural", "http://localhost:8000/v1", "llama-3-8b"
OTHERS = ("python-reference", "networkx")  # of the embedded sample: domains that no model is trained on
TAKEN = (NATURAL, *OTHERS)
REWRITE = "hq"
SPARE = 1.1  # more generated tokens than the longest run takes: filters and the split need some


def pilot_study(
    question: Question,
    *,
    minutes: float,
    natural_files: str | None = None,
    file: Path | None = None,
    engine: Engine[Any, Any] | None = None,
    progress: Progress | None = None,
) -> PilotStudy:
    """The longest ladder that this machine trains within ``minutes``, by the planner; the first where none is.

    Args:
        natural_files: the natural text; None: the embedded sample stands in for it.
        file: where the study file will lie: paths in it count from there.
        engine: whose workers are timed; None: this machine's processes.

    Raises:
        BadInput: a kind that is not published, or files that are not there.
    """
    for kind in question.kinds:
        if kind.name in TAKEN:
            remedy = f"name it otherwise: my-{kind.name},like=KIND"
            raise BadInput(f"'{kind.name}' is a name that the study file itself uses", key=KEY, remedy=remedy)
    progress = progress or Silent()
    ladders = LADDERS if natural_files else LADDERS[:SAMPLE_LADDERS]
    base = file.parent if file is not None else Path()
    progress.start("timing this machine", None, "steps")
    with tempfile.TemporaryDirectory() as folder, engine or open_engine() as workers:
        chosen, plan = 0, _plan(_raw(question, ladders[0], natural_files), Path(folder), workers)
        rate = sum(run.flops for run in plan.all_work) / max(plan.seconds_left, 1e-9)
        costs = [_flops(study_from(_raw(question, ladder, natural_files))) for ladder in ladders]
        first = max((i for i, cost in enumerate(costs) if cost / rate <= 60 * minutes), default=0)
        for place in range(first, 0, -1):
            tried = _plan(_raw(question, ladders[place], natural_files), Path(folder), workers)
            if tried.seconds_left <= 60 * minutes:
                chosen, plan = place, tried
                break
    progress.finish("timing this machine")
    raw = _raw(question, ladders[chosen], natural_files, base)
    return PilotStudy(
        text=_text(question, raw, plan),
        runs=len(plan.runs),
        tokens=plan.tokens_trained,
        flops=sum(run.flops for run in plan.all_work),
        seconds=plan.seconds_left,
        device=plan.speeds.device,
        workers=plan.speeds.workers,
        to_replace=_to_replace(question, natural_files),
    )


def _raw(question: Question, ladder: Ladder, natural_files: str | None, base: Path = Path()) -> dict[str, Any]:
    """The study as plain data, its paths counted from ``base``."""
    sizes, budgets = ladder
    text: dict[str, Any] = {"files": _path(natural_files, base)} if natural_files else {"sample": SAMPLE}
    need = format_count(parse_count(budgets[-1]) * SPARE)
    evaluate: dict[str, Any] = {NATURAL: "heldout"}
    if not natural_files:
        evaluate |= {name: {"sample": [name]} for name in OTHERS}
    return {
        "study": NAME,
        "tokenizer": {"vocab": 2048},
        "corpora": {NATURAL: {**text, "heldout": "2%"}, **{k.name: _corpus(k, need, base) for k in question.kinds}},
        "evaluate": evaluate,
        "evaluate_tokens": "12k",
        "mix": {
            "natural": NATURAL,
            "synthetic": [kind.name for kind in question.kinds],
            # What is published leaves the whole range open (docs/advise.md).
            "shares": ["0", "1/3", "2/3", "1"],
        },
        "ladder": {
            "params": list(sizes),
            "budgets": list(budgets),
            "replicates": [{"params": [sizes[0]], "seeds": 2}],
        },
        "training": {"schedule": "wsd", "context": 64, "batch": 512},
        "question": {"params": question.params, "tokens": question.tokens},
    }


def _corpus(kind: Kind, need: str, base: Path) -> dict[str, Any]:
    if kind.files is not None:
        return {"files": _path(kind.files, base), "kind": "synthetic"}
    return {
        "generate": _template(kind),
        "from": NATURAL,
        "model": MODEL,
        "params": kind.params or "8B",
        "endpoint": ENDPOINT,
        "key_env": None,
        "price_out": kind.price,
        "tokens": need,
    }


def _template(kind: Kind) -> str:
    """The prompt type that writes a kind; that of an encyclopaedic rewrite where its own is not among them."""
    name = kind.like or kind.name
    return name if name in builtin_templates() else REWRITE


def _path(given: str, base: Path) -> str:
    """A path as it counts from the study file's folder; addresses stay as they are."""
    return given if "://" in given or os.path.isabs(given) else os.path.relpath(given, base)


def _plan(raw: dict[str, Any], folder: Path, engine: Engine[Any, Any]) -> Plan:
    return make_plan(study_from(raw), Workspace(folder), engine)


def _flops(config: StudyConfig) -> float:
    """Training FLOPs of all runs, trunks counted once."""
    from synthmix.study.ladder import cells, find_trunks, own_tokens

    planned = cells(config)
    trunks = find_trunks(planned)
    vocab, context = config.tokenizer.vocab, config.training.context
    own = sum(own_tokens(cell, trunks) * cell.shape.flops_per_token(vocab, context) for cell in planned)
    return own + sum(t.tokens * t.cell.shape.flops_per_token(vocab, context) for t in trunks.values())


def _to_replace(question: Question, natural_files: str | None) -> list[str]:
    found = (
        [] if natural_files else [f"corpora.{NATURAL}: the embedded sample stands in for your text (--natural-files)"]
    )
    written = [kind.name for kind in question.kinds if kind.files is None]
    if written:
        what = ", ".join(f"corpora.{name}" for name in written)
        found.append(f"{what}: the model and endpoint that write it (docs/generation.md), or give files=PATH")
    for kind in question.kinds:
        if kind.files is None and _template(kind) not in (kind.like, kind.name):
            found.append(f"corpora.{kind.name}.generate: no prompt type writes {kind.like or kind.name}; hq stands in")
    return found


def _text(question: Question, raw: dict[str, Any], plan: Plan) -> str:
    import yaml

    names = ", ".join(kind.name for kind in question.kinds)
    minutes = plan.seconds_left / 60
    head = [
        f"What share of {names} for {place(question.params, question.tokens)}?",
        f"{len(plan.runs)} runs; about {minutes:.0f} min on {plan.speeds.workers} worker(s) of {plan.speeds.device}, "
        "text not counted.",
        "Then: synthmix advise --study THIS_FILE, with the same question.",
    ]
    return "".join(f"# {line}\n" for line in head) + yaml.safe_dump(
        raw, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )
