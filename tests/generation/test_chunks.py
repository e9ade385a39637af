from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.generation.prompts import estimated_tokens, join_chunks, sentences, split_text

PROSE = (
    "Dr. Smith went to Washington, e.g. by train. He said “Stop!” Then he left... and so on. It cost 3.5 dollars. "
    "J. K. Rowling wrote it (see fig. 3).\n\nA new paragraph, hard\nwrapped. Really?\n- an item\n- another"
)


def test_sentences_end_at_their_marks_and_not_at_abbreviations() -> None:
    assert [piece.strip() for piece in sentences(PROSE)] == [
        "Dr. Smith went to Washington, e.g. by train.",
        "He said “Stop!”",
        "Then he left... and so on.",
        "It cost 3.5 dollars.",
        "J. K. Rowling wrote it (see fig. 3).",
        "A new paragraph, hard\nwrapped.",
        "Really?",
        "- an item",
        "- another",
    ]
    assert sentences("这是第一句。这是第二句\uff01") == ["这是第一句。", "这是第二句\uff01"]


def test_a_short_text_is_one_chunk_and_a_blank_one_none() -> None:
    assert split_text(PROSE, 300) == [PROSE]
    assert split_text(" \n ") == split_text("") == []


def test_chunks_are_whole_sentences_of_about_equal_size() -> None:
    text = " ".join(f"Sentence number {i} says a little about the thing {i * 7}." for i in range(100))
    chunks = split_text(text, 300)
    sizes = [estimated_tokens(chunk) for chunk in chunks]
    assert "".join(chunks) == text
    assert all(chunk.rstrip().endswith(".") and chunk.startswith("Sentence") for chunk in chunks)
    assert max(sizes) <= 300
    assert len(chunks) == -(-estimated_tokens(text) // 300), "no more than it takes"
    assert min(sizes) > 0.8 * max(sizes), "no stump at the end"


def test_long_sentences_are_cut_between_words_and_long_words_between_characters() -> None:
    words = split_text("word " * 1000, 300)
    assert all(set(chunk.split()) == {"word"} for chunk in words)
    assert max(map(estimated_tokens, words)) <= 300
    letters = split_text("x" * 10_000, 300)
    assert "".join(letters) == "x" * 10_000
    assert max(map(estimated_tokens, letters)) <= 300


def test_a_counter_of_ones_own_is_used() -> None:
    assert [len(chunk) for chunk in split_text("Aa. " * 10, 8, count=len)] == [8] * 5


@given(st.text(alphabet="ab .!?\n。3-", max_size=400), st.integers(2, 40))
@settings(max_examples=300, deadline=None)
def test_nothing_is_lost_and_no_chunk_is_too_long_or_blank(text: str, tokens: int) -> None:
    chunks = split_text(text, tokens)
    if not text.strip():
        assert chunks == []
        return
    assert "".join(chunks) == text
    assert all(chunk.strip() for chunk in chunks)
    assert all(estimated_tokens(chunk.strip()) <= tokens for chunk in chunks)


def test_chunks_are_put_together_in_order() -> None:
    assert join_chunks(["One.\n", "", "  Two.", " "]) == "One.\n\nTwo."
