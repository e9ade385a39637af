"""``synthmix generate``: from options to settings, and from results to lines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.errors import BadInput

if TYPE_CHECKING:
    from synthmix.generation.output import Summary
    from synthmix.generation.preview import Preview
    from synthmix.generation.settings import GenerateConfig

_OPTIONS = {"generate": "--type"}
SHOWN = 1500  # characters of a prompt or a text


def config_from(given: Mapping[str, Any], sampling: Sequence[str], filters: Sequence[str]) -> "GenerateConfig":
    """The settings that options stand for.

    Raises:
        BadInput: an option that does not fit, by its name.
    """
    from pydantic import ValidationError

    from synthmix.generation.settings import GenerateConfig
    from synthmix.validation import misfit

    named = {"sampling": _pairs(sampling, "--sampling"), "filters": _pairs(filters, "--filter")}
    try:
        return GenerateConfig.model_validate({**given, **named})
    except ValidationError as error:
        found = misfit(error)
        if not found.path:
            raise BadInput(found.message) from None
        first, *below = found.path
        option = {"filters": "--filter"}.get(first) or _OPTIONS.get(first, "--" + first.replace("_", "-"))
        raise BadInput(found.message, key=" ".join([option, *below[:1]])) from None


def _pairs(options: Sequence[str], name: str) -> dict[str, Any]:
    """``["temperature=0.8"]`` -> ``{"temperature": 0.8}``; values are YAML."""
    import yaml

    found: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise BadInput("is not NAME=VALUE", key=f"{name} {option}", remedy=f"write {name} temperature=0.8")
        try:
            found[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise BadInput(f"{value!r} is no value", key=f"{name} {key}") from None
    return found


def summary_lines(summary: "Summary") -> str:
    """A job's outcome in words."""
    from synthmix.quantities import format_count, format_seconds

    documents, tokens = summary.documents, summary.tokens
    lines = [
        f"{summary.folder}: {documents.written} documents of {format_count(tokens.written)} tokens written, "
        f"{documents.filtered} filtered, {documents.failed} failed, {documents.resumed} resumed",
        f"{format_count(tokens.input)} tokens in and {format_count(tokens.output)} out, "
        f"cost {summary.cost:.2f}, {format_seconds(summary.seconds)}",
    ]
    reasons = [f"{row['documents']} {row['reason'].replace('_', ' ')}" for row in summary.dropped if row["documents"]]
    lines += [f"filtered: {', '.join(reasons)}"] if reasons else []
    if summary.failed_file:
        lines.append(f"{summary.requests.failed} requests failed, see {summary.folder / summary.failed_file}")
    if summary.stopped == "budget":
        lines.append(f"stopped by the budget; {documents.unfinished} documents begun and not finished")
    lines.append(f"mix it as files: {summary.folder}/data/*.jsonl.gz")
    return "\n".join(lines)


def preview_lines(preview: "Preview", to: Path) -> str:
    """The examples, one under the other, and the estimate."""
    from synthmix.quantities import format_count, format_seconds

    lines = []
    for number, one in enumerate(preview.examples, start=1):
        fate = f"would be dropped: {', '.join(one.dropped)}" if one.dropped else "kept"
        lines.append(
            f"=== example {number}: {one.document} ({one.input_tokens} tokens in, {one.output_tokens} out, "
            f"cost {one.cost:.6f}, {format_seconds(one.seconds)}, {one.finish}; {fate})"
        )
        for prompt in one.prompts[:1]:
            lines += [f"--- {message['role']}\n{_cut(message['content'])}" for message in prompt]
        if len(one.prompts) > 1:
            lines.append(f"... and {len(one.prompts) - 1} more requests for its other pieces")
        lines.append(f"--- text\n{_cut(one.text)}\n")
    whole = preview.whole
    lines.append(
        f"whole job: {format_count(whole.documents)} documents, {format_count(whole.requests)} requests, about "
        f"{format_count(whole.input_tokens)} tokens in and {format_count(whole.output_tokens)} out, "
        f"{format_count(whole.written_tokens)} of them written; cost {whole.cost:.2f}; "
        f"{format_seconds(whole.seconds)} at {whole.at_once} requests at once of {whole.seconds_each:.2g} s each"
    )
    lines.append(f"answers are kept in {to}: the job goes on from them")
    return "\n".join(lines)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} [... {len(text) - SHOWN} more characters]"
