"""What a study file may say, and how it is understood."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.config import RealCorpus, SampledCorpus
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput
from synthmix.study.load import load_study, study_from

WRITTEN = """
study: does-rephrasing-help
corpora:
  web:      {files: data/web/*.jsonl.gz, heldout: 2%, license: CC0-1.0}
  rephrase: {files: [data/a.jsonl, s3://bucket/b.jsonl], kind: synthetic}
  plain:    data/plain.txt
  sampled:  {generate: sample, from: web, params: 1M, train: 5M, tokens: 40M, top_p: 0.9}
evaluate:   {wiki: data/wiki.jsonl, code: {files: data/code.jsonl}, web: heldout, docs: {sample: [python-reference]}}
mix:        {natural: web, synthetic: [rephrase, sampled], shares: [0, 1/3, 67%, 1]}
ladder:     {params: [1M, 3M, 10M], budgets: [5M, 10M, 20M, 40M], seeds: 2}
question:   {params: 1B, tokens: 100B}
"""


def test_a_study_file_reads_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(WRITTEN)
    config = load_study(tmp_path / "study.yaml")
    web, rephrase, plain, sampled = config.corpora.values()
    assert isinstance(web, RealCorpus)
    assert (web.files, web.heldout, web.license) == (
        [str(tmp_path / "data/web/*.jsonl.gz")],
        Fraction(1, 50),
        "CC0-1.0",
    )
    assert isinstance(rephrase, RealCorpus)
    assert rephrase.files == [str(tmp_path / "data/a.jsonl"), "s3://bucket/b.jsonl"], "only local paths are resolved"
    assert rephrase.kind == "synthetic"
    assert isinstance(plain, RealCorpus)
    assert plain.files == [str(tmp_path / "data/plain.txt")]
    assert isinstance(sampled, SampledCorpus)
    assert (sampled.source, sampled.params, sampled.tokens) == ("web", 10**6, 40 * 10**6)
    assert config.mix.shares == [Fraction(0), Fraction(1, 3), Fraction(67, 100), Fraction(1)]
    assert config.ladder.budgets == [5 * 10**6, 10**7, 2 * 10**7, 4 * 10**7]
    assert config.question is not None
    assert config.question.tokens == 10**11
    assert config.evaluate["web"] == "heldout"
    assert isinstance(config.evaluate["wiki"], Source)
    assert config.evaluate["wiki"].files == [str(tmp_path / "data/wiki.jsonl")]
    assert config.root == tmp_path / "studies/does-rephrasing-help"


def test_a_corpus_may_be_called_natural(make_study: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """``real`` is what earlier versions wrote, in study files and in what they built."""
    raw = make_study(tmp_path)
    name = raw["mix"]["natural"]
    entry = raw["corpora"][name]
    said = entry if isinstance(entry, dict) else {"files": entry}
    natural = raw | {"corpora": raw["corpora"] | {name: said | {"kind": "natural"}}}
    before = raw | {"corpora": raw["corpora"] | {name: said | {"kind": "real"}}}
    assert study_from(natural) == study_from(raw) == study_from(before)
    assert study_from(natural).corpora[name].kind == "natural"  # type: ignore[union-attr]


def test_the_same_study_as_plain_data_is_the_same(make_study: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    raw = make_study(tmp_path)
    assert study_from(raw) == study_from(raw)
    assert study_from(raw).root == tmp_path


def test_a_tokenizer_s_path_counts_from_the_study_file_and_a_hub_name_does_not(
    make_study: Callable[..., dict[str, Any]], save_study: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    for given, found in (
        ("tok.json", str(tmp_path / "tok.json")),
        ("folder", str(tmp_path / "folder")),
        ("gpt2", "gpt2"),
        ("/abs/tok.json", "/abs/tok.json"),
    ):
        path = save_study(tmp_path / "study.yaml", make_study(tmp_path, tokenizer={"path": given}))
        assert load_study(path).tokenizer.path == found


def test_an_unknown_key_is_told_before_the_key_that_it_hides(make_study: Callable[..., dict[str, Any]]) -> None:
    raw = make_study(Path("x"))
    raw["laddder"] = raw.pop("ladder")
    with pytest.raises(BadInput, match="laddder: unknown key; did you mean 'ladder'") as caught:
        study_from(raw)
    assert "missing" not in str(caught.value)


def test_a_key_that_is_like_no_other_lists_those_that_are_known(make_study: Callable[..., dict[str, Any]]) -> None:
    raw = make_study(Path("x"))
    raw["question"]["zzz"] = 1
    with pytest.raises(BadInput, match=r"question\.zzz: unknown key; known keys here: params, tokens"):
        study_from(raw)


def test_on_is_a_key_and_no_truth_value(make_study: Any, save_study: Any, tmp_path: Path) -> None:
    path = save_study(tmp_path / "study.yaml", make_study(tmp_path / "folder", keep_checkpoints=False))
    text = path.read_text().replace("tokenizer:\n", "tokenizer:\n  on: [web]\n")
    path.write_text(text)
    config = load_study(path)
    assert config.tokenizer.on == ["web"]
    assert config.keep_checkpoints is False


def test_an_entry_may_be_made_from_another_by_anchor_and_merge(
    make_study: Any, save_study: Any, tmp_path: Path
) -> None:
    path = save_study(tmp_path / "study.yaml", make_study(tmp_path / "folder"))
    more = "corpora:\n  one: &one {files: web.jsonl, kind: synthetic}\n  two: {<<: *one, files: other.jsonl}\n"
    path.write_text(path.read_text().replace("corpora:\n", more))
    two = load_study(path).corpora["two"]
    assert (two.files, two.kind) == ([str(tmp_path / "other.jsonl")], "synthetic")  # type: ignore[union-attr]


def test_a_study_that_an_earlier_version_made_in_the_current_folder_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    file = tmp_path / "files" / "study.yaml"
    file.write_text(WRITTEN)
    monkeypatch.chdir(tmp_path)
    old = Path("studies") / "does-rephrasing-help"
    old.joinpath("runs").mkdir(parents=True)
    with pytest.warns(UserWarning, match="move it to"):
        assert load_study(file).folder == old
    (tmp_path / "files" / old).mkdir(parents=True)
    assert load_study(file).folder == tmp_path / "files" / old
