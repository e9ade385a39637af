"""Generators compared on text whose truth is known: style, representation, style match, tokenizers."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.statistics.generators import Written, compare_generators, same_sources
from synthmix.statistics.representation import log_odds, manners, represented, summary, topics
from synthmix.statistics.style import StyleDistance, StylePoint, style_distance, style_match
from synthmix.statistics.tokenizers import compare_tokenizers, ratio

from ..in_process import Shuffled

Stories = Callable[..., list[str]]


@pytest.fixture(scope="module")
def styles(make_stories: Stories) -> tuple[StyleDistance, StyleDistance]:
    """Of a text to more of the same, and in capitals to it."""
    text = make_stories(60, words=150)
    same = style_distance(text[:30], text[30:])
    return same, style_distance([one.upper() for one in text[:30]], text[30:])


class TestStyle:
    def test_one_source_is_not_told_apart(self, styles: tuple[StyleDistance, StyleDistance]):
        same, _ = styles
        assert same.separable.low < 0.4
        assert same.js.mid == pytest.approx(same.floor, rel=0.3)

    def test_another_style_is(self, styles: tuple[StyleDistance, StyleDistance]):
        _, other = styles
        assert other.separable.mid == 2
        assert other.js.mid > 5 * other.floor
        assert other.js.low < other.js.mid < other.js.high

    def test_too_little_text(self):
        with pytest.raises(BadInput, match="passages are too few"):
            style_distance(["short"], ["short"])


class TestRepresentation:
    def test_log_odds_finds_what_was_added_and_left_out(self):
        base = Counter({f"w{i}": 100 - i for i in range(80)})
        found = log_odds(base + Counter({"new": 60}), base + Counter({"old": 60}))
        assert (found[0].word, found[-1].word) == ("new", "old")
        assert found[0].z == pytest.approx(-found[-1].z)
        assert (found[0].first, found[0].second) == (60, 0)
        assert abs(next(one for one in found if one.word == "w3").z) < 0.5
        with pytest.raises(ValueError, match="empty text"):
            log_odds(base, Counter())

    def test_lists(self):
        source = ["She said it and he did not go to the town"] * 20
        found = {row.name: row for row in manners(source, [f"{text} moreover crucial" for text in source])}
        assert found["connectives"].verdict == found["emphasis"].verdict == "over"
        assert found["negation"].ratio.mid == pytest.approx(11 / 13)
        assert found["feminine terms"].source == found["masculine terms"].source == pytest.approx(1000 / 11)
        alike = {row.name: row for row in manners(source, source, paired=True)}
        assert {row.verdict for row in alike.values()} == {"alike"}
        with pytest.raises(ValueError, match="no pairs"):
            manners(source, source[:3], paired=True)

    def test_phrases_and_numbers(self):
        source = ["plain words here"] * 12
        found = {row.name: row for row in manners(source, ["in conclusion 3 plain words"] * 12)}
        assert found["talk about the text"].synthetic == pytest.approx(200)
        assert found["numbers"].synthetic == pytest.approx(200)
        assert found["numbers"].verdict == "over"

    def test_topics_tell_which_is_missing(self):
        rng = np.random.default_rng(0)
        fields = [["kitchen", "recipe", "flour", "oven", "butter"], ["engine", "wheel", "brake", "motor", "petrol"]]

        def about(topic: int) -> str:
            return " ".join(rng.choice(fields[topic], 30))

        source = [about(i % 2) for i in range(80)]
        found = topics(source, [about(0) for _ in range(80)], count=2)
        assert [topic.verdict for topic in found] == ["over", "under"]
        assert set(found[0].words[:5]) == {*fields[0]}
        assert found[1].source == pytest.approx(0.5)
        assert found[1].synthetic == 0
        with pytest.raises(BadInput, match="too few for topics"):
            topics(source[:5], source)

    def test_summary_says_both_ways(self, make_stories: Stories):
        source = make_stories(20)
        found = represented("r", [f"moreover {text}" for text in source], source, paired=True)
        assert found.over[0].word == "moreover"
        assert any(line.startswith("More of") and "connectives" in line for line in summary(found))
        with pytest.raises(BadInput, match="holds no words"):
            represented("r", ["..."], source)


class TestGenerators:
    def test_the_nearer_text_covers_more_at_equal_size(self, make_stories: Stories):
        near = [Written(text) for text in make_stories(30, first=900)]
        far = [Written(text.replace("a", "u")) for text in make_stories(50, first=900)]
        rows = compare_generators(
            {"far": far, "near": near}, [Written(t) for t in make_stories(30)], {"d": make_stories(20, first=50)}
        )
        fits = {row.name: row.domains[0] for row in rows}
        assert len({row.words for row in rows}) == 1
        assert fits["near"].coverage_mass.low > fits["far"].coverage_mass.high
        assert fits["near"].kl_test_train.high < fits["far"].kl_test_train.low
        assert fits["near"].jensen_shannon.mid < fits["far"].jensen_shannon.mid

    def test_only_sources_that_all_have(self):
        a = [Written(f"a{i}", f"p{i}") for i in range(40)]
        b = [Written(f"b{i}", f"p{i}") for i in range(5, 45)]
        kept = same_sources({"a": a, "b": b})
        assert [one.pair for one in kept["a"]] == [one.pair for one in kept["b"]]
        assert len(kept["a"]) == 35
        assert len(same_sources({"a": a[:9], "b": b})["b"]) == 40  # too few in common: all of each

    def test_refuses(self):
        many = [Written("some words")] * 12
        with pytest.raises(BadInput, match="g: 1 texts are too few"):
            compare_generators({"g": many[:1]}, many, {})
        with pytest.raises(BadInput, match="d: the held-out domain is empty"):
            compare_generators({"g": many}, many, {"d": ["..."]})


class TestStyleMatch:
    @staticmethod
    def points(slope: float, noise: float = 0.0) -> list[StylePoint]:
        rng = np.random.default_rng(1)
        return [
            StylePoint(g, 0.5, f"d{i}", i / 10, 0.1 * j + slope * i / 10 + noise * rng.normal())
            for j, g in enumerate(("a", "b", "c"))
            for i in range(8)
        ]

    def test_finds_the_slope_that_is_there_whatever_the_generators_levels(self):
        found = style_match(self.points(-0.5))
        assert found is not None
        assert found.slope.mid == pytest.approx(-0.5)
        assert found.excess.mid > 0
        assert found.sentence.startswith("Part of the gain is style match")
        turned = style_match(self.points(0.5))
        assert turned is not None
        assert turned.sentence.startswith("The gain is not one of style match")

    def test_noise_is_not_determined(self):
        found = style_match(self.points(0.0, noise=0.1))
        assert found is not None
        assert found.slope.low < 0 < found.slope.high
        assert "is not determined" in found.sentence
        assert style_match(self.points(1.0)[:1]) is None


class TestTokenizers:
    def test_a_tokenizer_of_other_text_costs_more(self, make_stories: Stories):
        real, other = make_stories(60), [text[::-1] for text in make_stories(60, first=100)]
        rows = compare_tokenizers({"real": real, "other": other}, {"d": make_stories(20, first=300)}, [320])
        one, two = rows
        assert (one.cost, one.trained_on, two.trained_on) == (None, "real", "other")
        assert two.cost is not None
        assert two.cost.low > 0
        assert two.tokens_per_byte.mid / one.tokens_per_byte.mid == pytest.approx(1 + two.cost.mid)
        assert two.bits_per_byte.mid > one.bits_per_byte.mid > 0
        with pytest.raises(BadInput, match="d: holds no text"):
            compare_tokenizers({"real": real}, {"d": [" "]}, [320])

    def test_ratio(self):
        found = ratio(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
        assert found.mid == 1
        assert found.low == 0.5
        assert found.high == 1.5


def test_generators_without_sources_are_compared_on_what_needs_none(make_stories: Stories) -> None:
    own = make_stories(40, words=60)
    texts = {"a": [Written(text) for text in own], "b": [Written(text.replace(" ", "x ")) for text in own]}
    held = {"held": make_stories(30, first=900, words=60)}
    rows = compare_generators(texts, [], held)
    assert [row.name for row in rows] == ["a", "b"]
    assert rows[0].domains[0].kl_test_train.mid < rows[1].domains[0].kl_test_train.mid
    assert compare_generators(texts, [], held, each=Shuffled().each) == rows
