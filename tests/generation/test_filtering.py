import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthmix.generation.assemble import Generated
from synthmix.generation.filtering import Filtered, filter_generated
from synthmix.generation.filters import Filters
from synthmix.generation.template import load_template

WORDS = [a + b for a in ("lad", "run", "bud", "cor", "tok", "riv") for b in ("der", "ger", "get", "pus", "ken", "vet")]


def prose(seed: int, words: int = 80) -> str:
    """English of a kind: half of the words are its commonest ones."""
    rng = random.Random(seed)
    small = ["the", "of", "and", "to", "in", "was", "that", "with", "for", "it"]
    return " ".join(rng.choice(small if i % 2 else WORDS) + ("." if i % 11 == 10 else "") for i in range(words))


HELDOUT = [prose(900), "A held-out text of just ten words, short as it is."]
SOURCE = prose(1)


def made(text: str, source: str = SOURCE, name: str = "a", **provenance: Any) -> Generated:
    return Generated(text, name, "0", 0, source, provenance)


def run(documents: list[Generated], **changes: Any) -> tuple[list[str], list[tuple[str, list[str]]], Filtered]:
    dropped: list[tuple[str, list[str]]] = []
    found = filter_generated(
        documents,
        **{
            "heldout": HELDOUT,
            "template": load_template("hq"),
            "on_dropped": lambda one, reasons: dropped.append((one.text, reasons)),
            **changes,
        },
    )
    return [document.text for document in found], dropped, found


GERMAN = (
    "Die Leiter wurde an die Wand des Hauses gestellt und es hieß dass sie es sonst nicht auf das Dach geschafft hätten"
    " weil es für sie zu hoch ist und auch der Garten nicht mehr zu sehen war als der Winter mit dem Schnee kam"
)
CASES = {
    "empty": ("...\n", "empty"),
    "nothing": ("", "empty"),
    "contaminated": (prose(2) + " " + " ".join(HELDOUT[0].split()[20:33]), "contaminated"),
    "contaminated, other case": (prose(2) + " " + " ".join(HELDOUT[0].split()[20:33]).upper(), "contaminated"),
    "a short held-out text": (prose(2) + " A held out text of just ten words: short as it is", "contaminated"),
    "refusal": ("I'm sorry, but I can't rewrite this. " + prose(3, 60), "refusal"),
    "meta": ("The passage describes this: " + prose(4, 70), "meta_talk"),
    "leak": ("Keep every fact, number, date, name and quotation of substance. " + prose(5, 70), "prompt_leakage"),
    "loop": (prose(6, 10) * 8, "repetition"),
    "one letter": ("a" * 300 + " " + prose(6, 33), "repetition"),
    "short": (prose(7, 20), "too_short"),
    "long": (prose(8, 250), "too_long"),
    "foreign": (GERMAN, "wrong_language"),
    "copied": (SOURCE, "copied"),
    "nearly copied": (" ".join(SOURCE.split()[5:]) + " indeed so it is", "copied"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_filter_drops_what_it_is_for(case: str) -> None:
    text, reason = CASES[case]
    kept, dropped, found = run([made(prose(50)), made(text), made(prose(51))])
    assert kept == [prose(50), prose(51)]
    assert dropped == [(text, [reason, *dropped[0][1][1:]])]
    rows = {row.reason: row for row in found.table}
    assert (rows[reason].documents, rows[reason].bytes) == (1, len(text.encode()))
    assert rows[reason].share == pytest.approx(1 / 3)
    assert (found.read, found.kept) == (3, 2)
    assert found.kept_bytes == len(prose(50).encode()) + len(prose(51).encode())


OFF: dict[str, dict[str, Any]] = {
    "refusal": {"refusals": False},
    "meta": {"meta_talk": False},
    "leak": {"prompt_leakage": False},
    "loop": {"repetition": None},
    "short": {"ratio": [0, 10]},
    "long": {"max_words": 10**6, "ratio": [0, 10]},
    "foreign": {"language": None},
    "copied": {"copied": None},
}


@pytest.mark.parametrize("case", OFF)
def test_a_filter_can_be_turned_off(case: str) -> None:
    kept, _, _ = run([made(CASES[case][0])], filters=Filters(**OFF[case]))
    assert kept == [CASES[case][0]]


def test_contamination_cannot_be_turned_off() -> None:
    changes: list[dict[str, Any]] = [{"contamination": False}, *({"contamination_words": n} for n in (None, 0, 10_000))]
    for change in changes:
        with pytest.raises(ValidationError):
            Filters(**change)
    with pytest.raises(TypeError, match="heldout"):
        filter_generated([made(prose(2))])  # type: ignore[call-arg]
    lax = Filters(repetition=None, copied=None, refusals=False, meta_talk=False, prompt_leakage=False, language=None)
    kept, dropped, _ = run([made(CASES["contaminated"][0])], filters=lax, template=None)
    assert (kept, dropped[0][1]) == ([], ["contaminated"])


def test_twelve_shared_words_are_no_contamination() -> None:
    text = prose(2) + " xyzzy " + " ".join(HELDOUT[0].split()[20:32])
    assert run([made(text)])[0] == [text]


def test_what_is_made_of_a_held_out_text_goes_however_it_is_worded() -> None:
    heldout = HELDOUT[0].split()
    quoting = prose(66, 200) + " " + " ".join(heldout[:15])
    kept, dropped, _ = run([made(prose(65), HELDOUT[0]), made(prose(67, 150), quoting)])
    assert dropped == [(prose(65), ["contaminated_source"])]
    assert kept == [prose(67, 150)], "a source may quote a little"


def test_near_duplicates_within_the_output_leave_the_first() -> None:
    texts = [prose(seed, 150) for seed in range(10, 15)]
    near = [text + " and so on" for text in texts]
    documents = [made(text, prose(99, 150)) for text in [*texts, *near, *texts]]
    kept, dropped, found = run(documents)
    assert kept == texts
    assert {tuple(reasons) for _, reasons in dropped} == {("near_duplicate",)}
    assert found.table[-1].documents == 10
    off = Filters(near_duplicates=None)
    assert len(run(documents, filters=off)[0]) == 15


def test_of_a_hundred_alike_one_stays_whatever_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    same = [made(prose(70, 150), prose(71, 150)) for _ in range(100)]
    alike = [made(prose(72, 150) + f" and number {i}", prose(71, 150)) for i in range(100)]
    documents = [document for pair in zip(same, alike, strict=True) for document in pair]
    assert run(documents)[0] == [same[0].text, alike[0].text]
    monkeypatch.setattr("synthmix.generation.filtering.BATCH_DOCUMENTS", 30)
    assert run(documents)[0] == [same[0].text, alike[0].text]


def test_a_dropped_text_is_no_measure_for_later_ones() -> None:
    text = prose(20, 150)
    foreign = made(text, GERMAN)
    kept, dropped, _ = run([foreign, made(text, prose(21, 150))], template=None)
    assert kept == [text]
    assert dropped == [(text, ["wrong_language"])]


def test_near_duplicates_of_any_source_go() -> None:
    sources = [prose(seed, 150) for seed in range(30, 40)]
    documents = [made(sources[3] + " indeed", sources[5], "b"), made(prose(77, 150), sources[5], "c")]
    kept, dropped, _ = run(documents, sources=sources)
    assert kept == [documents[1].text]
    assert dropped[0][1] == ["near_duplicate_of_source"]


def test_texts_of_fewer_than_five_words_are_not_duplicates_of_each_other() -> None:
    texts = ["One two three.", "Four five six.", "Seven."]
    kept, _, _ = run([made(text, text) for text in texts], filters=Filters(min_words=0, ratio=(0, 10)))
    assert kept == texts


def test_a_seeded_text_is_not_measured_against_its_keywords() -> None:
    seeds = "keywords: ladder, rung; audience: bakers; level: advanced"
    textbook = load_template("textbook")
    kept, dropped, _ = run([made(prose(60, 300), seeds), made(prose(61, 60), seeds)], template=textbook)
    assert kept == [prose(60, 300)]
    assert dropped[0][1] == ["too_short"]
    lax = Filters(min_words=10)
    assert run([made(GERMAN, seeds)], template=textbook, filters=lax)[1][0][1] == ["wrong_language"]


def test_a_text_without_a_source_has_no_ratio() -> None:
    assert run([made(prose(64), "")])[0] == [prose(64)]


def test_truncated_texts_stay_unless_asked_otherwise() -> None:
    document = made(prose(62), finish="length")
    assert run([document])[0] == [document.text]
    assert run([document], filters=Filters(truncated=True))[1][0][1] == ["truncated"]


def test_a_language_can_be_asked_for() -> None:
    assert run([made(prose(63)), made(GERMAN)], filters=Filters(language="de", ratio=(0, 9)))[0] == [GERMAN]
    with pytest.raises(ValidationError):
        Filters(language="tlh")


def test_a_script_that_an_older_file_names_is_any_language_written_in_it() -> None:
    russian = "Лестница была приставлена к стене дома, и говорили, что без неё они не смогут подняться на крышу."
    kept, dropped, _ = run([made(russian, ""), made(GERMAN, "")], filters=Filters(language="Cyrillic", min_words=0))
    assert kept == [russian]
    assert dropped == [(GERMAN, ["wrong_language"])]


def test_the_outcome_does_not_depend_on_workers_and_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    texts = [prose(rng.randrange(120), 150) for _ in range(300)] + [text for text, _ in CASES.values()]
    documents = [made(text, prose(400 + i, 120)) for i, text in enumerate(texts)]
    one = run(documents, workers=1)
    monkeypatch.setattr("synthmix.generation.filtering.BATCH_DOCUMENTS", 7)
    many = run(documents, workers=3)
    assert one[:2] == many[:2]
    assert one[2].table == many[2].table
    assert len(one[0]) == len(set(one[0])) < 120


def test_documents_are_read_as_they_are_needed() -> None:
    read = []

    def documents() -> Iterator[Generated]:
        for i in range(100_000):
            read.append(i)
            yield made(prose(i, 60), prose(i + 500_000, 60))

    found = filter_generated(documents(), heldout=[], template=None, workers=2)
    assert next(found).text == prose(0, 60)
    assert len(read) < 10_000


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_text_is_judged(texts: list[tuple[str, str]]) -> None:
    documents = [made(text, source) for text, source in texts]
    kept, dropped, found = run(documents, sources=[source for _, source in texts], workers=1)
    assert len(kept) + len(dropped) == found.read == len(texts)
    assert sum(row.documents for row in found.table) == len(dropped)
    assert found.read_bytes == sum(len(text.encode("utf-8", "replace")) for text, _ in texts)
