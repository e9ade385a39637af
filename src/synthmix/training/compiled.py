"""Whether a run's steps are compiled (torch.compile), and the compiled pieces.

What is compiled is one layer and the output layer with its loss, not the whole model: all layers, runs and models of
one shape in a process share the code, and a deeper model costs no more to compile.

**The rule.** ``SYNTHMIX_COMPILE`` 1 or 0 decides when it is set. Else a run is compiled when a compiler works here and
the run's training FLOPs reach ``WORTH`` of its device: on a CPU about a minute and a half of one core. That saves as
much as a cold compilation costs after two or three runs of a shape; afterwards code comes from inductor's cache, which
all workers share (``TORCHINDUCTOR_CACHE_DIR`` moves it). The rule looks at the run alone, never at a clock, so a
resumed run goes on as it began.
"""

import os
import re
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput

SWITCH = "SYNTHMIX_COMPILE"
WORTH = {"cpu": 1e13, "cuda": 5e15}  # FLOPs of a run (CHOSEN; docs/log.md)
BACKEND = "inductor"
SHAPES = 1024  # of which dynamo keeps code in one process; beyond its own limit of 8 it would silently stop compiling


def call(fast: bool, function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)``, by its compiled code when ``fast``."""
    return (_code(function) if fast else function)(*arguments)


@cache
def _code(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch
    import torch._dynamo
    import torch._inductor.config

    torch._dynamo.config.recompile_limit = SHAPES
    torch._dynamo.config.accumulated_recompile_limit = 4 * SHAPES
    torch._inductor.config.compile_threads = 1  # workers are one per core already: no pool of compilers beside each
    code: Callable[..., Any] = torch.compile(function, dynamic=False, fullgraph=True, backend=BACKEND)
    return code


def why_not() -> str | None:
    """Why nothing can be compiled on this machine; None when it can. For ``doctor``."""
    import torch

    if torch.cuda.is_available():
        from importlib.util import find_spec

        return None if find_spec("triton") else "triton is not installed"
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        return f"no C++ compiler ({compiler} is not there)"
    return None


def wanted(flops: float, device: str) -> bool:
    """The rule above for a run of ``flops`` training FLOPs on a ``cpu`` or ``cuda`` device.

    Raises:
        BadInput: the environment variable is neither 0 nor 1.
    """
    said = os.environ.get(SWITCH, "")
    if said not in ("", "0", "1"):
        raise BadInput(f"is {said!r}", key=SWITCH, remedy="set it to 1, 0, or not at all")
    if said == "0" or why_not() is not None:
        return False
    return said == "1" or flops >= WORTH[device]


def prepare(model: Any, *, flops: float, sequences: int, context: int, precision: str) -> bool:
    """Decide whether ``model`` (a :class:`synthmix.training.llama.Llama`) trains compiled, and compile it if so.

    The code is tried on a batch of zeros first, so a compiler that fails is found before the first step: then the run
    is eager from its start, with one warning. Gradients of the trial are dropped.

    Args:
        flops: the whole run's training FLOPs, whatever part of it is left.

    Raises:
        BadInput: see :func:`wanted`.
    """
    import torch

    device = model.device
    if not wanted(flops, device.type):
        return False
    ids = torch.zeros(sequences, context, dtype=torch.long, device=device)
    training = model.training
    model.train()
    model.compiled = True
    try:
        for last in (False, True):
            try:
                with _one_at_a_time():
                    model(ids, targets=ids, precision=precision).backward()
                break
            except RuntimeError as error:
                if last or not _forget_cut_code(str(error)):
                    raise
    except (RuntimeError, OSError, ImportError) as error:  # dynamo's, inductor's and the compiler's are RuntimeErrors
        model.compiled = False
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        warnings.warn(f"torch.compile failed, going on without it ({first}); set {SWITCH}=0", stacklevel=2)
    finally:
        model.zero_grad(set_to_none=True)
        model.train(training)
    return bool(model.compiled)


def _forget_cut_code(error: str) -> bool:
    """Delete the file in inductor's cache that ``error`` says was cut (its writer was killed), to be made again."""
    found = re.search(r"(/\S+\.so): file too short", error)
    if found is None:
        return False
    Path(found[1]).unlink(missing_ok=True)
    return True


def _one_at_a_time() -> Any:
    """Workers that need the same code at once: the first compiles, the others take it from the cache."""
    from filelock import FileLock
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    return FileLock(Path(cache_dir()) / "synthmix.lock")
