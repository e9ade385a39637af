"""Markup of models: what is taken off, what is found, and text that only looks like it."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from synthmix.corpus import Source, build_corpus, read_documents, train_tokenizer
from synthmix.corpus.markup import has_markup, strip_markup
from synthmix.errors import BadInput

TEXT = "Ladders have rungs. Here is one.\n\nNote it."
CERTAIN = [
    "<think>a\n</think>\n\nTEXT",
    "Okay, the user\n</think>\n\nTEXT",
    "Okay, done.</think>TEXT",
    "<think>\n</think>\n<think>b</think>TEXT",
    "<think>a <think>b</think> c</think>TEXT",
    "<think time='3'>x</think>TEXT",
    "<THINK>a</THINK>TEXT",
    "<thinking>x</thinking>TEXT",
    "<seed:think>x</seed:think>TEXT",
    "<reasoning>r</reasoning>\nTEXT",
    "&lt;think&gt;x&lt;/think&gt;\nTEXT",
    "\\u003cthink\\u003ex\\u003c/think\\u003e\nTEXT",
    "[THINK]x[/THINK]TEXT",
    "\u25c1think\u25b7x\u25c1/think\u25b7TEXT",
    "<|begin_of_thought|>x<|end_of_thought|>\n<|begin_of_solution|>TEXT<|end_of_solution|>",
    "<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>TEXT<|END_RESPONSE|>",
    "<|channel>thought\nx<channel|>TEXT<turn|>",
    "<unused94>thought\nx<unused95>TEXT",
    "<think>x</think><answer>TEXT</answer>",
    "Here are my reasoning steps:\nab\n[BEGIN FINAL RESPONSE]\nTEXT\n[END FINAL RESPONSE]\n<|end|>",
    "<|channel|>analysis<|message|>We need<|end|><|start|>assistant<|channel|>final<|message|>TEXT<|return|>",
    "We need to.<|end|><|start|>assistant<|channel|>final<|message|>TEXT",
    "analysisWe need to rewrite.assistantfinalTEXT",
    "<|im_start|>assistant\nTEXT<|im_end|>",
    "<think>x</think>\n<|im_start|>assistant\nTEXT",
    "TEXT<|eot_id|>",
    "<|start_header_id|>assistant<|end_header_id|>\n\nTEXT",
    "TEXT<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nMore of it",
    "<start_of_turn>model\nTEXT<end_of_turn>\n",
    "<|assistant|>\nTEXT<|user|>",
    "TEXT\n<|user|>\nNext one",
    "<s>TEXT</s></s>",
    "<\uff5cAssistant\uff5c>TEXT<\uff5cend\u2581of\u2581sentence\uff5c>",
    "[gMASK]<sop>TEXT",
    "assistant\n\nTEXT",
]
UNCERTAIN = [
    "Use `<think>` tags. Ok.",
    "A </think> b </think> c",
    "Models emit </think> tokens at times.",
    "```\n</think>\n```\nis how it ends.",
    "a <think>b</think> c",
    "<think>a <think>b</think> c",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nTEXT",
    "T <tool_call>{}</tool_call>",
    "[INST] hi [/INST] a",
    "text</s>more text",
    "analysisWe need to go",
    "He said.assistant\n\nSure",
    "<|channel|>final<|message|>a<|end|><|channel|>final<|message|>b",
]
PLAIN = [
    TEXT,
    "F# has <| and |> as in x |> f <| y.",
    "a < b and c > d, see [1] and [THE END].",
    "Assistant professors teach; an assistant\nhelps them.",
    "An analysis of the think tank. analysisResult = 3",
    "<p>html</p><b>x</b> &lt;p&gt;",
    "Thinking: [think about it] <int> vector<s_t> <thinker>",
]


@pytest.mark.parametrize("form", CERTAIN)
def test_what_is_certain_is_taken_off(form: str) -> None:
    assert has_markup(form)
    assert strip_markup(form.replace("TEXT", TEXT)) == TEXT


@pytest.mark.parametrize("form", UNCERTAIN)
def test_what_is_not_is_left_and_found(form: str) -> None:
    assert has_markup(strip_markup(form))
    assert strip_markup(form).strip().endswith(form[-8:].strip())


@pytest.mark.parametrize("text", PLAIN)
def test_text_that_only_looks_like_it(text: str) -> None:
    assert not has_markup(text)
    assert strip_markup(text) == text


@pytest.mark.parametrize("text", ["<think>never ends", "<think>a</think>", "<|channel|>analysis<|message|>only"])
def test_reasoning_without_an_answer_leaves_nothing(text: str) -> None:
    assert strip_markup(text).strip() == ""


_PIECES = [re.sub("TEXT", " words here. ", form) for form in (*CERTAIN, *UNCERTAIN)]


@example(["<think>a</think> words here. ", "analysisWe need to rewrite.assistantfinal words here. "])
@given(st.lists(st.sampled_from([*_PIECES, " and so on. ", "\n\n", "<", ">", "`", "</think>", "<think>"]), max_size=6))
def test_what_is_left_is_clean_or_found_and_stays_as_it_is(pieces: list[str]) -> None:
    once = strip_markup("".join(pieces))
    assert strip_markup(once) == once
    assert has_markup(once) or not re.search(r"</?think|<\|im_|\[/?INST\]|assistantfinal", once)


@pytest.mark.parametrize(
    "text", ["<think>" * 20_000, "x" + " " * 200_000 + "</think>", "<" + " " * 200_000, "<|a" * 50_000]
)
def test_long_input_takes_linear_time(text: str) -> None:
    strip_markup(text)  # a quadratic pattern takes minutes


def test_a_filter_for_any_corpus(tmp_path: Path) -> None:
    texts = [f"{number} {TEXT}" for number in range(6)]
    given = [f"<think>hm</think>{text}" if number % 2 else text for number, text in enumerate(texts)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*given, "Use `<think>` so.", "x [INST] y"]))
    source = Source(files=[str(path)], markup="strip")
    assert [document.text for document in read_documents(source, domain="d")] == texts
    assert len(list(read_documents(Source(files=[str(path)]), domain="d"))) == 8
    made = build_corpus(source, tmp_path / "c", name="c", tokenizer=train_tokenizer(texts, 270))
    assert made.meta.removed["markup"] == 2
    assert made.train_counts.documents == 6
    path.write_text(json.dumps({"text": "Use `<think>` so."}) + "\n")
    with pytest.raises(BadInput, match="holds only empty documents and such with a model's markup"):
        build_corpus(source, tmp_path / "d", name="d", tokenizer=train_tokenizer(texts, 270))
