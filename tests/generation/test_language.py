import pytest

from synthmix.generation.language import accepted, languages

LANGUAGES = {
    "en": "The ladder was put up against the wall of the house, and it was said that they would not have been able to.",
    "de": "Die Leiter wurde an die Wand des Hauses gestellt, und es hieß, dass sie nicht auf das Dach kamen, weil es"
    " zu hoch ist.",
    "fr": "L'échelle était posée contre le mur de la maison et on disait qu'ils ne pouvaient pas monter sur le toit"
    " sans elle, car il est trop haut.",
    "es": "La escalera estaba puesta contra la pared de la casa y se decía que no podían subir al techo sin ella"
    " porque es muy alto.",
    "it": "La scala era appoggiata al muro della casa e si diceva che non potevano salire sul tetto senza di essa"
    " perché è troppo alto.",
    "pt": "A escada estava encostada à parede da casa e dizia-se que não podiam subir ao telhado sem ela porque é"
    " muito alto para os meninos.",
    "nl": "De ladder werd tegen de muur van het huis gezet en er werd gezegd dat ze zonder de ladder niet op het dak"
    " konden komen.",
    "sv": "Stegen ställdes mot husets vägg och det sades att de inte skulle kunna komma upp på taket utan den, för"
    " att det är för högt.",
    "pl": "Drabina została postawiona przy ścianie domu i mówiono, że nie mogą bez niej wejść na dach, bo jest za"
    " wysoki dla nich, a to nie było dobre.",
    "Cyrillic": "Лестница была приставлена к стене дома, и говорили, что без неё они не смогут подняться на крышу.",
    "CJK": "梯子靠在房子的墙上。据说没有梯子他们就上不了屋顶。因为屋顶对他们来说太高了。",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_are_told_apart(language: str) -> None:
    [found] = languages([LANGUAGES[language]])
    assert {found} <= accepted(language)


def test_what_has_no_language_is_unknown() -> None:
    texts = ["Too short to tell.", "x = 3; y = 4; " * 20, "", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 30]
    assert languages(texts) == [None] * 4
    assert languages([]) == []


def test_texts_that_are_no_clean_utf_8_are_no_error() -> None:
    texts = [f"{bad}{LANGUAGES['en']}" for bad in ("\x00", "\x01\x02\x7f", "\ufffe", "\ud800", "\U000e0001")]
    assert languages(texts) == ["en"] * 5


def test_relatives_that_are_written_alike_are_one_language() -> None:
    norwegian = (
        "Stigen ble satt mot veggen av huset, og det ble sagt at de ikke ville ha kommet opp på taket uten den,"
        " fordi det er altfor høyt for dem."
    )
    assert languages([norwegian]) == ["da"]
    assert accepted("no") == accepted("da")
