import pytest

from synthmix.corpus.readers import read_documents
from synthmix.corpus.sources import Source, normalize

TEXT = "\u201cIt\u2019s late,\u201d she said \u2014 once\u2026\n\nThen\u00a0nothing.\t "


def test_folds_do_what_they_say_and_nothing_else() -> None:
    assert normalize(TEXT, []) == TEXT
    assert normalize(TEXT, ["punctuation"]) == '"It\'s late," she said - once...\n\nThen nothing.\t '
    assert normalize(TEXT, ["whitespace"]) == "\u201cIt\u2019s late,\u201d she said \u2014 once\u2026 Then nothing."
    assert normalize("plain text", ["whitespace", "punctuation"]) == "plain text"


def test_a_source_may_ask_for_them(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.txt"
    path.write_text(TEXT, encoding="utf-8")
    source = Source(files=[str(path)], normalize=["whitespace", "punctuation"])
    assert [document.text for document in read_documents(source, domain="x")] == [
        '"It\'s late," she said - once... Then nothing.'
    ]
    with pytest.raises(ValueError, match="whitespace"):
        Source(files=[str(path)], normalize=["spaces"])  # type: ignore[list-item]
