"""Quality of plain files, of scripts without spaces, and of text that only looks varied."""

import json
import random
import zlib
from pathlib import Path

import pytest

from synthmix.generation.measures import Pair, blocks, content_words, diversity, length, raw_bytes, unspaced_share
from synthmix.generation.ngrams import words_of
from synthmix.generation.quality import compare_quality, quality_report

from ..bigram_text import chain

CHINESE = "今天天气很好我们去公园散步看见许多人在湖边钓鱼"


def shuffled(texts: list[str]) -> list[str]:
    rng = random.Random(0)
    return [" ".join(rng.sample(words := text.split(), len(words))) for text in texts]


def letters(count: int, words: int) -> list[str]:
    rng = random.Random(1)
    return [
        " ".join("".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(words)) for _ in range(count)
    ]


def test_gibberish_is_told_however_varied_it_looks() -> None:
    text = chain(1000, 3, 0.8)
    sets = {"text": text, "salad": shuffled(text), "letters": letters(1000, 40)}
    found = quality_report({name: [Pair(one) for one in texts] for name, texts in sets.items()})
    order = {one.name: one.measures["word_order"].mean for one in found.sets}
    varied = {one.name: one.measures["distinct_2"].mean.mid for one in found.sets}
    assert varied["text"] < varied["salad"] < varied["letters"]
    assert order["text"].low > 0.1
    assert order["letters"].high < 1e-3
    assert [line.split(":")[:2] for line in found.warnings] == [["gibberish", " salad"], ["gibberish", " letters"]]


def test_equal_bytes_are_compressed() -> None:
    short, long = ["ab cd ef gh " * 40] * 20, ["internationalisation characteristically " * 80] * 20
    found = quality_report({"short": [Pair(x) for x in short], "long": [Pair(x) for x in long]})
    cut = {name: blocks(texts, found.block_words, 1, 0)[0] for name, texts in (("short", short), ("long", long))}
    least = min(len(raw_bytes(block)) for block in cut.values())
    for one in found.sets:
        raw = raw_bytes(cut[one.name])[:least]
        assert len(raw) == least
        assert one.measures["compression"].mean.mid == pytest.approx(least / len(zlib.compress(raw, 6)))
    assert diversity(cut["long"])["compression"] > diversity(cut["long"], least)["compression"]


def test_scripts_without_spaces_are_counted_in_characters_and_it_is_said() -> None:
    assert length(f"{CHINESE} two words") == len(CHINESE) + 2
    assert words_of([CHINESE, "ภาษาไทย ok"]).counts.tolist() == [len(CHINESE), 8]
    assert content_words("天气 weather of") == {"天", "气", "weather"}
    assert unspaced_share([CHINESE, "a b c"]) == len(CHINESE) / (len(CHINESE) + 3)
    texts = [CHINESE[i % 20 :] + "。" + CHINESE[: i % 13 + 5] for i in range(100)]
    found = quality_report({"zh": [Pair(text) for text in texts], "en": [Pair(text) for text in chain(80, 1, 0.8)]})
    assert found.block_words > 100, "blocks are of characters, not of whole texts"
    assert sum(length(text) for text in blocks(texts, found.block_words, 1, 0)[0]) == found.block_words
    assert [line for line in found.warnings if line.startswith("characters")] == [
        "characters: zh: is of a script without spaces, so that every character counts as a word"
    ]


def test_plain_files_and_names_with_dots(tmp_path: Path) -> None:
    for name, seed in (("v1.2.jsonl", 1), ("b.jsonl", 2)):
        (tmp_path / name).write_text("".join(json.dumps({"text": t}) + "\n" for t in chain(60, seed, 0.8)))
    found = compare_quality({"v1.2": tmp_path / "v1.2.jsonl", "b": tmp_path / "b.jsonl"})
    assert [(one.name, one.documents) for one in found.sets] == [("v1.2", 60), ("b", 60)]
    assert "truncated" not in found.sets[0].measures, "nobody knows"
    assert "unfinished" in found.sets[0].measures
    assert not {"words_kept", "copied", "length_ratio"} & set(found.sets[0].measures)
