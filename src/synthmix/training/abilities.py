"""What torch can do on this machine: products in both precisions, threads, the compiler, GPUs, one real step."""

import sysconfig
from dataclasses import dataclass
from pathlib import Path

from synthmix.training.shape import SMALLEST, shape_for

SECONDS = 0.15  # that each product is timed


@dataclass(frozen=True)
class Device:
    """A GPU as torch sees it: total and free memory in bytes, the data sheet's peak in FLOP/s where it is known."""

    name: str
    memory: int
    free: int
    bf16: bool
    peak: float | None


@dataclass(frozen=True)
class Abilities:
    """FLOP/s are of products of 1024 x 1024 matrices where a run would compute, on all threads; ``one_thread``: in
    float32 on one (None: on a GPU, or there is but one). ``compile_fault``: why torch.compile cannot work."""

    torch: str
    cuda_build: str | None
    threads: int
    float32: float
    bf16: float
    one_thread: float | None
    precision: str
    compile_fault: str | None
    devices: tuple[Device, ...]


def abilities(seconds: float = SECONDS) -> Abilities:
    """Measure them; takes about a second.

    Raises:
        ImportError, OSError: torch cannot be loaded.
    """
    import torch

    from synthmix.training.device import faster_precision
    from synthmix.training.peaks import measured_peak, peak_of

    devices = []
    for index in range(torch.cuda.device_count()):
        name = str(torch.cuda.get_device_name(index))
        free, total = torch.cuda.mem_get_info(index)
        peak = peak_of(name)
        bf16 = torch.cuda.get_device_capability(index) >= (8, 0) or torch.version.hip is not None
        devices.append(Device(name, int(total), int(free), bf16, None if peak is None else peak.flops))
    threads = torch.get_num_threads()
    float32 = measured_peak("float32", seconds).flops
    return Abilities(
        torch=torch.__version__,
        cuda_build=torch.version.cuda or torch.version.hip,
        threads=threads,
        float32=float32,
        bf16=measured_peak("bf16", seconds).flops,
        one_thread=_on_one_thread(threads, seconds) if threads > 1 and not devices else None,
        precision=faster_precision(),
        compile_fault=compile_fault(),
        devices=tuple(devices),
    )


def _on_one_thread(threads: int, seconds: float) -> float:
    import torch

    from synthmix.training.peaks import measured_peak

    torch.set_num_threads(1)
    try:
        return measured_peak("float32", seconds).flops
    finally:
        torch.set_num_threads(threads)


def compile_fault() -> str | None:
    """Why torch.compile cannot work here: the training's own reason, or Python's headers, which it compiles against."""
    from synthmix.training.compiled import why_not

    fault = why_not()
    if fault is None and not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return f"Python's headers are not there ({sysconfig.get_path('include')}/Python.h)"
    return fault


def try_step() -> float:
    """One real training step of the smallest model; its loss, near ln 300 for random weights and tokens.

    Raises:
        ImportError, OSError, RuntimeError: what keeps this machine from training.
    """
    import torch

    from synthmix.training.device import best_device
    from synthmix.training.model import make_model, optimizer_for
    from synthmix.training.step import train_step

    context, vocab = 16, 300
    model = make_model(shape_for(SMALLEST), vocab, context, seed=0).to(best_device()).train()
    batch = torch.arange(4 * (context + 1), device=best_device()).reshape(4, -1) % vocab
    return train_step(model, optimizer_for(model, 1e-3, 0.1, (0.9, 0.95)), batch, "float32", 1.0)
