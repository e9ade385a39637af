"""The evidence table: every row holds, names its source, and what does not fit is one line."""

import os
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.evidence import effects, kinds, read_effects, studies, throughputs
from synthmix.evidence.model import fit_effects
from synthmix.evidence.prior import FAMILIES, effect_model, fingerprint

HEAD = "study,kind,recipe,generator,generator_params,base,N,D,share,metric,unit,effect,se,se_note,runs,obtained\n"
GOOD = "mine,qa,half,,,C4,1B,20B,50%,accuracy,score,0.01,,not published,1,table 1\n"
ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("SYNTHMIX_SHARED", ROOT.parent / "shared"))


def test_a_few_hundred_rows_each_with_a_source() -> None:
    rows, known = effects(), studies()
    assert len(rows) > 300
    assert {row.study for row in rows} == set(known)
    assert all(about.link and about.read_from for about in known.values())
    assert (
        len({(row.study, row.recipe, row.metric, row.N, row.D, row.share, row.unit, row.effect) for row in rows}) > 300
    )
    assert {"hq", "qa", "textbook", "table", "math", "faq", "tutorial"} <= set(kinds())
    assert {row.study for row in throughputs()} <= set(known)


def test_every_row_of_a_loss_or_score_says_where_its_error_is_from() -> None:
    borrowed = [row for row in effects() if row.study == "finephrase" and row.unit == "score"]
    assert all(row.se is not None and row.se_note.startswith("borrowed") for row in borrowed)
    assert all(row.se_note for row in effects())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD.replace("score", "points"), "line 2: is no row of evidence"),
        (GOOD.replace("0.01", "2"), "a score lies between 0 and 1; write 2 points as 0.02"),
        (GOOD.replace("50%", "150%"), "line 2"),
        (GOOD.replace("0.01", "nan"), "line 2"),
        (GOOD.replace("not published", ""), "se_note"),
        (GOOD.replace(",1,table 1", ",1"), "line 2: has not as many cells as the heading"),
        ("", "has no row"),
    ],
)
def test_what_does_not_fit_is_one_line_with_its_line(row: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + row)
    with pytest.raises(BadInput) as caught:
        read_effects(path)
    assert said in str(caught.value)
    assert "mine.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_is_read_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEAD + GOOD)
    [row] = read_effects(path)
    assert (row.N, row.D, row.share, row.effect, row.se) == (1e9, 2e10, 0.5, 0.01, None)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_that_is_kept_is_that_of_the_table(family: str) -> None:
    kept = effect_model(family)  # type: ignore[arg-type]
    assert fingerprint(kept.rows) == fingerprint(tuple(row for row in effects() if row.unit == family))
    made = fit_effects(effects(), family)  # type: ignore[arg-type]
    assert made.spread == pytest.approx(kept.spread, rel=0.02)
    assert made.residual == pytest.approx(kept.residual, rel=0.02)


@pytest.mark.skipif(not (SHARED / "golden" / "public_runs").is_dir(), reason="the published tables are not here")
def test_derived_rows_are_what_the_published_runs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import evidence_rows as made

    monkeypatch.setattr(made, "PUBLIC", SHARED / "golden" / "public_runs")
    for folder, fields, rows in (
        ("effects", made.FIELDS, made.effects()),
        ("throughputs", made.RATES, made.throughputs()),
    ):
        assert made.text_of(fields, rows) == (made.DATA / folder / "finephrase.csv").read_text(encoding="utf-8")
