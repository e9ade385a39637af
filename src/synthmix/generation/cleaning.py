"""What models put around their answer: thoughts, a lead-in, a code fence, an offer of more help."""

import re
from functools import cached_property

from pydantic import BaseModel, ConfigDict

# What a line may open or close with to be taken off; matched without case at the start of the line.
LEAD_INS = (
    r"(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|great|no problem)[!,.:]*",
    r"i(?:'d|\u2019d| would) be (?:happy|glad|delighted) to (?:help|do (?:that|so))[!,.:]*",
    # On one line with the text it must say what it introduces.
    r"here(?: is|'s|\u2019s) (?:a|an|the|your)\b[^\n:]{0,60}"
    r"\b(?:version|rewrite|paraphrase|revision)\b[^\n:]{0,120}:[ \t]?",
    r"(?:here(?: is|'s|\u2019s| are)|below (?:is|are)|(?:this|the following) (?:is|are))\b[^\n]{0,150}:",
    r"(?:the )?(?:rewritten|rephrased|paraphrased|revised|polished) (?:passage|text|version|article)\b[^\n]{0,60}:",
)
CLOSERS = (
    r"let me know if\b[^\n]*",
    r"(?:i )?hope (?:this|that) helps\b[^\n]*",
    r"(?:please )?feel free to (?:ask|reach|let)\b[^\n]*",
    r"(?:is there anything else|would you like me to)\b[^\n]*",
    r"(?:\*\*)?note:(?:\*\*)? (?:i|this (?:is|passage|text|rewrite|version)|the (?:passage|text|original))\b[^\n]*",
)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)\s*", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"\A```[a-z]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(r"\A<(passage|text|answer|output)>\s*(.*?)\s*</\1>\Z", re.DOTALL | re.IGNORECASE)


class Cleaning(BaseModel):
    """Which of these are taken off an answer. ``lead_ins`` and ``closers`` are regular expressions.

    A lead-in is taken off where it is a line of its own or stands before another, and where it ends with a colon;
    a closer where it is the last line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_ins: tuple[str, ...] = LEAD_INS
    closers: tuple[str, ...] = CLOSERS
    thoughts: bool = True
    fences: bool = True

    def clean(self, text: str) -> str:
        """``text`` without them, stripped."""
        if self.thoughts:
            text = _THOUGHT.sub("", text)
        text = text.strip()
        if self._lead is not None and (lead := self._lead.match(text)):
            text = text[lead.end() :].lstrip()
        if self._close is not None and (close := self._close.search(text)):
            text = text[: close.start()].rstrip()
        for frame, group in ((_FENCE, 1), (_TAGGED, 2)) if self.fences else ():
            if framed := frame.match(text):
                text = framed[group].strip()
        return text

    @cached_property
    def _lead(self) -> re.Pattern[str] | None:
        one = "|".join(self.lead_ins)
        rest = rf"(?:[ \t]*(?:\*\*)?[ \t]*(?:\n+|\Z)|(?<=:[ \t])|[ \t]+(?={one}))"
        return re.compile(rf"(?:\*\*)?(?:(?:{one}){rest})+(?:\s*-{{3,}}\s+)?", re.IGNORECASE) if one else None

    @cached_property
    def _close(self) -> re.Pattern[str] | None:
        one = "|".join(self.closers)
        return re.compile(rf"(?:^|\n)[ \t]*(?:-{{3,}}\s*)?(?:{one})\Z", re.IGNORECASE) if one else None
