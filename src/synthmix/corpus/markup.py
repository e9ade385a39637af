"""Markup of models in text: reasoning, channels, turns, end-of-text tokens, tool calls.

:func:`strip_markup` takes off what is certain not to be text and leaves the rest alone; :func:`has_markup` finds what
is then left, so that a text is either clean or can be dropped and counted. Certain is: reasoning at the start of a text
up to the mark that closes it, also where the opening mark stood in the prompt; the final channel of several; turn and
special tokens at either end; what comes behind an end of turn that another turn follows. Marks amid a text, in a
quotation or in code may be what the text is about: they are left, and :func:`has_markup` is true.

Forms: DeepSeek, Qwen, GLM (``<think>``), Magistral (``[THINK]``), Kimi, OpenThinker (``<|begin_of_thought|>``),
Command (``<|START_THINKING|>``), Seed, LongCat, gpt-oss (harmony channels, also with their special tokens taken away:
``analysis...assistantfinal``), Gemma (``<start_of_turn>``, ``<|channel>``), Llama, ChatML, Mistral, Granite, Apriel;
each also with its angle brackets as HTML entities.
"""

import re

_LT, _GT = r"(?:<|&lt;|\\u003c)", r"(?:>|&gt;|\\u003e)"
_THOUGHT = (
    r"(?:ant_?|antml:|seed:|longcat_|inner_|internal_)?(?:think(?:ing)?|thoughts?|monologue)|reasoning(?:_process)?"
    r"|reflection|scratch_?pad|analysis|chain_of_thought|cot|rationale"
)
_OPEN = (
    rf"{_LT}\s{{0,3}}(?:{_THOUGHT})(?:\s[^<>\n]{{0,80}})?{_GT}"
    r"|\[(?:THINK(?:ING)?|REASONING)\]|\u25c1think(?:ing)?\u25b7"
    rf"|{_LT}\|(?:(?:begin|start)_?(?:of_?)?(?:thought|think(?:ing)?|reasoning)|think(?:ing)?(?:_start)?)\|{_GT}"
    rf"|{_LT}\|channel{_GT}(?:thought|analysis)?|<unused94>(?:thought)?"
)
_CLOSE = (
    rf"{_LT}\s{{0,3}}/\s{{0,3}}(?:{_THOUGHT})\s{{0,3}}{_GT}"
    r"|\[/(?:THINK(?:ING)?|REASONING)\]|\u25c1/think(?:ing)?\u25b7"
    rf"|{_LT}\|(?:end_?(?:of_?)?(?:thought|think(?:ing)?|reasoning)|/think(?:ing)?|think(?:ing)?_end)\|{_GT}"
    rf"|{_LT}channel\|{_GT}|<unused95>"
)
_MARKS = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})", re.IGNORECASE)

_ROLE = r"(?:assistant|model|chatbot|bot|gpt|ai)"
_OTHERS = r"(?:user|human|system|developer|tool|observation|ipython|function)"
# A turn's start: with the role's name behind or inside it.
_TURN = (
    rf"{_LT}\|(?:im_start|start|turn)\|?{_GT}[ \t]*{{role}}?\b[ \t]*(?:{_LT}\|message\|{_GT})?"
    rf"|{_LT}\|(?:start_header_id|header_start|start_of_role)\|{_GT}\s?{{role}}"
    rf"{_LT}\|(?:end_header_id|header_end|end_of_role)\|{_GT}"
    rf"|{_LT}start_of_turn{_GT}[ \t]*{{role}}?\b|{_LT}\|{{role}}\|{_GT}|{_LT}\uff5c{{role}}\uff5c{_GT}"
    rf"|{_LT}\|im_{{role}}\|{_GT}[ \t]*{{role}}?(?:{_LT}\|im_middle\|{_GT})?"
    rf"|(?:{_LT}\|START_OF_TURN_TOKEN\|{_GT})?{_LT}\|{{role}}_TOKEN\|{_GT}"
)
_OWN, _OTHER = _TURN.replace("{role}", _ROLE), _TURN.replace("{role}?", "{role}").replace("{role}", _OTHERS)
_PIPED = rf"{_LT}\|/?[A-Za-z_][^|<>\n]{{0,60}}\|{_GT}|{_LT}\uff5c[^\uff5c<>\n]{{1,60}}\uff5c{_GT}"
_ODD = (
    r"<(?:start|end)_of_(?:turn|utterance)>|&lt;(?:start|end)_of_(?:turn|utterance)&gt;"
    r"|<\|(?:turn|channel|tool\w*)>|<(?:turn|channel|tool\w*)\|>"
    r"|</?s>|<(?:bos|eos|pad|unk|sop|eop)>|\[gMASK\]|<(?:unused|reserved_|extra_id_)\d+>"
)
_SPECIAL = rf"{_PIPED}|{_ODD}"
_END = (
    rf"{_LT}\|(?:im_end|eot_id|eom_id|eot|eom|end|return|endoftext|end_of_text|END_OF_TURN_TOKEN|END_RESPONSE"
    rf"|end_of_solution|endofturn|endofresponse)\|{_GT}|{_LT}end_of_turn{_GT}|<turn\|>|</s>|<eos>|<end_of_utterance>"
    rf"|{_LT}\uff5cend\u2581of\u2581sentence\uff5c{_GT}"
)
_HEAD = re.compile(rf"(?!{_OTHER})(?:{_OWN}|{_SPECIAL}|assistant[ \t]*\n)", re.IGNORECASE)
_TAIL = re.compile(rf"(?:{_SPECIAL}|\[END FINAL RESPONSE\])\Z", re.IGNORECASE)
_LONGEST_TAIL = 120  # characters of a special token
_RUN_ON = re.compile(rf"(?:{_END})\s{{0,8}}(?:{_OWN}|{_OTHER})|^(?:{_OTHER})", re.IGNORECASE | re.MULTILINE)
# OpenAI's harmony: messages of channels, of which "final" is the answer.
_FINAL = re.compile(rf"{_LT}\|channel\|{_GT}final\b[^<\n]{{0,80}}{_LT}\|message\|{_GT}", re.IGNORECASE)
_CHANNEL = re.compile(rf"(?:{_OWN})?{_LT}\|channel\|{_GT}(?:analysis|commentary)\b", re.IGNORECASE)
_BARE_FINAL = re.compile(r"assistant\s?final(?=\S)")
_BARE_ANALYSIS = r"(?:analysis|commentary)[A-Z][a-z']*[ ,]+[a-z']"
_BEGIN_FINAL = re.compile(r"\[BEGIN FINAL RESPONSE\]")
_LAYERS = 20  # marks around one text, at most
_NAMES = ("analysis", "commentary")
_WRAPPED = re.compile(r"<(answer|response|final|final_answer|final_response)>(.*)</\1>\Z", re.DOTALL | re.IGNORECASE)
_ANY = re.compile(
    rf"{_OPEN}|{_CLOSE}|{_SPECIAL}|\[/?INST\]|<</?SYS>>|\[/?(?:TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS)\]"
    rf"|{_LT}/?(?:tool_calls?|tool_response|function_calls?|antml:\w+){_GT}|<function=|<invoke\s+name="
    r"|\[(?:BEGIN|END) FINAL RESPONSE\]"
    r"|\A<(?:answer|response|final_answer|final_response)>|</(?:answer|response|final_answer|final_response)>\Z",
    re.IGNORECASE,
)
_CANDIDATE = re.compile(r"[<\[\u25c1]|&lt;|\\u003c")  # where one of them may begin
_BARE = re.compile(
    rf"\A{_BARE_ANALYSIS}|{_BARE_FINAL.pattern}|(?<=[.!?])assistant(?:\n|\s?final\b)|\Aassistant[ \t]*\n"
)
_SENTENCE_ENDS = ".!?:\u2026\u3002\"')]*"


def has_markup(text: str) -> bool:
    """Whether any mark of a model stands in ``text``."""
    text = text.strip()
    marked = any(_ANY.match(text, found.start()) for found in _CANDIDATE.finditer(text))
    return marked or (("assistant" in text or text.startswith(_NAMES)) and _BARE.search(text) is not None)


def strip_markup(text: str) -> str:
    """``text`` without the markup that is certain not to belong to it; the same text where there is none.

    Reasoning without an answer leaves an empty text.
    """
    for _ in range(_LAYERS):
        if not has_markup(text):
            break
        final = _channel(text.strip())
        if final is None:
            break
        before, text = text, _without_reasoning(_turn(final))
        if wrapped := _WRAPPED.match(text):
            text = wrapped[2].strip()
        if text == before:
            break
    return text


def _channel(text: str) -> str | None:
    """The final channel, where there is exactly one; None for several."""
    for mark in (_FINAL, _BARE_FINAL, _BEGIN_FINAL):
        found = list(mark.finditer(text))
        if len(found) == 1:
            return text[found[0].end() :].strip()
        if found:
            return None
    return "" if _CHANNEL.match(text) else text


def _turn(text: str) -> str:
    """The first turn, without the tokens at its ends; a text that begins with another's turn is left alone."""
    for _ in range(_LAYERS):
        head = _HEAD.match(text)
        if head is None or _MARKS.match(head[0]):
            break
        text = text[head.end() :].lstrip()
    ended = _RUN_ON.search(text)
    if ended and text[: ended.start()].strip():
        text = text[: ended.start()].rstrip()
    text = text.rstrip()
    for _ in range(_LAYERS):
        tail = _TAIL.search(text[-_LONGEST_TAIL:])
        if tail is None or _MARKS.match(tail[0]):
            break
        text = text[: -len(tail[0])].rstrip()
    return text


def _without_reasoning(text: str) -> str:
    marks = list(_MARKS.finditer(text))
    if not marks:
        return text
    first = marks[0]
    if first.lastgroup == "close":
        return text[first.end() :].lstrip() if len(marks) == 1 and _ends_reasoning(text, first) else text
    if text[: first.start()].strip():
        return text
    depth = 0
    for mark in marks:
        depth += 1 if mark.lastgroup == "open" else -1
        if depth == 0:
            return text[mark.end() :].lstrip()
    return "" if all(mark.lastgroup == "open" for mark in marks) else text


def _ends_reasoning(text: str, mark: re.Match[str]) -> bool:
    """Whether a closing mark that nothing opens ends reasoning, rather than being spoken of."""
    before, behind = text[: mark.start()], text[mark.end() :]
    if before.count("```") % 2 or before[-1:] in ("`", "'", '"', "\u201c", "\u2018"):
        return False
    own_line = before.rstrip(" \t")[-1:] in ("", "\n")
    return own_line or behind.lstrip(" \t")[:1] in ("", "\n") or before.rstrip()[-1:] in _SENTENCE_ENDS
