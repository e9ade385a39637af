import pickle

import pytest

from synthmix.errors import BadInput, Failure, SynthmixError

pytestmark = pytest.mark.smoke


def test_the_message_is_one_line_of_place_key_problem_and_remedy() -> None:
    error = BadInput("is\nmissing", where="study.yaml", key="mix.natural", remedy="add it")
    assert str(error) == "study.yaml: mix.natural: is missing; add it"
    assert str(Failure("the disk is full")) == "the disk is full"


def test_bad_input_exits_with_2_and_a_failure_with_1() -> None:
    assert (BadInput("x").exit_code, Failure("x").exit_code) == (2, 1)
    assert issubclass(BadInput, SynthmixError)
    assert not issubclass(BadInput, Failure)


@pytest.mark.parametrize("kind", [BadInput, Failure])
def test_an_error_survives_the_way_back_from_a_worker(kind: type[SynthmixError]) -> None:
    error = kind("p", where="w", key="k", remedy="r")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - what multiprocessing does with it
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.where, again.key, again.remedy) == ("w", "k", "r")
