"""Tasks of lm-evaluation-harness, loaded once: found by name, their data at hand, and known by what they ask."""

import difflib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import content_hash

FEWSHOT_SEED = 1234  # the harness's own
_NEAR = 3  # names that are offered for one that is not there


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
            _settle(task, fewshot)
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


def _settle(task: Any, fewshot: int | None) -> None:
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
