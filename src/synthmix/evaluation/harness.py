"""Scores on tasks: lm-evaluation-harness over a model of ours, or any causal language model of transformers."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput, Failure
from synthmix.evaluation.harness_answers import answer_nats, chance_of, items_of
from synthmix.evaluation.harness_score import TaskScore
from synthmix.evaluation.harness_tasks import Tasks, first_line, quiet

# The first of these that a task gives is its score; the others are kept beside it (CHOSEN: acc first, since what
# guessing gives is known of it).
METRICS = ("acc", "exact_match", "acc_norm", "em", "f1", "pass@1", "pass_at_1")
BOOTSTRAP = 200  # resamples of the harness, for metrics that are no means
BATCH = 32


def wrapped(model: Path | str, *, context: int | None = None, tokenizer: str | None = None) -> Any:
    """A model as the harness takes it (its ``HFLM``), on the best device here.

    Args:
        model: a checkpoint's folder, or any Hugging Face folder or hub id.
        context: tokens that a run of ours was trained on at once: longer questions lose their beginning. Given, the
            model is one of ours: its tokenizer, and every question begins with an end of document, as in training.
        tokenizer: folder or hub id, for models from elsewhere; None: the model's own.

    Raises:
        BadInput: no model or tokenizer there.
    """
    from synthmix.training.checkpoint import load_checkpoint

    quiet()
    from lm_eval.models.huggingface import HFLM

    class Quiet(HFLM):
        """Without bars of its own."""

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().loglikelihood(requests, disable_tqdm=disable_tqdm)

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().generate_until(requests, disable_tqdm=disable_tqdm)

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
            return super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)

    loaded = load_checkpoint(model)
    ours = context is not None
    return Quiet(
        pretrained=loaded,
        tokenizer=_ours(model) if ours else _theirs(tokenizer or str(model)),
        backend="causal",
        batch_size=BATCH,
        max_length=context,
        add_bos_token=True if ours else None,
    )


def ask(model: Any, tasks: Tasks, name: str) -> TaskScore:
    """One task's score of a model made by :func:`wrapped`.

    Raises:
        BadInput: the task has no metric between 0 and 1, or cannot be asked of this model.
        Failure: the score is not a number.
    """
    from jinja2 import TemplateError
    from lm_eval.evaluator import evaluate

    try:  # simple_evaluate would load the data again, and ask the system of itself for a second, for every model
        found = evaluate(
            lm=model,
            task_dict=tasks.manager.load([tasks.loaded[name]]),
            limit=tasks.limit,
            bootstrap_iters=BOOTSTRAP,
            log_samples=True,
        )
    except AssertionError as error:  # how the harness says that an answer does not fit
        raise BadInput(
            f"an answer may be longer than the {model.max_length} tokens that the model reads at once",
            where=f"task {name}",
            remedy="choose a task with shorter answers",
        ) from error
    except (ValueError, KeyError, TypeError, IndexError, TemplateError) as error:
        problem = f"cannot be asked ({type(error).__name__}: {first_line(error)})"
        raise BadInput(problem, where=f"task {name}", remedy="look at the task file, or choose another task") from error
    members = tasks.members(name)
    metric, values, stderr = _metric(name, found["results"][name])
    value = values.pop(metric)
    if not 0 <= value <= 1:
        raise Failure(f"{metric} is {value}, no score between 0 and 1", where=f"task {name}")
    samples = [found["samples"][member.task_name] for member in members]
    return TaskScore(
        id=tasks.ids[name],
        metric=metric,
        value=value,
        stderr=stderr,
        chance=chance_of(metric, members, samples),
        items=sum(map(items_of, samples)),
        answer_nats=answer_nats(samples),
        fewshot=tasks.fewshot,
        others=values,
        harness=version("lm-eval"),
    )


def _metric(name: str, row: dict[str, Any]) -> tuple[str, dict[str, float], float | None]:
    """The metric that is the score, all metrics, and its standard error; of several filters the first."""
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    for key, value in row.items():
        metric = key.split(",")[0]
        if isinstance(value, bool) or not isinstance(value, int | float) or "," not in key:
            continue
        if metric.endswith("_stderr"):
            errors.setdefault(metric.removesuffix("_stderr"), float(value))
        else:
            values.setdefault(metric, float(value))
    chosen = next((metric for metric in METRICS if metric in values), None)
    if chosen is None:
        raise BadInput(
            f"gives {', '.join(values) or 'no metric'}, not a score between 0 and 1",
            where=f"task {name}",
            remedy="losses on text are measured with --on",
        )
    return chosen, values, errors.get(chosen)


def _ours(folder: Path | str) -> Any:
    """A run's tokenizer; ``<end of document> question``, since that is how documents begin in training."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    from synthmix.corpus import load_tokenizer

    own = load_tokenizer(folder)
    backend = type(own.backend).from_str(own.backend.to_str())
    backend.post_processor = TemplateProcessing(single=f"{own.end} $A", special_tokens=[(own.end, own.eos_id)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=own.end, eos_token=own.end, pad_token=own.end)


def _theirs(where: str) -> Any:
    from transformers import AutoTokenizer

    from synthmix.corpus import load_tokenizer

    try:
        found = AutoTokenizer.from_pretrained(where)
    except (OSError, ValueError) as error:
        problem = f"no tokenizer can be loaded ({first_line(error)})"
        raise BadInput(problem, where=where, remedy="name one with --tokenizer") from None
    if found.eos_token is None:  # a tokenizer.json alone does not say which token that is
        found.eos_token = load_tokenizer(where).end
    return found
