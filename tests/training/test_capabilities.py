import pytest

from synthmix.training.capabilities import Peak, measured_peak, mfu, peak_of
from synthmix.training.shape import shape_for


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA A100-SXM4-80GB", 312),
        ("NVIDIA A100 80GB PCIe", 312),
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA H200", 989.4),
        ("NVIDIA L4", 121),
        ("NVIDIA L40S", 362.05),
        ("NVIDIA A10", 125),
        ("Tesla V100-PCIE-32GB", 112),
        ("Tesla T4", 65),
        ("Tesla V100-SXM2-16GB", 125),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("NVIDIA GeForce RTX 3090", 71),
        ("NVIDIA B200", 2250),
        ("AMD Instinct MI300X", 1307.4),
    ],
)
def test_devices_are_known_by_the_names_that_drivers_give_them(name: str, tflops: float) -> None:
    peak = peak_of(name)
    assert peak is not None
    assert peak.flops == pytest.approx(tflops * 1e12)
    assert peak.source


@pytest.mark.parametrize(
    "name",
    [
        "NVIDIA L400",
        "NVIDIA A10G",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "x86_64 CPU, 2 cores",
        "NVIDIA A1000",
        "",
    ],
)
def test_an_unknown_device_is_named_as_unknown(name: str) -> None:
    assert peak_of(name) is None
    assert mfu(1e5, 1e9, name) is None


def test_half_the_peak_is_half() -> None:
    flops = shape_for(100_000_000).flops_per_token(32_000, 1024)
    assert mfu(0.5 * 312e12 / flops, flops, "NVIDIA A100-SXM4-80GB") == pytest.approx(0.5)
    assert mfu(312e12 / flops, flops, "NVIDIA A100-SXM4-80GB", devices=4) == pytest.approx(0.25)


def test_a_cpu_s_peak_is_measured_and_says_so() -> None:
    peak = measured_peak("float32", seconds=0.0)
    assert 1e8 < peak.flops < 1e16
    assert peak.source.startswith("measured here")
    assert mfu(peak.flops / 1e6, 1e6, peak) == pytest.approx(1)
    assert mfu(1.0, 1.0, Peak(4.0, "bf16", "made up")) == 0.25
