"""The studies that come with the package: they need no file and no download."""

from importlib.resources import files
from pathlib import Path

from synthmix.errors import BadInput
from synthmix.files import write_text
from synthmix.progress import Progress, Silent

_FOLDER = files("synthmix") / "examples"


def example_names() -> list[str]:
    """``many-sources``, ``quickstart``."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _FOLDER.iterdir() if entry.name.endswith(".yaml"))


def example_file(name: str, folder: str | Path = ".", progress: Progress | None = None) -> Path:
    """The example's study file in ``folder``: written there, or the one that is there already (perhaps edited).

    Raises:
        BadInput: there is no such example, or the folder cannot be written to.
    """
    if name not in example_names():
        raise BadInput(f"there is no example '{name}'", key="--example", remedy=f"write {' or '.join(example_names())}")
    path, progress = Path(folder) / f"{name}.yaml", progress or Silent()
    if path.exists():
        progress.say(f"{path} is here already and is used")
    else:
        write_text(path, (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        progress.say(f"{path} is written; the study is kept beside it")
    return path
