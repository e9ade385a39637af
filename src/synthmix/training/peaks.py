"""Peak FLOP/s of devices, and which share of it a training uses (MFU; PaLM, arXiv 2204.02311, appendix B; FOUND).

Dense bfloat16 tensor-core figures without sparsity, from the vendors' data sheets (FOUND; named beside each). Sheets
that give only the figure with sparsity are halved. A device that is not here is unknown, and its MFU too.
"""

from dataclasses import dataclass

T = 1e12
OTHER = {"ti", "d", "super", "laptop"}  # a word after the name that makes it another device


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

    from synthmix.training.device import best_device

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
