"""``synthmix doctor``: what this machine can do, what is slow or broken here, and the remedy."""

from typing import Annotated

import typer

from synthmix.cli.common import AsJson, Quiet, telling


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
    from synthmix.cli.doctor_text import diagnosis_text
    from synthmix.cli.terminal import show
    from synthmix.doctor.diagnose import diagnose

    with telling(quiet=quiet) as progress:
        found = diagnose(measure=measure, progress=progress)
    show(found.as_json(), diagnosis_text(found), as_json=as_json)
    if not found.usable:
        raise typer.Exit(1)
