"""``synthmix doctor``: what this machine can do, what is slow or broken here, and the remedy."""

from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.options import AsJson, Quiet, telling
from synthmix.quantities import format_count, format_seconds

if TYPE_CHECKING:
    from synthmix.doctor.checks import Diagnosis
    from synthmix.doctor.machine import Package
    from synthmix.table import Table
    from synthmix.training.capabilities import Capabilities


def doctor(
    measure: Annotated[
        bool, typer.Option("--measure", help="Time training steps of the ladder's sizes as well (half a minute).")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Cores, memory, precisions, compiler, GPUs, disk, packages and extras of this machine; what is slow here, why, and
    what to do about it. Exit code 1 when something that synthmix needs is broken.

    Example: synthmix doctor --measure
    """
    from synthmix.cli.terminal import show
    from synthmix.doctor.diagnose import diagnose

    with telling(quiet=quiet) as progress:
        found = diagnose(measure=measure, progress=progress)
    show(found.as_json(), *_blocks(found), as_json=as_json)
    if not found.usable:
        raise typer.Exit(1)


_MARKS = {"broken": "BROKEN", "slow": "slow", "note": "note"}


def _blocks(found: "Diagnosis") -> "list[str | Table]":
    """What there is, then what to mend, then whether it is usable."""
    from synthmix.table import Column, Table, facts

    blocks: list[str | Table] = [facts("", [*_machine(found), *_torch(found.capabilities), *_packages(found)])]
    if found.speeds:
        columns = [
            *(Column("params", "N", format_count), Column("speed", "tokens/s, one run", format_count)),
            *(Column("seconds", "20 tokens a parameter", _time), Column("how", "")),
        ]
        rows = [
            (each.params, each.tokens_per_second, each.seconds, "timed" if each.timed else "scaled by FLOPs")
            for each in found.speeds
        ]
        blocks.append(Table("speeds", columns, rows))
    lines = []
    for each in found.findings:
        lines.append(f"{_MARKS[each.level]}: {each.what} [{each.code}]")
        lines += [f"    -> {each.remedy}"] if each.remedy else []
    broken = sum(each.level == "broken" for each in found.findings)
    slow = sum(each.level == "slow" for each in found.findings)
    end = f"Not usable: {broken} broken" if broken else "Usable"
    return [*blocks, "\n".join(lines), f"{end}; {slow or 'nothing'} slow."]


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
