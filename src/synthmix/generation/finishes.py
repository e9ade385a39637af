"""Why an answer ended: servers' many words for it in a few of ours. Only ``stop`` is an answer that is whole."""

from typing import Any

WHOLE, CUT, ERROR, MISSING, UNKNOWN = "stop", "length", "error", "missing", "unknown"
FILTERED, TOOLS = "content_filter", "tool_calls"
# What servers call the end of an answer; anything else is not known to be whole.
_FINISHES = {
    WHOLE: ("stop", "eos", "eos_token", "end", "end_turn", "end_of_turn", "stop_sequence", "stop_token", "complete",
            "completed", "finished", "finish_reason_stop"),
    CUT: ("length", "max_tokens", "max_token", "max_length", "max_output_tokens", "max_completion_tokens",
          "token_limit", "model_length", "context_length", "model_context_window_exceeded", "finish_reason_max_tokens",
          "incomplete"),
    FILTERED: ("content_filter", "content_filtered", "safety", "recitation", "blocklist", "prohibited_content",
                       "refusal", "guardrail_intervened", "sensitive", "spii", "moderation"),
    TOOLS: ("tool_calls", "tool_call", "tool_use", "function_call", "malformed_function_call"),
    ERROR: ("error", "abort", "aborted", "cancel", "cancelled", "canceled", "network_error", "engine_error",
              "insufficient_system_resource", "timeout", "unfinished"),
}  # fmt: skip
_KINDS = {name: kind for kind, names in _FINISHES.items() for name in names}


def finish_of(said: Any) -> str:
    """The finish reason in this project's words: ``stop``, ``length``, ``content_filter``, ``tool_calls``, ``error``
    (worth another try), ``missing`` (the server says none), ``unknown``."""
    if said is None or said == "":
        return MISSING
    return _KINDS.get(said.strip().lower(), UNKNOWN) if isinstance(said, str) else UNKNOWN
