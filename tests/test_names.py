"""What may be a name, and that what may not is refused before anything is built."""

import pytest

from synthmix.errors import BadInput
from synthmix.names import LONGEST, check_name, name_fault, name_of_file

GOOD = [
    "web",
    "33.3% hq + web",
    "a b",
    "x[link]z",
    "שלום",
    "données",
    "v1.2-rc",
    "=sum",
    "-x",
    "console",
    "com10",
    "é" * 100,
]
BAD = {
    "": "empty",
    "   ": "empty",
    "a/b": "holds /",
    "a\\b": "holds \\",
    "..": "begins or ends with a dot",
    ".hidden": "begins or ends with a dot",
    "dot.": "begins or ends with a dot",
    " a": "begins or ends with a dot or a space",
    "a\nb": r"'a\nb' holds \n",
    "a\tb": r"holds \t",
    "a\x1b[31mb": r"'a\x1b[31mb' holds \x1b",
    "a\x00b": r"holds \x00",
    "a\x9bb": r"holds \x9b",
    "a\u202eb": r"holds \u202e",
    "a\u200bb": r"holds \u200b",
    "a\u2028b": r"holds \u2028",
    "a\u00a0b": r"holds \xa0",
    "a\udcffb": r"holds \udcff",
    "con": "reserved on Windows",
    "NUL.txt": "reserved on Windows",
    "Com1": "reserved on Windows",
    "lpt\u00b9": "reserved on Windows",
    "c:d": "holds :",
    "what?": "holds ?",
    "a*": "holds *",
    "<b>": "holds <",
    "a|b": "holds |",
    "n" * 300: "300 characters",
    "本" * 80: "80 characters, more than 100 (or 200 bytes)",
    "e\u0301": "composed form",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_name_in_any_script(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(("name", "told"), BAD.items(), ids=lambda text: ascii(text)[:30])
def test_what_no_name_is(name: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_name(name, key="corpora")
    line = str(caught.value)
    assert told in line
    assert line.startswith("corpora: ")
    assert line.isprintable(), "the name is shown, not obeyed"


def test_the_longest_name_is_one() -> None:
    assert name_fault("n" * LONGEST) is None
    assert name_fault("n" * (LONGEST + 1)) is not None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/web.jsonl", "web"),
        ("web.v2.jsonl.gz", "web.v2"),
        ("a.b.c", "a.b.c"),
        ("gpt-4.1-mini.parquet", "gpt-4.1-mini"),
        ("folder/", "folder"),
        ("UP.JSONL.ZST", "UP"),
    ],
)
def test_names_of_files_keep_their_dots(path: str, name: str) -> None:
    assert name_of_file(path) == name
