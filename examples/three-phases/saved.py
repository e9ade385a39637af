"""Results that are kept: what is done already is read and not done again."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def arguments(what: str) -> argparse.Namespace:
    """``--to FOLDER`` and ``--threads N`` (1: two cores are shared with others)."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path("studies/three-phases"), help="folder of the results")
    parser.add_argument("--threads", type=int, default=1)
    found = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(found.threads)
    return found


def once(path: Path, make: Callable[..., Any], *values: Any) -> Any:
    """What ``path`` holds, or what ``make(*values)`` gives, then written there."""
    from synthmix.files import read_json, write_json

    if not path.exists():
        write_json(path, make(*values))
        print(f"wrote {path}", flush=True)
    return read_json(path)
