import pytest

from synthmix.generation.assemble import Cleaning

BODY = "Ladders have rungs. Here is one: it is long.\n\nNote the rungs."
LEADS = [
    "Here is the rewritten passage:\n\n",
    "Here's a rewritten version of the text in a clear, encyclopaedic style:\n",
    "Here\u2019s the passage, rewritten: \n",
    "Sure! Here is the rewritten text:\n\n",
    "Certainly! Below is the passage in the style of an encyclopaedia:\n\n",
    "Of course.\n",
    "Absolutely, I'd be happy to help! Here\u2019s a more engaging version of your paragraph: --- ",
    "Certainly! Here is a refined version of the text: ",
    "**Rewritten passage:**\n\n",
    "The rewritten passage reads:\n",
    "<think>\nThe user wants\n\nladders.\n</think>\n\n",
    "<think>a</think>Sure, here are the questions and answers:\n",
]
ENDS = [
    "\n\nLet me know if you would like any changes!",
    "\n\nI hope this helps!",
    "\n---\nFeel free to ask for more.",
    "\n\nNote: I kept all the facts.",
]


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("end", ["", ENDS[0]])
def test_lead_ins_are_taken_off(lead: str, end: str) -> None:
    assert Cleaning().clean(lead + BODY + end) == BODY


@pytest.mark.parametrize("end", ENDS)
def test_closing_remarks_are_taken_off(end: str) -> None:
    assert Cleaning().clean(BODY + end) == BODY


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        "Here is where the story begins.",
        "Sure enough, the ladder fell.\nIt broke.",
        "Great Britain is an island.\nIt rains.",
        "This is a ladder: it has rungs, and here the line goes on.",
        "Note: the rungs are round.",
        "He said: let me know if it rains\nand left.",
        "Question: Is it long?\nAnswer: It is.",
        "Okayama is a city.",
        "The ladder fell.\nNote that the text on it was lost.",
    ],
)
def test_text_that_only_looks_like_one_stays(text: str) -> None:
    assert Cleaning().clean(text) == text


def test_frames_are_taken_off() -> None:
    assert Cleaning().clean(f"Here is the table:\n```markdown\n{BODY}\n```") == BODY
    assert Cleaning().clean(f"<passage>\n{BODY}\n</passage>") == BODY
    inner = f"Use this:\n\n```\n{BODY}\n```\n\nThen go on."
    assert Cleaning().clean(inner) == inner


def test_an_answer_of_nothing_else_is_empty() -> None:
    assert Cleaning().clean("Sure!") == ""
    assert Cleaning().clean("<think>It never ends") == ""


def test_each_part_can_be_changed_or_turned_off() -> None:
    text = "<think>x</think>\nSure!\n```\nYes.\n```"
    assert Cleaning(thoughts=False).clean(text) == text
    assert Cleaning(fences=False).clean(text) == "```\nYes.\n```"
    assert Cleaning(lead_ins=()).clean("Sure!\nYes.") == "Sure!\nYes."
    assert Cleaning(closers=()).clean("Yes.\nI hope this helps!") == "Yes.\nI hope this helps!"
    assert Cleaning(lead_ins=("voil[aà]:?",)).clean("Voilà:\nOui.") == "Oui."
