"""Text logs of Megatron-LM, nanotron, torchtitan and OLMo-core, by the lines that these projects write.

The lines: Megatron-LM ``megatron/training/training.py`` (``training_log``, ``evaluate_and_print_results``, and the
arguments with dots); nanotron ``trainer.py`` (``log_entries``, numbers as ``human_format``); torchtitan
``components/metrics.py`` (``log``, ``log_validation``) and ``train.py``; OLMo-core
``train/callbacks/console_logger.py`` and ``evaluator_callback.py``. A row a step, a column a quantity by its name.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from synthmix.quantities import parse_number
from synthmix.reading import open_bytes, unpacked_name
from synthmix.results import Warn
from synthmix.runs.raw import Raw, of_rows

Rows = dict[int, dict[str, Any]]
#: Suffixes of files that may be logs; lines that are looked at before a file is taken for none.
SUFFIXES = (".log", ".out", ".err", ".txt", ".stdout", ".stderr")
LOOKED = 50_000
#: Names of files that say nothing of their run: it is called after their folder.
NAMELESS = ("log", "logs", "train", "training", "out", "output", "stdout", "stderr", "console", "main", "rank0", "0")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FIELD = re.compile(r"\s*([^:|]+?)\s*:\s*([-+]?[\d.,]+(?:[eE][-+]?\d+)?\s?[KMBGT]?)\s*$")


class Log(NamedTuple):
    """One project's log: what a line of it looks like, and from its lines to rows by step and what holds for all."""

    line: re.Pattern[str]
    parse: Callable[[Iterable[str]], tuple[Rows, dict[str, Any]]]
    columns: dict[str, str]
    validation: str


def claims(kind: str, path: Path) -> bool:
    """Whether a file, or one in a folder, is a log of this kind."""
    return any(_is(kind, file) for file in _files(path))


def read(kind: str, path: Path) -> Raw:
    """A row a step of every log below a path."""
    log = LOGS[kind]
    rows: list[dict[str, Any]] = []
    for file in _files(path):
        if not _is(kind, file):
            continue
        steps, constants = log.parse(_lines(file))
        run = _run(file)
        rows += [{"run": run, "step": step, **constants, **held} for step, held in sorted(steps.items())]
    columns = {"run": "run", "step": "step", **log.columns}
    notes = []
    if not any(name.startswith(log.validation) for row in rows for name in row):
        message = "the log holds no validation loss: a training loss is that of the last batches, and noisy"
        notes = [Warn(code="training_loss", message=message)]
    return Raw(of_rows(rows), str(path), columns=columns, notes=tuple(notes))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if _may(each) and each.is_file())
    return [path] if _may(path) else []


def _may(path: Path) -> bool:
    return unpacked_name(path.name).endswith(SUFFIXES)


def _is(kind: str, file: Path) -> bool:
    line = LOGS[kind].line
    return any(line.search(text) for text, _ in zip(_lines(file), range(LOOKED), strict=False))


def _lines(file: Path) -> Iterator[str]:
    with open_bytes(str(file)) as held:
        for line in held:
            yield _COLOUR.sub("", line.decode("utf-8", errors="replace")).rstrip()


def _run(file: Path) -> str:
    name = file.name[: len(unpacked_name(file.name))]
    name = re.sub(rf"({'|'.join(map(re.escape, SUFFIXES))})$", "", name, flags=re.IGNORECASE)
    return file.resolve().parent.name if name.lower() in NAMELESS else name


def _value(text: str) -> float | None:
    try:
        return parse_number(text.replace(" ", ""))
    except ValueError:
        return None


def _fields(text: str) -> dict[str, float]:
    """``name: value | name: value`` with numbers as values."""
    found = {}
    for part in text.split("|"):
        match = _FIELD.match(part)
        value = _value(match[2]) if match else None
        if match and value is not None:
            found[match[1]] = value
    return found


# Megatron-LM

_MEGATRON = re.compile(r"\biteration\s+(\d+)\s*/\s*\d+\s*\|(.*consumed samples:.*)")
_MEGATRON_EVALUATED = re.compile(r"validation loss at (.*?)\s*\|(.*)")
_MEGATRON_ARGUMENT = re.compile(r"^\s*(?:\[default\d+\]:)?\s+(\w+) \.{3,} (\S+)\s*$")
_MEGATRON_PARAMETERS = re.compile(
    r"number of parameters on \(tensor, pipeline\) model parallel rank \((\d+), (\d+)\): (\d+)"
)
_MEGATRON_KEPT = (
    "seq_length", "global_batch_size", "num_layers", "hidden_size", "ffn_hidden_size", "num_attention_heads",
    "padded_vocab_size", "seed", "train_iters", "lr", "min_lr",
)  # fmt: skip


def _megatron(lines: Iterable[str]) -> tuple[Rows, dict[str, Any]]:
    rows: Rows = {}
    constants: dict[str, Any] = {}
    parts: dict[tuple[str, str], int] = {}
    step = 0
    for line in lines:
        if match := _MEGATRON.search(line):
            step = int(match[1])
            rows.setdefault(step, {}).update(_fields(match[2]))
        elif match := _MEGATRON_EVALUATED.search(line):
            at = re.search(r"iteration (\d+)", match[1])
            row = rows.setdefault(int(at[1]) if at else step, {})
            test = "test " if "test" in match[1] else ""
            for name, value in _fields(match[2]).items():
                if name.endswith(" value"):
                    what = name.removesuffix(" value")
                    row[f"{test}validation loss" if what == "lm loss" else f"{test}validation {what}"] = value
        elif match := _MEGATRON_ARGUMENT.match(line):
            if match[1] in _MEGATRON_KEPT:
                constants[match[1]] = match[2]
        elif match := _MEGATRON_PARAMETERS.search(line):
            parts[match[1], match[2]] = int(match[3])
    if parts:
        constants["total_params"] = sum(parts.values())
    _consumed(rows, _value(str(constants.get("seq_length", ""))))
    return rows, constants


def _consumed(rows: Rows, length: float | None) -> None:
    """Samples at steps that only an evaluation has, from the last line before; with the sequence's length, tokens."""
    last: tuple[int, float, float] | None = None
    for step in sorted(rows):
        row = rows[step]
        samples, batch = row.get("consumed samples"), row.get("global batch size")
        if samples is None and last is not None:
            samples = last[1] + (step - last[0]) * last[2]
        if samples is None:
            continue
        row["consumed samples"] = samples
        if length is not None:
            row["consumed_tokens"] = samples * length
        last = (step, samples, batch if batch is not None else last[2] if last else 0.0)


# nanotron

_NANOTRON = re.compile(r"\biteration: (\d+) / \d+ \| (consumed_tokens: .*)")
_NANOTRON_PARAMETERS = re.compile(r"Total number of parameters: ([\d.]+\s?[KMBGT]?)\b")


def _nanotron(lines: Iterable[str]) -> tuple[Rows, dict[str, Any]]:
    rows: Rows = {}
    constants: dict[str, Any] = {}
    for line in lines:
        if match := _NANOTRON.search(line):
            rows.setdefault(int(match[1]), {}).update(_fields(match[2]))
        elif match := _NANOTRON_PARAMETERS.search(line):
            constants["total_params"] = _value(match[1])
    return rows, constants


# torchtitan

_TITAN = re.compile(r"(validate )?step:\s*(\d+)\s+loss:\s*([\d.]+|nan|inf)(?:\s+grad_norm:\s*([\d.]+|nan|inf))?")
_TITAN_PARAMETERS = re.compile(r"size: ([\d,]+) total parameters")
_TITAN_BATCH = re.compile(r"global batch size (\d+),.*?sequence length (\d+)")


def _titan(lines: Iterable[str]) -> tuple[Rows, dict[str, Any]]:
    rows: Rows = {}
    constants: dict[str, Any] = {}
    tokens: int | None = None
    for line in lines:
        if match := _TITAN.search(line):
            step = int(match[2])
            row = rows.setdefault(step, {})
            row["validation_loss" if match[1] else "loss"] = float(match[3])
            if match[4]:
                row["grad_norm"] = float(match[4])
            if tokens is not None:
                row["consumed_tokens"] = step * tokens
        elif match := _TITAN_PARAMETERS.search(line):
            constants["total_params"] = int(match[1].replace(",", ""))
        elif match := _TITAN_BATCH.search(line):
            constants |= {"global_batch_size": int(match[1]), "seq_len": int(match[2])}
            tokens = int(match[1]) * int(match[2])
    return rows, constants


# OLMo-core

_OLMO = re.compile(r"\[step=(\d+)/(?:\d+|\?\?\?),epoch=\d+")
_OLMO_FIELD = re.compile(r"^\s{4}(\S.*?)=([-+]?[\d.,]+(?:[eE][-+]?\d+)?[BTPE]?|nan|inf|-inf)\s*$")
_OLMO_EVALUATED = re.compile(r"Finished (.+?) evals in ")
_OLMO_PARAMETERS = re.compile(
    r"Number of (non-embedding|total) parameters[: ]+([\d,]+)|([\d,]+) (total|non-embedding) parameters"
)


def _olmo(lines: Iterable[str]) -> tuple[Rows, dict[str, Any]]:
    """Evaluations stand after the last step that was logged before them: at most the interval of logging too early."""
    rows: Rows = {}
    constants: dict[str, Any] = {}
    step, prefix = 0, ""
    for line in lines:
        if match := _OLMO.search(line):
            step, prefix = int(match[1]), ""
            rows.setdefault(step, {})
        elif match := _OLMO_EVALUATED.search(line):
            prefix = f"eval/{match[1]}/"
        elif match := _OLMO_FIELD.match(line):
            value = _value(match[2].replace(",", ""))
            if value is not None:
                rows.setdefault(step, {})[prefix + match[1]] = value
        elif match := _OLMO_PARAMETERS.search(line):
            which, count = match[1] or match[4], match[2] or match[3]
            constants["total_params" if which == "total" else "params"] = int(count.replace(",", ""))
    return {step: row for step, row in rows.items() if row}, constants


LOGS = {
    "megatron": Log(_MEGATRON, _megatron, {}, "validation"),
    "nanotron": Log(_NANOTRON, _nanotron, {}, "validation"),
    "torchtitan": Log(_TITAN, _titan, {}, "validation"),
    "olmo-core": Log(_OLMO, _olmo, {"D": "throughput/total tokens"}, "eval/"),
}
