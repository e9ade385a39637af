"""What this machine can do: products and peak FLOP/s, the compiler, GPUs, and training steps as they are timed here.

The share of the peak that a training uses is its MFU (PaLM, arXiv 2204.02311, appendix B; FOUND). Peaks are dense
bfloat16 tensor-core figures without sparsity, from the vendors' data sheets (FOUND; named beside each). Sheets that
give only the figure with sparsity are halved. A device that is not here is unknown, and its MFU too.
"""

import itertools
import math
import statistics
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthmix.training.compiled import prepare, wanted, why_not
from synthmix.training.device import best_device, faster_precision
from synthmix.training.model import make_model, optimizer_for, train_step
from synthmix.training.protocol import Protocol
from synthmix.training.shape import SMALLEST, Shape, shape_for

SECONDS = 0.15  # that each product is timed
T = 1e12
OTHER = {"ti", "d", "super", "laptop"}  # a word after the name that makes it another device
ROUGH_FLOPS = 4e10  # of a plan's timing: half a second of a core
ROUGH_SIZES = 3  # that a plan times; what lies between them is interpolated
COMPILED_GAIN = 1.25  # compiled over eager steps of this Llama at 0.1M to 10M on a CPU (docs/log.md: 1.2 to 1.4)
TIMED_FLOPS = 2e12  # a few seconds of a laptop: larger models are scaled from the largest timed one


@dataclass(frozen=True)
class Device:
    """A GPU as torch sees it: total and free memory in bytes, the data sheet's peak in FLOP/s where it is known."""

    name: str
    memory: int
    free: int
    bf16: bool
    peak: float | None


@dataclass(frozen=True)
class Capabilities:
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


def capabilities(seconds: float = SECONDS) -> Capabilities:
    """Measure them; takes about a second.

    Raises:
        ImportError, OSError: torch cannot be loaded.
    """
    import torch

    devices = []
    for index in range(torch.cuda.device_count()):
        name = str(torch.cuda.get_device_name(index))
        free, total = torch.cuda.mem_get_info(index)
        peak = peak_of(name)
        bf16 = torch.cuda.get_device_capability(index) >= (8, 0) or torch.version.hip is not None
        devices.append(Device(name, int(total), int(free), bf16, None if peak is None else peak.flops))
    threads = torch.get_num_threads()
    float32 = measured_peak("float32", seconds).flops
    return Capabilities(
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

    torch.set_num_threads(1)
    try:
        return measured_peak("float32", seconds).flops
    finally:
        torch.set_num_threads(threads)


def compile_fault() -> str | None:
    """Why torch.compile cannot work here: the training's own reason, or Python's headers, which it compiles against."""
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

    context, vocab = 16, 300
    model = make_model(shape_for(SMALLEST), vocab, context, seed=0).to(best_device()).train()
    batch = torch.arange(4 * (context + 1), device=best_device()).reshape(4, -1) % vocab
    return train_step(model, optimizer_for(model, 1e-3, 0.1, (0.9, 0.95)), batch, "float32", 1.0)


@dataclass(frozen=True)
class Peak:
    """``flops`` a second of a device, of which precision, and who says so."""

    flops: float
    precision: str
    source: str


# Matched in this order against the device's name as torch and nvidia-smi give it: the longer name first.
_PEAKS: tuple[tuple[str, Peak], ...] = (
    ("GB200", Peak(2500 * T, "bf16", "NVIDIA GB200 NVL72 data sheet, per GPU, half of the figure with sparsity")),
    ("B200", Peak(2250 * T, "bf16", "NVIDIA HGX B200 data sheet, per GPU, half of the figure with sparsity")),
    ("H200 NVL", Peak(835.5 * T, "bf16", "NVIDIA H200 data sheet, NVL, half of the figure with sparsity")),
    ("H200", Peak(989.4 * T, "bf16", "NVIDIA H200 data sheet, SXM, half of the figure with sparsity")),
    ("H100 PCIe", Peak(756 * T, "bf16", "NVIDIA H100 data sheet, PCIe, half of the figure with sparsity")),
    ("H100 NVL", Peak(835.5 * T, "bf16", "NVIDIA H100 NVL data sheet, half of the figure with sparsity")),
    ("H100", Peak(989.4 * T, "bf16", "NVIDIA H100 data sheet, SXM, half of the figure with sparsity")),
    ("A100", Peak(312 * T, "bf16", "NVIDIA A100 data sheet")),
    ("A10", Peak(125 * T, "bf16", "NVIDIA A10 data sheet")),
    ("L40S", Peak(362.05 * T, "bf16", "NVIDIA L40S data sheet, without sparsity")),
    ("L4", Peak(121 * T, "bf16", "NVIDIA L4 data sheet, half of the figure with sparsity")),
    ("V100 PCIE", Peak(112 * T, "fp16", "NVIDIA V100 data sheet, PCIe; it has no bf16")),
    ("V100", Peak(125 * T, "fp16", "NVIDIA V100 data sheet, SXM2; it has no bf16")),
    ("T4", Peak(65 * T, "fp16", "NVIDIA T4 data sheet; it has no bf16")),
    ("RTX 4090", Peak(165.2 * T, "bf16", "NVIDIA Ada GPU architecture paper, float32 accumulation")),
    ("RTX 3090", Peak(71 * T, "bf16", "NVIDIA Ampere GA102 architecture paper, float32 accumulation")),
    ("MI300X", Peak(1307.4 * T, "bf16", "AMD Instinct MI300X data sheet")),
)


def peak_of(device_name: str) -> Peak | None:
    """The peak of a device by its name (``NVIDIA A100-SXM4-80GB``); None: unknown."""
    words = device_name.replace("-", " ").lower().split()
    for name, peak in _PEAKS:
        wanted = name.lower().split()
        for i in range(len(words)):
            if words[i : i + len(wanted)] == wanted and not OTHER & set(words[i + len(wanted) :]):
                return peak
    return None


def measured_peak(precision: str, seconds: float = 0.2) -> Peak:
    """What products of 1024 x 1024 matrices reach here: the peak of a CPU, whose sheet states none.

    Args:
        precision: ``bf16`` or ``float32``. seconds: how long it is measured, the best product counts.
    """
    import time

    import torch

    side = 1024
    device, dtype = best_device(), torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        begun = time.perf_counter()
        float((a @ b)[0, 0])  # waits for the device
        best = min(best, time.perf_counter() - begun)
    return Peak(2 * side**3 / best, precision, f"measured here, {side} x {side} products")


def mfu(tokens_per_second: float, flops_per_token: float, device: str | Peak, devices: int = 1) -> float | None:
    """Model FLOPs utilisation: the share of the peak that goes into the model's own FLOPs.

    Args:
        tokens_per_second: of all devices together.
        flops_per_token: :meth:`synthmix.training.shape.Shape.flops_per_token`.
        device: its name, or a peak (a measured one).
        devices: how many of them.

    Returns:
        A share, or None for a device whose peak is unknown.
    """
    peak = device if isinstance(device, Peak) else peak_of(device)
    return None if peak is None else tokens_per_second * flops_per_token / (peak.flops * devices)


def tokens_per_second(
    shape: Shape, vocab: int, protocol: Protocol, precision: str, steps: int = 4, flops: float = 0.0
) -> float:
    """Median training speed over ``steps`` steps (after one that warms up) on random tokens.

    Args:
        flops: of the runs to come, which are compiled, and so timed compiled, when long enough.
    """
    import torch

    model = make_model(shape, vocab, protocol.context, seed=0).to(best_device()).train()
    prepare(model, flops=flops, sequences=protocol.sequences, context=protocol.context, precision=precision)
    optimizer = optimizer_for(model, 1e-4, protocol.weight_decay, protocol.betas)
    batch = torch.randint(vocab, (protocol.sequences, protocol.context + 1), device=best_device())
    taken = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        train_step(model, optimizer, batch, precision, protocol.clip)
        taken.append(time.perf_counter() - start)
    return protocol.batch / statistics.median(taken[1:])


def rough_speeds(
    shapes: list[Shape], vocab: int, protocol: Protocol, precision: str, flops: Mapping[Shape, float]
) -> dict[Shape, float]:
    """Tokens per second of each shape, for a plan, within seconds however many and large the shapes are.

    :data:`ROUGH_SIZES` of them are timed, eager and on batches of at most :data:`ROUGH_FLOPS` in all; those between
    are interpolated (the logarithm of FLOP/s over that of a token's FLOPs), those beyond scaled by their FLOPs. A shape
    whose run will be compiled (``flops``: of its longest) is taken to be :data:`COMPILED_GAIN` times as fast.
    """
    token = {shape: shape.flops_per_token(vocab, protocol.context) for shape in shapes}
    ordered = sorted(shapes, key=token.__getitem__)
    # Four steps of one sequence each, of as many sizes as are timed, must fit.
    fits = ROUGH_FLOPS / ROUGH_SIZES / 4 / protocol.context
    some = [shape for shape in ordered if token[shape] <= fits] or ordered[:1]
    chosen = sorted({round(i * (len(some) - 1) / (ROUGH_SIZES - 1)) for i in range(ROUGH_SIZES)})
    timed: list[tuple[float, float]] = []
    for shape in (some[i] for i in chosen):
        most = ROUGH_FLOPS / len(chosen) / 4 / token[shape]  # tokens of one of four steps
        batch = protocol.context * max(1, min(protocol.sequences, int(most / protocol.context)))
        speed = tokens_per_second(shape, vocab, protocol.model_copy(update={"batch": batch}), precision, steps=3)
        timed.append((math.log(token[shape]), math.log(speed * token[shape])))
    device = best_device()
    return {
        shape: math.exp(_interpolated(math.log(token[shape]), timed))
        / token[shape]
        * (COMPILED_GAIN if wanted(flops.get(shape, 0.0), device) else 1.0)
        for shape in shapes
    }


def _interpolated(x: float, points: list[tuple[float, float]]) -> float:
    """Linear between rising ``points``, constant beyond them."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[0][1] if x < points[0][0] else points[-1][1]


def ladder_speeds(
    shapes: list[Shape],
    vocab: int,
    protocol: Protocol,
    precision: str,
    flops: Mapping[Shape, float] | None = None,
    *,
    most: float = TIMED_FLOPS,
) -> dict[Shape, float]:
    """Tokens per second of each shape; those too large to time in a few seconds are scaled by their FLOPs.

    Args:
        flops: of one run of each shape, compiled if that is; unset, steps are timed eager (unless compiling is
            forced).
        most: FLOPs of the steps of one shape that are spent on timing it.
    """
    speeds: dict[Shape, float] = {}
    timed: tuple[float, float] | None = None  # FLOPs per token and tokens per second of the largest timed shape
    for shape in sorted(shapes, key=lambda each: each.params):
        token = shape.flops_per_token(vocab, protocol.context)
        if timed is None or token * protocol.batch * 5 <= most:
            run = (flops or {}).get(shape, 0.0)
            timed = (token, tokens_per_second(shape, vocab, protocol, precision, flops=run))
            speeds[shape] = timed[1]
        else:
            speeds[shape] = timed[1] * timed[0] / token
    return speeds
