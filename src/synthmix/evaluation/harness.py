"""Scores on tasks of lm-evaluation-harness: tasks by name, a model asked, and what the harness does not say.

Tasks are loaded once and known by what they ask; a model is ours, or any causal language model of transformers.
"""

import difflib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from synthmix.errors import BadInput, Failure
from synthmix.files import content_hash

FEWSHOT_SEED = 1234  # the harness's own
_NEAR = 3  # names that are offered for one that is not there
# The first of these that a task gives is its score; the others are kept beside it (CHOSEN: acc first, since what
# guessing gives is known of it).
METRICS = ("acc", "exact_match", "acc_norm", "em", "f1", "pass@1", "pass_at_1")
BOOTSTRAP = 200  # resamples of the harness, for metrics that are no means
BATCH = 32
GUESSED = ("acc", "acc_norm")  # metrics of a choice


class TaskScore(BaseModel):
    """A task's score, as it is kept in a run's record beside the losses.

    Attributes:
        id: hash of the task (its configuration, its questions, how many of them): a score counts while it is the same.
        metric: what ``value`` is; between 0 and 1, more is better.
        stderr: of ``value`` by the choice of questions; None where the harness gives none.
        chance: score of guessing: the mean of 1/choices; 0 where the answer is written freely.
        items: questions asked.
        answer_nats: mean nats per byte of the right answer, given the question (the "task loss" of Bhagia et al.,
            arXiv 2412.04403, in nats); it tells small models apart long before they leave chance. None where no
            answer is scored by its likelihood.
        others: the task's other metrics, by name.
        harness: version of lm-evaluation-harness.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    metric: str
    value: float
    stderr: float | None = None
    chance: float = 0.0
    items: int
    answer_nats: float | None = None
    fewshot: int | None = None
    others: dict[str, float] = {}
    harness: str


@dataclass(frozen=True)
class Tasks:
    """What is asked of every model.

    Attributes:
        names: as results are called: tasks and groups; a tag stands for its tasks.
        loaded: name -> the harness's Task or Group, with its data.
        ids: name -> hash of configuration, questions, examples and limit. A score counts while it is the same.
        manager: the harness's index of tasks.
    """

    names: tuple[str, ...]
    loaded: dict[str, Any]
    ids: dict[str, str]
    manager: Any
    fewshot: int | None
    limit: int | None

    def members(self, name: str) -> list[Any]:
        """The tasks that a name stands for: one, or those of a group."""
        return _members(self.loaded[name])


def load_tasks(
    names: Sequence[str], *, include: Path | None = None, fewshot: int | None = None, limit: int | None = None
) -> Tasks:
    """Find tasks and load their data.

    Args:
        names: of tasks, groups or tags.
        include: folder of task files (YAML) beside the harness's own, which they override.
        fewshot: examples before each question; None: the task's own number.
        limit: ask the first so many questions only.

    Raises:
        BadInput: the harness is not installed, no such task or folder, or data that is neither here nor on the hub.
    """
    quiet()
    if not names:
        raise BadInput("no task is named", key="--harness", remedy="for example --harness arc_easy,piqa")
    if include is not None and not include.is_dir():
        raise BadInput("no such folder", where=include, key="--include-path", remedy="name a folder of task files")
    manager = _manager(names, include)
    loaded: dict[str, Any] = {}
    for name in names:
        if name not in manager.all_tasks:
            raise _unknown(name, manager, include)
        loaded |= _loaded(name, manager)
    for entry in loaded.values():
        for task in _members(entry):
            _prepare(task, fewshot)
    ids = {name: _id(name, entry, fewshot, limit) for name, entry in loaded.items()}
    return Tasks(tuple(loaded), loaded, ids, manager, fewshot, limit)


def quiet() -> None:
    """Load the harness, and keep it and the data sets' library from writing bars and lines of their own.

    Raises:
        BadInput: it is not installed.
    """
    for name in ("lm_eval", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from tqdm import tqdm

    try:
        import datasets
        import lm_eval.api.task
    except ImportError:
        raise BadInput(
            "lm-evaluation-harness is not installed", key="--harness", remedy='pip install "synthmix[harness]"'
        ) from None
    datasets.disable_progress_bars()
    lm_eval.api.task.tqdm = partial(tqdm, disable=True)  # it has no switch


def _manager(names: Sequence[str], include: Path | None) -> Any:
    """The index of tasks: of ``include`` alone where that has them all, since the harness's own takes seconds."""
    from lm_eval.tasks import TaskManager

    if include is not None:
        own = TaskManager(include_path=str(include), include_defaults=False)
        if set(names) <= set(own.all_tasks):
            return own
    return TaskManager(include_path=None if include is None else str(include))


def _unknown(name: str, manager: Any, include: Path | None) -> BadInput:
    near = difflib.get_close_matches(name, manager.all_tasks, n=_NEAR, cutoff=0.5)
    if near:
        remedy = f"did you mean {' or '.join(near)}?"
    elif include is None:
        remedy = "lm-eval ls tasks lists them; a task of your own is found with --include-path"
    else:
        remedy = "lm-eval ls tasks lists them; a file's name of its task is its key 'task'"
    return BadInput(f"no task is called {name!r}", where=include, key="--harness", remedy=remedy)


def _loaded(name: str, manager: Any) -> dict[str, Any]:
    """Name -> Task or Group; of a tag, its tasks. Data is read or downloaded here."""
    from huggingface_hub.errors import HfHubHTTPError
    from jinja2 import TemplateError

    try:
        found = manager.load([name])
    except (ConnectionError, HfHubHTTPError, TimeoutError) as error:
        remedy = "check the network, or give a task with local data (--include-path)"
        raise BadInput(
            f"its data cannot be downloaded ({first_line(error)})", where=f"task {name}", remedy=remedy
        ) from None
    except FileNotFoundError as error:
        remedy = "paths in a task file count from the folder that the command is run in; a hub name needs the network"
        raise BadInput(f"its data is not there ({first_line(error)})", where=f"task {name}", remedy=remedy) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, TemplateError) as error:
        # What a wrong key of a task file becomes; the harness has no error of its own for it.
        problem = f"cannot be loaded ({type(error).__name__}: {first_line(error)})"
        raise BadInput(problem, where=f"task {name}", remedy="mend the task file, or its data") from None
    if name in found.get("groups", {}):
        return {name: found["groups"][name]}
    return dict(found["tasks"])


def _members(entry: Any) -> list[Any]:
    return list(entry.get_all_tasks()) if hasattr(entry, "get_all_tasks") else [entry]


def _prepare(task: Any, fewshot: int | None) -> None:
    """As the harness's simple_evaluate: a task that says 0 examples keeps them, one that says nothing has none."""
    said = task.get_config("num_fewshot")
    if said is None or (fewshot is not None and said != 0):
        task.set_config(key="num_fewshot", value=fewshot or 0)
    task.set_fewshot_seed(seed=FEWSHOT_SEED)


def _id(name: str, entry: Any, fewshot: int | None, limit: int | None) -> str:
    """Hash of what is asked, of every task that the name stands for."""
    asked = []
    for task in _members(entry):
        config = task.config.to_dict(keep_callable=False)
        documents = [_plain(document) for document in task.eval_docs]
        asked.append([_plain(config), documents[:limit] if limit else documents])
    return content_hash([name, fewshot, limit, asked])


def _plain(value: Any) -> Any:
    """JSON-like; what JSON does not know by its type and length alone (an image, a function)."""
    return json.loads(json.dumps(value, default=lambda it: type(it).__name__, allow_nan=True).replace("NaN", "null"))


def first_line(error: BaseException) -> str:
    """The first line of a message that may have many."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:160] if lines else type(error).__name__


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


def items_of(samples: list[dict[str, Any]]) -> int:
    """Questions asked: a question that several filters read is one."""
    return len({sample["doc_id"] for sample in samples})


def chance_of(metric: str, tasks: list[Any], samples: list[list[dict[str, Any]]]) -> float:
    """Score of guessing: the mean over questions of 1/choices, 0 where an answer is written freely."""
    chances = []
    for task, asked in zip(tasks, samples, strict=True):
        choice = metric in GUESSED and task.OUTPUT_TYPE == "multiple_choice"
        for sample in _once(asked):
            chances.append(1 / len(task.doc_to_choice(sample["doc"])) if choice else 0.0)
    return sum(chances) / len(chances)


def answer_nats(samples: list[list[dict[str, Any]]]) -> float | None:
    """Mean over questions of the right answer's nats per byte; None where some question's right answer is not scored
    by its likelihood."""
    found = []
    for sample in (sample for asked in samples for sample in _once(asked)):
        right = _right(sample)
        if right is None:
            return None
        (_, answer), response = sample["arguments"][right], sample["filtered_resps"][right]
        found.append(-float(response[0]) / max(len(answer.encode()), 1))
    return sum(found) / len(found) if found else None


def _right(sample: dict[str, Any]) -> int | None:
    """Position of the right answer among the sample's requests."""
    requests, target = sample["arguments"], sample["target"]
    scored = all(len(request) == 2 and isinstance(request[1], str) for request in requests)
    responses = sample["filtered_resps"]
    if not scored or not all(isinstance(each, list | tuple) and len(each) == 2 for each in responses):
        return None
    if len(requests) == 1:
        return 0
    if isinstance(target, int) and 0 <= target < len(requests):
        return target
    answers = [answer.strip() for _, answer in requests]
    return answers.index(target.strip()) if isinstance(target, str) and target.strip() in answers else None


def _once(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first filter's samples."""
    return list({sample["doc_id"]: sample for sample in reversed(samples)}.values())[::-1]
