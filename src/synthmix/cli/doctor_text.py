"""A diagnosis as text."""

from typing import TYPE_CHECKING

from synthmix.cli.plan_text import table
from synthmix.quantities import format_count, format_seconds

if TYPE_CHECKING:
    from synthmix.doctor.checks import Diagnosis
    from synthmix.doctor.machine import Package
    from synthmix.training.capabilities import Capabilities

_MARKS = {"broken": "BROKEN", "slow": "slow", "note": "note"}


def diagnosis_text(found: "Diagnosis") -> str:
    """What there is, then what to mend, then whether it is usable."""
    blocks = [_aligned([*_machine(found), *_torch(found.capabilities), *_packages(found)])]
    if found.speeds:
        rows = [
            [
                format_count(each.params),
                format_count(each.tokens_per_second),
                _time(each.seconds),
                "timed" if each.timed else "scaled by FLOPs",
            ]
            for each in found.speeds
        ]
        blocks.append(table(["N", "tokens/s, one run", "20 tokens a parameter", ""], rows))
    if found.findings:
        lines = []
        for each in found.findings:
            lines.append(f"{_MARKS[each.level]}: {each.what} [{each.code}]")
            if each.remedy:
                lines.append(f"    -> {each.remedy}")
        blocks.append("\n".join(lines))
    broken = sum(each.level == "broken" for each in found.findings)
    slow = sum(each.level == "slow" for each in found.findings)
    end = f"Not usable: {broken} broken" if broken else "Usable"
    blocks.append(f"{end}; {slow or 'nothing'} slow.")
    return "\n\n".join(blocks)


def _time(seconds: float) -> str:
    days = seconds / 86_400
    return format_seconds(seconds) if days < 3 else f"{days:,.0f} days"


def _machine(found: "Diagnosis") -> list[tuple[str, str]]:
    machine = found.machine
    cores = f"{machine.usable} of {machine.cores} usable" if machine.usable < machine.cores else f"{machine.cores}"
    if machine.quota is not None:
        cores += f", processor time of {machine.quota:g}"
    if machine.load is not None:
        cores += f", load {machine.load:.1f}"
    memory = f"{machine.memory / 2**30:.3g} GiB, {machine.memory_free / 2**30:.3g} free"
    if found.largest is not None:
        memory += f": runs of up to {format_count(found.largest)} parameters, one sequence at a time"
    rows = [
        ("synthmix", f"{found.version}, Python {found.python}, {machine.system}"),
        ("processor", f"{machine.processor} ({', '.join(machine.flags) or 'no vector units known'})"),
        ("cores", cores),
        ("memory", memory),
    ]
    for folder in machine.folders:
        state = f"not writable ({folder.fault})" if folder.fault else f"{folder.free / 1e9:.3g} GB free"
        rows.append((f"{folder.what} folder", f"{folder.path}: {state}"))
    return rows


def _torch(found: "Capabilities | None") -> list[tuple[str, str]]:
    if found is None:
        return []
    build = f"CUDA or HIP {found.cuda_build}" if found.cuda_build else "no CUDA"
    ratio = found.bf16 / found.float32
    rows = [
        ("torch", f"{found.torch}, {build}, {found.threads} threads"),
        (
            "products",
            f"float32 {found.float32 / 1e9:.3g} GFLOP/s, bf16 {found.bf16 / 1e9:.3g} ({ratio:.2g} times); "
            f"runs take {found.precision}",
        ),
        ("torch.compile", found.compile_fault or "works for runs of 1e13 FLOPs and more"),
    ]
    if found.one_thread is not None:
        rows.insert(2, ("threads", f"{found.threads} are {found.float32 / found.one_thread:.2g} times as fast as one"))
    for device in found.devices:
        peak = f", peak {device.peak / 1e12:.4g} TFLOP/s" if device.peak else ""
        rows.append(("GPU", f"{device.name}, {device.free / 2**30:.3g} of {device.memory / 2**30:.3g} GiB free{peak}"))
    if not found.devices:
        rows.append(("GPU", "none"))
    return rows


def _packages(found: "Diagnosis") -> list[tuple[str, str]]:
    rows = [("packages", _versions(found.core))]
    for extra in found.extras:
        state = _versions(extra.packages) if extra.installed else f'no: pip install "synthmix[{extra.name}]"'
        rows.append((f"extra {extra.name}", f"{state}{f' ({extra.what})' if extra.what else ''}"))
    return rows


def _versions(packages: "list[Package] | tuple[Package, ...]") -> str:
    return ", ".join(f"{package.name} {package.version or 'missing'}" for package in packages)


def _aligned(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in rows)
