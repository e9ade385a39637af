from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.generation.template import Template, builtin_templates, load_template

VALUES: dict[str, dict[str, Any]] = {
    "rewrite": {"text": "It has {{ braces }} and {% tags %}.", "words": 6, "domain": "web", "part": 1, "parts": 2},
    "seeded": {"keywords": ["ladder", "budget"], "audience": "bakers", "level": "advanced", "domain": "web"},
}
PLAIN = """---
name: mine
version: 3
---
{% block system %}{% endblock %}
{% block user %}Say: {{ text }}{% endblock %}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.jinja"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_types_of_the_issue_are_built_in() -> None:
    assert {"hq", "qa", "textbook", "faq", "table", "tutorial", "math", "dialogue"} <= set(builtin_templates())


@pytest.mark.parametrize("name", builtin_templates())
def test_a_built_in_type_shows_its_input_and_is_hashed(name: str) -> None:
    template = load_template(name)
    assert (template.name, template.id) == (name, f"{name}@{template.version}:{template.hash}")
    assert template.front.description
    assert template.front.max_tokens
    system, user = template.messages(VALUES[template.kind])
    assert (system["role"], user["role"]) == ("system", "user")
    shown = ["{{ braces }} and {% tags %}"] if template.kind == "rewrite" else ["ladder, budget", "bakers", "advanced"]
    assert all(part in user["content"] for part in shown), "the source is a value, not a template"
    assert len(template.instructions.split()) > 40
    assert "{" not in template.instructions


def test_names_of_built_in_types_differ_and_so_do_their_hashes() -> None:
    hashes = {load_template(name).hash for name in builtin_templates()}
    assert len(hashes) == len(builtin_templates())


def test_a_file_adds_a_type(tmp_path: Path) -> None:
    template = load_template(write(tmp_path, PLAIN))
    assert (template.name, template.version, template.kind) == ("mine", "3", "rewrite")
    assert template.messages(VALUES["rewrite"]) == (
        {"role": "user", "content": "Say: It has {{ braces }} and {% tags %}."},
    ), "a blank system message is left out"


def test_the_hash_is_of_what_decides_the_prompts(tmp_path: Path) -> None:
    def hashed(text: str) -> str:
        return load_template(write(tmp_path, text)).hash

    assert hashed(PLAIN) == hashed(PLAIN.replace("mine", "other")) == hashed(PLAIN.replace("\n", "\r\n"))
    assert hashed(PLAIN) != hashed(PLAIN.replace("Say", "Shout"))
    assert hashed(PLAIN) != hashed(PLAIN.replace("{{ text }}", "{{ domain }}"))


def test_a_template_travels_to_another_process_and_is_the_same_there() -> None:
    template = load_template("hq")
    template.messages(VALUES["rewrite"])
    kind, arguments = template.__reduce__()
    again = kind(*arguments)
    assert isinstance(again, Template)
    assert again == template
    assert again.messages(VALUES["rewrite"]) == template.messages(VALUES["rewrite"])


BAD: dict[str, tuple[str | None, str]] = {
    "no such type": (None, r"^nothing: no such template; built in: dialogue, faq, .*; or name a file"),
    "no front matter": ("{% block user %}{% endblock %}", r"mine\.jinja: has no front matter; begin the file with ---"),
    "not yaml": ("---\nname: [\n---\n", r"mine\.jinja: line \d: the front matter is not YAML"),
    "no name": ("---\nversion: 1\n---\n", r"mine\.jinja: name: Field required"),
    "a list": ("---\n- name\n---\n", r"mine\.jinja: name: Field required"),
    "unknown key": ("---\nname: a\ntemperature: 1\n---\n", r"mine\.jinja: temperature: unknown key"),
    "unknown kind": (
        "---\nname: a\nkind: rephrase\n---\n",
        r"mine\.jinja: kind: Input should be 'rewrite' or 'seeded'",
    ),
    "a range upside down": ("---\nname: a\nratio: [3, 1]\n---\n", r"mine\.jinja: ratio: \[3.0, 1.0\] is not a range"),
    "a ratio of nothing": ("---\nname: a\nkind: seeded\nratio: [1, 3]\n---\n", r"a seeded text has no source"),
    "unknown variable": (PLAIN.replace("{{ text }}", "{{ txet }}"), r"mine\.jinja: unknown variable 'txet'; a rewrite"),
    "variable of the other kind": (PLAIN.replace("{{ text }}", "{{ audience }}"), r"unknown variable 'audience'"),
    "syntax": (PLAIN.replace("{{ text }}", "{{ text }"), r"mine\.jinja:6: unexpected '}'"),
    "filter": (PLAIN.replace("{{ text }}", "{{ text | nothing }}"), r"mine\.jinja:6: No filter named 'nothing'"),
    "unclosed": (PLAIN.replace("{{ text }}{% endblock %}", "{{ text }}"), r"mine\.jinja:[67]: Unexpected end"),
    "no user block": ("---\nname: a\n---\n{% block system %}{% endblock %}", r"mine\.jinja: has no block 'user'; add"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_templates_are_one_line_that_names_the_file(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    with pytest.raises(BadInput, match=message) as caught:
        load_template("nothing" if text is None else write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_what_is_not_text_and_what_fails_when_filled_in_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_bytes(b"---\nname: \xff\n---\n")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_template(path)
    with pytest.raises(BadInput, match="no such template"):
        load_template(tmp_path)
    for body in ("{{ text.__class__.__mro__ }}", "{{ words / 0 }}", "{{ words + text }}", "{% include 'hq' %}"):
        with pytest.raises(BadInput, match=r"mine\.jinja"):
            load_template(write(tmp_path, PLAIN.replace("{{ text }}", body))).messages(VALUES["rewrite"])
    blank = load_template(write(tmp_path, PLAIN.replace("Say: {{ text }}", "")))
    with pytest.raises(BadInput, match="'user' came out empty"):
        blank.messages(VALUES["rewrite"])


def test_the_example_of_a_type_of_ones_own_can_be_used() -> None:
    template = load_template(Path(__file__).parents[2] / "examples" / "templates" / "summary.jinja")
    _, user = template.messages(VALUES["rewrite"])
    assert "part 1 of 2" in user["content"]
    assert "in about 20 words" in user["content"]
    alone = template.messages({**VALUES["rewrite"], "words": 300, "parts": 1})[1]["content"]
    assert "part 1" not in alone
    assert "in about 100 words" in alone
