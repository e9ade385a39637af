"""The page of generators compared, from made-up numbers."""

from pathlib import Path

from tests.page_outline import check_page

from synthmix.interval import Interval
from synthmix.report.generators import write_generators
from synthmix.statistics.generators import DomainFit, GeneratorRow
from synthmix.statistics.style import StylePoint, style_match

ONE = Interval(low=0.4, mid=0.5, high=0.6)


def test_the_page_stands_alone_and_shows_what_there_is(tmp_path: Path) -> None:
    fit = DomainFit("wiki <b>", ONE, ONE, ONE, ONE, ONE, None)
    rows = [GeneratorRow(name, 30, 1000, None, [fit]) for name in ("sources", "weak", "strong")]
    points = [
        StylePoint(name, share, f"d{i}", i / 10, -i / 20)
        for name in ("weak", "strong")
        for share in (1 / 3, 1.0)
        for i in range(5)
    ]
    path = tmp_path / "page.html"
    write_generators(path, rows, [], points, style_match(points), "Is bigger better here? No.")
    page = path.read_text()
    check_page("generators", page)
    assert "Is bigger better here? No." in page
    assert "style match" in page
    assert "wiki <b>" not in page
    assert "0.500<small>0.400 to 0.600</small>" in page
    write_generators(path, [], [], points, None, None)
    page = path.read_text()
    assert 'data-figure="fits"' not in page
    assert "weak, strong compared" in page
