"""What did not fit, in one line."""

from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from synthmix.errors import BadInput
from synthmix.validation import Count, Share, misfit, validated


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    share: Share


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: Count
    parts: list[Inner] = []

    @model_validator(mode="after")
    def _even(self) -> "Outer":
        if self.tokens % 2:
            raise ValueError("odd")
        return self


def test_counts_and_shares_are_read_as_people_write_them() -> None:
    found = validated(Outer, {"tokens": "1.5M", "parts": [{"share": "1/3"}]}, where="a.json")
    assert (found.tokens, found.parts[0].share) == (1_500_000, Fraction(1, 3))
    assert found.model_dump(mode="json")["parts"] == [{"share": "1/3"}]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ({"tokens": "x"}, "a.json: tokens: is damaged ('x' is not a count; write 250000, 250k or 1.5M); make it again"),
        ({"tokens": 3}, "a.json: is damaged (odd); make it again"),
        ({"tokens": 2, "parts": [{"share": 2}]}, "a.json: parts.0.share: is damaged (2 is not between 0 and 1); make"),
        ({"tokns": 2}, "a.json: tokns: is damaged (unknown key); make it again"),
        ([], "a.json: is damaged (Input should be a valid dictionary"),
    ],
)
def test_the_first_thing_to_mend_is_named_with_its_key(raw: object, line: str) -> None:
    with pytest.raises(BadInput) as caught:
        validated(Outer, raw, where=Path("a.json"), problem="is damaged", remedy="make it again")
    assert str(caught.value).startswith(line)


def test_without_a_verdict_only_what_did_not_fit_is_said() -> None:
    with pytest.raises(BadInput, match=r"^a\.md: odd$"):
        validated(Outer, {"tokens": 3}, where="a.md")


def test_an_unknown_key_comes_before_the_missing_one_that_it_was_meant_for() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"tokns": 2})
    assert (misfit(caught.value).key, misfit(caught.value).kind) == ("tokns", "extra_forbidden")
