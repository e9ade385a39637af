"""``synthmix generate --loop``: rounds over arms, and what was decided."""

from pathlib import Path

from synthmix.cli.options import as_options, parsed, telling


def run_loop(
    loop: Path | None,
    to: Path,
    budget: str | None,
    money: float | None,
    worth: float | None,
    stop_confidence: float,
    status: bool,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run or continue the loop of the file ``loop`` in ``to``; with ``status`` only tell where it stands.

    Raises:
        BadInput, Failure: see :func:`synthmix.loop.run.generate_loop`.
    """
    from synthmix.cli.terminal import show
    from synthmix.loop.publish import STOPPED, arm_table, measure_table, round_table
    from synthmix.loop.run import decisions_of, generate_loop
    from synthmix.quantities import format_count, parse_count

    if status:
        kept = decisions_of(to)
        done = [each for each in kept.rounds if each.done]
        work = f"; at work: {kept.rounds[-1].arm}" if len(done) < len(kept.rounds) else ""
        line = f"{to}: {len(done)} rounds done{work}"
        show(kept.model_dump(mode="json"), line, round_table(kept.rounds), as_json=as_json)
        return
    assert loop is not None
    tokens = None if budget is None else parsed(parse_count, budget, "--budget")
    with telling(quiet=quiet) as progress, as_options("budget", "money", "worth", "stop_confidence"):
        made = generate_loop(
            loop, to, tokens=tokens, money=money, worth=worth, confidence=stop_confidence, progress=progress
        )

    def amount(value: float) -> str:
        return f"{format_count(value)} tokens" if made.unit == "tokens" else f"{value:.2f}"

    lost = f" ({amount(made.lost)} of it at most for tries without an answer)" if made.lost else ""
    lines = [
        f"{to}: {made.documents} documents of {format_count(made.tokens)} tokens in {made.rounds} rounds; "
        f"{amount(made.spent)} of {amount(made.budget)} spent{lost}; stopped: {STOPPED[made.stopped]}",
        f"value: {made.value:+.4f} nats by the half of the reference that chose, {made.checked} by the other",
    ]
    if made.held_back:
        lines.append(f"{made.held_back} documents were left out: they break the limits, or take from the value")
    lines.append(f"every decision: {to}/decisions.json; mix it as files: {to}/data/*.jsonl.gz")
    show(made.model_dump(mode="json"), arm_table(made), measure_table(made), "\n".join(lines), as_json=as_json)
