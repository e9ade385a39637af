from synthmix.results import Statistic
from synthmix.study.diagnostics import unseen_warnings


def statistic(recipe: str, domain: str, mass: float) -> Statistic:
    return Statistic(
        recipe=recipe,
        domain=domain,
        coverage_mass=mass,
        coverage_types=0.9,
        kl_test_train=0.5,
        smoothing="additive",
        train_tokens=1000,
        test_tokens=100,
    )


def test_tokens_that_one_side_never_saw_are_said_aloud() -> None:
    found = unseen_warnings(
        [
            statistic("human", "web", 0.970),
            statistic("mixed", "web", 0.999),
            statistic("human", "wiki", 0.9990),
            statistic("mixed", "wiki", 0.9985),
        ],
        "human",
    )
    assert [(each.code, each.about) for each in found] == [("unseen_tokens", "web")]
    assert "3.00% of the tokens of 'web' never occur in the text of human, and 0.10% in another's" in found[0].message


def test_a_mixture_may_be_the_one_that_never_saw_them() -> None:
    found = unseen_warnings([statistic("human", "web", 0.999), statistic("mixed", "web", 0.98)], "human")
    assert "2.00% of the tokens of 'web' never occur in the text of a mixture" in found[0].message


def test_both_the_same_is_no_warning() -> None:
    assert unseen_warnings([statistic("human", "web", 0.97), statistic("mixed", "web", 0.97)], "human") == []
    assert unseen_warnings([statistic("human", "web", 0.97)], "human") == []
