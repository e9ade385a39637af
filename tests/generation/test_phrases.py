from synthmix.generation.ngrams import words_of
from synthmix.generation.phrases import task_talk

TALK = [
    ("I'm sorry, but I can\u2019t help with that request.", "", (True, False)),
    ("I cannot rewrite this.", "", (True, False)),
    ("The ladder stood. " * 30 + "I cannot rewrite this.", "", (False, False)),
    ("The ladder stood. " * 30 + "As an AI language model, I have no ladder.", "", (True, False)),
    ("He said: I can't write. She nodded.", "He could only say: I can't write.", (False, False)),
    ("The passage describes a ladder.", "", (False, True)),
    ("The ladder stood. " * 30 + "In the passage it fell. " + "The ladder stood. " * 30, "", (False, False)),
    ("The ladder stood. " * 30 + "In the passage it fell. " * 3 + "The ladder stood. " * 30, "", (False, True)),
    ("The ladder stood. " * 30 + "I have kept all facts of the original text.", "", (False, True)),
    ("The original text was lost in 1453.", "Of the original text nothing is left.", (False, False)),
    ("A ladder has rungs.", "", (False, False)),
]


def test_refusals_and_talk_about_the_task_are_told_from_text() -> None:
    refuses, mentions = task_talk(words_of([text for text, _, _ in TALK]), [source for _, source, _ in TALK])
    assert [*zip(refuses.tolist(), mentions.tolist(), strict=True)] == [expected for _, _, expected in TALK]
