"""A study on corpora that were built before: their folders stand where files would."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import build_corpus, train_tokenizer
from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.progress import Silent
from synthmix.study.corpora import natural_corpora, study_tokenizer
from synthmix.study.load import study_from
from synthmix.study.prepare import check_given
from synthmix.study.workspace import Workspace

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def built(make_stories: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    tokenizer = train_tokenizer(make_stories(100), 300)
    for name, heldout in (("web", Fraction(1, 10)), ("whole", Fraction(1)), ("none", Fraction(0))):
        documents = [Document(text, name, None) for text in make_stories(120, first=1000 * len(name))]
        build_corpus(documents, folder / name, name=name, tokenizer=tokenizer, heldout=heldout)
    return folder


def study(make_study: Make, folder: Path, built: Path, **changes: Any) -> dict[str, Any]:
    given = {
        "tokenizer": {"path": str(built / "web" / "tokenizer.json")},
        "corpora": {"web": {"files": str(built / "web"), "heldout": "10%"}},
        "evaluate": {"web": "heldout", "other": str(built / "whole")},
        "mix": {"natural": "web", "shares": [0]},
    }
    return make_study(folder, **given | changes)


def test_their_shards_are_read_where_they_lie(make_study: Make, built: Path, tmp_path: Path) -> None:
    config = study_from(study(make_study, tmp_path / "new", built))
    check_given(config)
    space = Workspace(config.root)
    tokenizer = study_tokenizer(config, space, Silent())
    assert tokenizer is not None
    prepared = natural_corpora(config, space, tokenizer, Silent())
    assert prepared.corpora["web"].folder == built / "web"
    assert [domain.name for domain in prepared.domains] == ["web", "other"]
    assert not list((tmp_path / "new").rglob("corpus.json")), "nothing is built again"


def test_one_that_holds_nothing_out_cannot_be_evaluated_on(make_study: Make, built: Path, tmp_path: Path) -> None:
    config = study_from(study(make_study, tmp_path / "new", built, evaluate={"other": str(built / "none")}))
    space = Workspace(config.root)
    tokenizer = study_tokenizer(config, space, Silent())
    assert tokenizer is not None
    with pytest.raises(BadInput, match=r"none: evaluate\.other: holds nothing out"):
        natural_corpora(config, space, tokenizer, Silent())


def test_one_cannot_train_a_tokenizer_and_says_which_it_has(make_study: Make, built: Path, tmp_path: Path) -> None:
    config = study_from(study(make_study, tmp_path / "new", built, tokenizer=None))
    with pytest.raises(BadInput, match=r"tokenizer\.path: .*'web' is built with a tokenizer already; write .*web/t"):
        check_given(config)
