import json
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from synthmix.corpus import Document, Tokenizer, build_corpus, load_tokenizer, train_tokenizer
from synthmix.corpus.tokenizer import _cut
from synthmix.errors import BadInput

pytestmark = pytest.mark.smoke


def test_bytes_come_back(tokenizer: Tokenizer):
    for text in ("corpus recipe12", "Größe → 日本 \u0000 \U0001f600", "  leading\n\ttabs ", ""):
        assert tokenizer.decode(tokenizer.encode_batch([text])[0]) == text


def test_a_text_cannot_forge_an_end_of_document(tokenizer: Tokenizer):
    [ids] = tokenizer.encode_batch(["a<|endoftext|>b"])
    assert tokenizer.eos_id not in ids
    assert tokenizer.decode(ids) == "a<|endoftext|>b"


def test_vocabulary_and_dtype(tokenizer: Tokenizer):
    assert (tokenizer.vocab_size, tokenizer.eos_id, tokenizer.dtype) == (400, 0, np.dtype("<u2"))


def test_training_is_the_same_in_another_process(tokenizer: Tokenizer, texts: list[str]):
    code = (
        "import json, sys; from synthmix.corpus import train_tokenizer;"
        "print(train_tokenizer(json.load(sys.stdin), 400).hash)"
    )
    ran = subprocess.run([sys.executable, "-c", code], input=json.dumps(texts), capture_output=True, text=True)
    assert ran.stdout.strip() == tokenizer.hash


def test_round_trip_through_a_file_and_a_folder(tokenizer: Tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json").hash == tokenizer.hash
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "A"}}))
    other = load_tokenizer(tmp_path)
    assert other.end == "A"
    assert other.hash != tokenizer.hash


def test_a_tokenizer_that_truncates_and_adds_tokens_does_neither_here(tokenizer: Tokenizer, tmp_path):
    from tokenizers import Tokenizer as Backend
    from tokenizers.processors import TemplateProcessing

    backend = Backend.from_str(tokenizer.backend.to_str())
    backend.enable_truncation(3)
    backend.enable_padding(length=8)
    backend.post_processor = TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", tokenizer.eos_id)]
    )
    backend.save(str(tmp_path / "tokenizer.json"))
    text = "corpus recipe share budget run ladder"
    [ids] = load_tokenizer(tmp_path / "tokenizer.json").encode_batch([text])
    assert ids.tolist() == tokenizer.encode_batch([text])[0].tolist()


def test_dropout_is_switched_off(tokenizer: Tokenizer, tmp_path):
    state = json.loads(tokenizer.backend.to_str())
    state["model"]["dropout"] = 0.5
    (tmp_path / "tokenizer.json").write_text(json.dumps(state))
    loaded = load_tokenizer(tmp_path)
    text = "corpus recipe share budget run ladder " * 20
    for _ in range(3):
        assert loaded.encode_batch([text])[0].tolist() == tokenizer.encode_batch([text])[0].tolist()
    assert loaded.hash == tokenizer.hash


def test_a_word_without_end_takes_no_time_and_ordinary_text_is_as_it_was(texts: list[str]):
    endless = ["a" * 400_000, "ab" * 200_000, " " * 400_000, "1" * 400_000, "-_" * 200_000, "日" * 200_000]
    began = time.process_time()
    train_tokenizer(endless, 300)
    assert time.process_time() - began < 20, "minutes where a word's time is the square of its length"
    assert "".join(_cut(endless[1] + " " + texts[0])) == endless[1] + " " + texts[0]
    assert max(map(len, _cut(endless[0]))) == 1000
    for text in [*texts, "x" * 1000 + " " + "y" * 1000]:
        assert list(_cut(text)) == [text]


def test_it_travels_to_another_process(tokenizer: Tokenizer):
    other = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301
    assert other.hash == tokenizer.hash
    [ids] = other.encode_batch(["a<|endoftext|>b"])
    assert ids.tolist() == tokenizer.encode_batch(["a<|endoftext|>b"])[0].tolist()


def test_a_vocabulary_above_16_bits_takes_32(tmp_path):
    from tokenizers import Tokenizer as Backend
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    backend = Backend(WordLevel({"</s>": 0, "[UNK]": 1, "high": 65_536}, unk_token="[UNK]"))
    backend.pre_tokenizer = Whitespace()
    backend.save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(tmp_path, lossy=1)
    assert (tokenizer.vocab_size, tokenizer.dtype, tokenizer.end) == (65_537, np.dtype("<u4"), "</s>")
    corpus = build_corpus([Document("high low", "d")], tmp_path / "c", name="c", tokenizer=tokenizer)
    assert corpus.train.read(0, 3).tolist() == [65_536, 1, 0]


def test_a_name_that_the_hub_does_not_give(monkeypatch):
    import huggingface_hub

    def offline(*_: object) -> None:
        raise huggingface_hub.errors.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", offline)
    with pytest.raises(BadInput, match="org/name: tokenizer: neither a file, a folder nor a tokenizer"):
        load_tokenizer("org/name")


def test_bad_tokenizers(tokenizer: Tokenizer, tmp_path):
    with pytest.raises(BadInput, match="vocab_size: 100 is too small; at least 257"):
        train_tokenizer(["text"], 100)
    with pytest.raises(BadInput, match="no text to train"):
        train_tokenizer(iter([]), 300)
    with pytest.raises(BadInput, match="no such file or folder"):
        load_tokenizer(tmp_path / "none" / "tokenizer.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(BadInput, match="not a tokenizer"):
        load_tokenizer(tmp_path / "broken.json")
    tokenizer.save(tmp_path / "tokenizer.json")
    with pytest.raises(BadInput, match=r"has no end-of-document token \(<stop>\); name one of its tokens"):
        load_tokenizer(tmp_path, end="<stop>")
