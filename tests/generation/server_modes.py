"""Ways in which servers answer otherwise than one expects, as real ones were reported to: the modes of the stub."""

import copy
import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

Sent = tuple[int, bytes, bytes]
Change = Callable[[dict[str, Any]], Any]
THOUGHT = "Okay, the user wants this passage in other words. Let me go through it."


def _text(form: str) -> Change:
    def change(reply: dict[str, Any]) -> None:
        message = reply["choices"][0]["message"]
        message["content"] = form.replace("THOUGHT", THOUGHT).replace("TEXT", message["content"])

    return change


def _finish(said: Any, share: float = 0.5) -> Change:
    def change(reply: dict[str, Any]) -> None:
        choice = reply["choices"][0]
        text = choice["message"]["content"]
        choice["message"]["content"], choice["finish_reason"] = text[: int(len(text) * share)], said

    return change


def _usage(*values: Any) -> Change:
    def change(reply: dict[str, Any]) -> None:
        reply["usage"] = dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), values, strict=False)) or None

    return change


def _message(**fields: Any) -> Change:
    return lambda reply: reply["choices"][0]["message"].update(fields)


def _hidden(beside: bool, told: bool) -> Change:
    def change(reply: dict[str, Any]) -> None:
        usage = reply["usage"]
        usage["total_tokens"] += 2000
        usage["completion_tokens"] += 0 if beside else 2000
        if told:
            usage["completion_tokens_details"] = {"reasoning_tokens": 2000}

    return change


def _parts(reply: dict[str, Any]) -> None:
    message = reply["choices"][0]["message"]
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    message["content"] = [thinking, {"type": "text", "text": message["content"]}]


# Markup that is certain: the text comes through as it is.
STRIPPED: dict[str, Change] = {
    "think": _text("<think>\nTHOUGHT\n</think>\n\nTEXT"),
    "think_close": _text("THOUGHT\n</think>\n\nTEXT"),
    "thinking": _text("<thinking>THOUGHT</thinking>TEXT"),
    "bracket": _text("[THINK]THOUGHT[/THINK]TEXT"),
    "kimi": _text("\u25c1think\u25b7THOUGHT\u25c1/think\u25b7TEXT"),
    "command": _text("<|START_THINKING|>THOUGHT<|END_THINKING|><|START_RESPONSE|>TEXT<|END_RESPONSE|>"),
    "harmony": _text(
        "<|channel|>analysis<|message|>THOUGHT<|end|><|start|>assistant<|channel|>final<|message|>TEXT<|return|>"
    ),
    "harmony_bare": _text("analysisThe user wants. THOUGHTassistantfinalTEXT"),
    "chatml": _text("<|im_start|>assistant\nTEXT<|im_end|>"),
    "llama": _text("<|start_header_id|>assistant<|end_header_id|>\n\nTEXT<|eot_id|>"),
    "gemma": _text("<start_of_turn>model\nTEXT<end_of_turn>"),
    "end": _text("TEXT</s>"),
    "run_on": _text("TEXT<|im_end|>\n<|im_start|>user\nAnd now another one, please.<|im_end|>"),
    "reasoning_field": _message(reasoning_content=THOUGHT),
    "reasoning_twice": lambda reply: (_message(reasoning=THOUGHT)(reply), _text("THOUGHT\n\nTEXT")(reply)),
    "parts": _parts,
}
# Markup that is not: the document is dropped.
DROPPED: dict[str, Change] = {
    "think_open": _text("TEXT <think>THOUGHT"),
    "amid": _text("TEXT <think>THOUGHT</think> TEXT"),
    "tool_call": _text('TEXT\n<tool_call>{"name": "search"}</tool_call>'),
    "inst": _text("TEXT [INST] And now? [/INST] TEXT"),
    "two_ends": _text("THOUGHT</think>THOUGHT</think>TEXT"),
    "other_turn": _text("<|im_start|>user\nTEXT"),
}
# Answers that are not whole.
UNFINISHED: dict[str, tuple[str, Change]] = {
    "filtered": ("content_filter", _finish("content_filter")),
    "safety": ("content_filter", _finish("SAFETY")),
    "tools": ("tool_calls", _finish("tool_calls")),
    "tools_stop": ("tool_calls", _message(tool_calls=[{"type": "function", "function": {"name": "search"}}])),
    "no_reason": ("missing", _finish(None)),
    "odd_reason": ("unknown", _finish("stopped_by_admin")),
    "number": ("unknown", _finish(7)),
    "declined": ("content_filter", _message(content=None, refusal="I can't help with that.")),
}
CUT: dict[str, Change] = {"max_tokens": _finish("max_tokens"), "MAX_TOKENS": _finish("MAX_TOKENS")}
# Faults: another try, or none, but nothing to keep.
BROKEN: dict[str, Change] = {
    "choice_error": lambda reply: reply["choices"][0].update(error={"code": 502, "message": "Provider returned error"}),
    "error": _finish("error"),
    "abort": _finish("abort"),
    "error200": lambda reply: reply.update(choices=None, error={"message": "upstream overloaded", "code": 502}),
    "image": _message(content=[{"type": "image_url", "image_url": {"url": "x"}}]),
    "no_choices": lambda reply: reply.update(choices=[]),
    "null_choices": lambda reply: reply.update(choices=None),
}
# Counts of tokens that say nothing: what was set aside stays.
UNCOUNTED: dict[str, Change] = {
    "usage_null": _usage(),
    "usage_zero": _usage(0, 0, 0),
    "usage_negative": _usage(-500, -900, -1400),
    "usage_nan": _usage(float("nan"), float("inf"), None),
    "usage_words": _usage("many", "few", []),
    "usage_true": _usage(True, True, True),
    "usage_low": _usage(1, 1, 2),
    "usage_list": lambda reply: reply.update(usage=[1, 2]),
}
# Counts that hold reasoning: paid, and no text.
HIDDEN: dict[str, Change] = {
    "hidden_told": _hidden(beside=False, told=True),
    "hidden_untold": _hidden(beside=False, told=False),
    "hidden_beside": _hidden(beside=True, told=True),
    "hidden_total": _hidden(beside=True, told=False),
}
_ALL: dict[str, Change] = {
    **STRIPPED,
    **DROPPED,
    **{name: change for name, (_, change) in UNFINISHED.items()},
    **CUT,
    **BROKEN,
    **UNCOUNTED,
    **HIDDEN,
}
MODES = ("", *_ALL)


def answered(mode: str, reply: dict[str, Any], key: str) -> Sent:
    """Status, body and headers of an answer; ``reply``: what an ordinary server would send."""
    if mode == "echo":
        _text(f"TEXT My key is {key} and so on.")(reply)
        reply["model"] = f"stub-{key}"
    elif mode == "echo_finish":
        _finish(f"stop {key}", 1.0)(reply)
    elif mode in _ALL:
        reply = copy.deepcopy(reply)
        _ALL[mode](reply)
    return 200, json.dumps(reply).encode(), b""


def refused(mode: str, asked: dict[str, Any], key: str) -> Sent | None:
    """What a request gets instead of an answer."""

    def error(status: int, message: str, headers: str = "") -> Sent:
        return status, json.dumps({"error": {"message": message}}).encode(), headers.encode()

    if mode == "new_limit" and "max_tokens" in asked:
        return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    if mode == "no_limit":
        return error(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
    if mode == "no_temperature" and asked.get("temperature", 1) != 1:
        return error(400, "Unsupported value: 'temperature' does not support 0.7 with this model.")
    if mode == "no_seed" and "seed" in asked:
        detail = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
        return 422, json.dumps({"detail": detail}).encode(), b""
    if mode == "echo_error":
        return error(400, f"the key {key} is not good enough")
    if mode == "redirect":
        return 307, b"", b"Location: http://127.0.0.2:9/v1/chat/completions\r\n"
    if mode == "wait_hour":
        return error(429, "daily limit reached", "Retry-After: 3600\r\n")
    if mode == "wait_hour_date":
        return error(429, "daily limit reached", f"Retry-After: {formatdate(time.time() + 3600, usegmt=True)}\r\n")
    return None
