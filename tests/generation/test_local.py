import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Document, Tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.generation.local import LocalModel
from synthmix.generation.prompts import Prompt, Reply, prompts
from synthmix.generation.template import load_template
from synthmix.training.checkpoint import save_checkpoint
from synthmix.training.model import make_model
from synthmix.training.shape import shape_for

CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<you>{% endif %}"


@pytest.fixture(scope="module")
def tokenizer(make_stories: Any) -> Tokenizer:
    return train_tokenizer(make_stories(100), 300)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """The folder of a run with a checkpoint of an untrained model: its text is noise, and it never ends early."""
    folder = tmp_path_factory.mktemp("run")
    made = make_model(shape_for(25_000), tokenizer.vocab_size, 512, seed=0, eos=tokenizer.eos_id)
    save_checkpoint(made, tokenizer, folder / "checkpoint")
    return folder


@pytest.fixture(scope="module")
def local(run: Path) -> LocalModel:
    return LocalModel(run, batch=3)


def ask(**sampling: Any) -> list[Prompt]:
    documents = [Document("A ladder. " * (i + 1), "web", str(i)) for i in range(5)]
    return [*prompts(documents, load_template("hq"), seed=1, sampling={"max_tokens": 12, **sampling})]


def texts(replies: Sequence[Reply]) -> list[str]:
    return [reply.text for reply in replies]


def test_a_project_checkpoint_answers_every_prompt_in_order(local: LocalModel) -> None:
    asked = ask()
    replies = local.complete_many(asked)
    assert [reply.key for reply in replies] == [prompt.key for prompt in asked]
    assert all(reply.output_tokens <= 12 and reply.seconds > 0 for reply in replies)
    assert {reply.finish for reply in replies} <= {"stop", "length"}
    assert "length" in {reply.finish for reply in replies}
    assert len({reply.input_tokens for reply in replies}) > 1
    assert local.batch == 3
    assert local.identity["kind"] == "local"
    assert local.identity["params"] == shape_for(25_000).params < local.identity["params_total"]
    assert not local.identity["chat_template"]
    assert json.dumps(local.identity)


def test_an_answer_does_not_depend_on_its_batch(local: LocalModel) -> None:
    asked = ask()
    together = texts(local.complete_many(asked))
    assert texts([local.complete_many([prompt])[0] for prompt in reversed(asked)]) == together[::-1]
    assert len(set(together)) == len(together)


def test_each_prompt_has_its_own_limit_and_stop(local: LocalModel) -> None:
    one, two, *_ = ask(temperature=0.8)
    short = replace(one, sampling={**one.sampling, "max_tokens": 3})
    replies = local.complete_many([short, two])
    assert (replies[0].output_tokens, replies[0].finish) == (3, "length")
    assert replies[1].output_tokens > 3
    whole = replies[1].text
    stopped = replace(two, sampling={**two.sampling, "stop": [whole[4]]})
    [reply] = local.complete_many([stopped])
    assert (reply.text, reply.finish) == (whole[: whole.index(whole[4])], "stop")


def test_temperature_zero_is_greedy_whatever_the_seed(local: LocalModel) -> None:
    one, *_ = ask(temperature=0)
    other = replace(one, sampling={**one.sampling, "seed": 77})
    assert len(set(texts(local.complete_many([one, other])))) == 1


def test_a_chat_template_is_used_where_there_is_one(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "chatty"
    folder.mkdir()
    for file in (run / "checkpoint").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    chatty = LocalModel(folder, name="chatty")
    assert chatty.identity["chat_template"]
    [prompt, *_] = ask()
    shown = chatty._tokenizer.decode(chatty._ids(prompt))
    assert shown.startswith("<system>You are a careful editor")
    assert shown.endswith("<you>")
    [reply] = chatty.complete_many([prompt])
    assert reply.model == "chatty"


def test_a_prompt_that_is_too_long_and_what_is_no_model_are_bad_input(local: LocalModel, tmp_path: Path) -> None:
    [long] = prompts([Document("word " * 2000, "web", "a")], load_template("hq"), seed=1, sampling={}, chunk_tokens=9e9)
    with pytest.raises(BadInput, match=r"a prompt of \d+ tokens leaves no room .* context of 1024; lower chunk_tokens"):
        local.complete_many([long])
    with pytest.raises(BadInput, match="no model can be loaded"):
        LocalModel(tmp_path)
    with pytest.raises(BadInput, match="nowhere: model: no such folder; name a model's folder"):
        LocalModel(tmp_path / "nowhere")
