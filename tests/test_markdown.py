"""Names in cards are shown as they stand: no tag, link, image, code or table of theirs."""

import pytest

from synthmix.markdown import cell
from synthmix.table import Column, Table

SHOWN = {
    "<img src=x onerror=alert(1)>": "&lt;img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))": r"\[x\](javascript:alert(1))",
    "![x](http://h/y.png)": r"!\[x\](http://h/y.png)",
    "`code`": r"\`code\`",
    "**bold** _soft_ ~~out~~": r"\*\*bold\*\* \_soft\_ \~~out\~~",
    "near_duplicates of a|b": r"near_duplicates of a\|b",
    "&lt;b&gt; & c": "&amp;lt;b&amp;gt; & c",
    r"\<b>": r"\\&lt;b>",
    "a\n# b\n\n---": "a # b ---",
    "a\x1b[31mb\u202ec": r"a\\x1b\[31mb\\u202ec",
    "Qwen/Qwen2.5-0.5B (50 %)": "Qwen/Qwen2.5-0.5B (50 %)",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items(), ids=lambda text: ascii(text)[:20])
def test_markup_in_a_name_is_shown(text: str, shown: str) -> None:
    assert cell(text) == shown
    assert Table("t", [Column("name", text)], [(text,)]).markdown().splitlines()[-1] == f"| {shown} |"
