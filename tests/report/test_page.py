import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tests.page_outline import check_page

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.report import write_report
from synthmix.report.html import embedded
from synthmix.report.page import render

pytestmark = pytest.mark.smoke

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Page(HTMLParser):
    """Tags with their attributes, balanced or not, and the text of every script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.scripts, self.text, self.ids = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif not self.open or self.open[-1] != "style":
            self.text.append(data)


def drawing(page):
    return json.loads(Page(page).scripts[0], parse_constant=lambda name: pytest.fail(name))


def test_the_page_is_whole_and_asks_nothing_of_the_network(make):
    text = render(make())
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base"}
        for name in ("src", "srcset", "action", "data"):
            assert name not in attributes
        if "href" in attributes:
            assert attributes["href"][1:] in page.ids
    style = re.search(r"<style>(.*?)</style>", text, re.S)[1]
    assert "url(" not in style
    assert "@import" not in style
    own = page.scripts[2]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(|WebSocket", own)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_page_has_these_words(make):
    check_page("report", render(make()))


def test_every_label_of_a_control_and_region(make):
    page = Page(render(make()))
    assert all(a.get("aria-label") for t, a in page.tags if a.get("role") in {"img", "region"})
    assert {a["href"] for t, a in page.tags if t == "a"} >= {"#answer", "#runs", "#limits"}


def test_names_are_escaped_everywhere(make):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    results = make({evil: (-0.24, 0.36)}, study=evil, averaging=evil, versions={evil: evil})
    text = render(results)
    page = Page(text)
    assert len(page.scripts) == 3
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert evil in "".join(page.text)
    shown = drawing(text)
    names = [t["name"] for views in shown["figures"].values() for v in views for t in v["data"] if "name" in t]
    labels = shown["figures"]["domains"][0]["layout"]["xaxis"]["ticktext"]
    assert names
    assert labels
    assert all("<" not in name for name in names)
    assert all("<script" not in x and "<img" not in x for x in labels)


def test_the_embedded_drawing_is_strict_json(make):
    results = make()
    runs = [r.model_copy(update={"losses": {**r.losses, "python": math.nan}}) for r in results.runs]
    shown = drawing(render(results.model_copy(update={"runs": runs})))
    assert set(shown["figures"]) == {
        "share",
        "loss-tokens",
        "loss-params",
        "domains",
        "statistics",
        "residuals",
        "profiles",
        "isoflop",
        "training",
    }
    assert set(shown["themes"]) == {"light", "dark"}
    assert set(shown["themes"]["light"]) == set(shown["themes"]["dark"])


def test_embedded_escapes_what_ends_a_script():
    value = {"</script>": [math.nan, math.inf, 1.5, "\u2028&<!--"]}
    text = embedded(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script>": [None, None, 1.5, "\u2028&<!--"]}


def test_every_result_is_on_the_page(make):
    results = make()
    text = "".join(Page(render(results)).text)
    for run in results.runs:
        assert run.id in text
    for warning in [*results.warnings, *(w for fit in results.fits for w in fit.warnings)]:
        assert warning.code in text
        assert warning.message in text
    for name in [d.name for d in results.domains] + [c.origin for c in results.corpora]:
        assert name in text
    assert "plain mean over the held-out domains" in text
    assert "0.43%" in text
    assert "1.917 to 2.007" in text


@pytest.mark.parametrize(
    "change",
    [
        {"decision": None},
        {"fits": []},
        {"curves": []},
        {"share_curves": []},
        {"statistics": []},
        {"corpora": [], "warnings": []},
        {"domains": []},
        {"decision": None, "fits": [], "curves": [], "share_curves": [], "statistics": []},
    ],
    ids=lambda change: "+".join(change),
)
def test_what_is_missing_is_said_and_breaks_nothing(make, change):
    page = Page(render(make(**change)))
    assert page.open == []
    text = "".join(page.text)
    assert "None" not in text.replace("None.", "")
    if change.get("fits") == []:
        assert "No law was fitted" in text
    if change.get("share_curves") == [] and "decision" in change:
        assert "No share curve could be fitted" in text


def test_one_recipe_one_size_and_no_replicates(make):
    results = make({}, sd=0, curves=[], share_curves=[], fits=[])
    single = results.model_copy(update={"runs": results.runs[:1]})
    text = "".join(Page(render(single)).text)
    assert "nothing to draw against" in text


def test_intervals_without_bounds_or_value(make):
    results = make()
    bare = Interval(mid=None, why="no law could be fitted")
    change = {"loss": Interval(mid=3.2), "new_run": bare, "difference": bare, "speedup": bare}
    rows = [row.model_copy(update=change) for row in results.decision.options]
    decision = results.decision.model_copy(update={"options": rows})
    text = "".join(Page(render(results.model_copy(update={"decision": decision}))).text)
    assert "no law could be fitted" in text
    assert "None" not in text.replace("None.", "")


def test_nothing_to_report_yet(make, tmp_path):
    with pytest.raises(BadInput, match="nothing to report yet"):
        write_report(make(runs=[]), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_the_same_results_give_the_same_bytes(make, tmp_path):
    first, second = (write_report(make(), tmp_path / name) for name in ("a", "b"))
    assert first == tmp_path / "a" / "report.html"
    for path in sorted((tmp_path / "a").rglob("*.*")):
        twin = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == twin.read_bytes(), path.name
    assert second.exists()
    assert not list(tmp_path.rglob(".*"))


def test_a_report_leaves_other_files_alone_and_replaces_its_own(make, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "mine.csv").write_text("kept")
    write_report(make(), tmp_path)
    write_report(make({}, share_curves=[]), tmp_path)
    assert (tmp_path / "tables" / "mine.csv").read_text() == "kept"
    assert (tmp_path / "tables" / "share_curves.csv").read_text().count("\n") == 1


def test_a_folder_that_is_a_file_is_bad_input(make, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="taken"):
        write_report(make(), tmp_path / "taken")


def test_importing_the_room_is_light():
    heavy = "plotly jinja2 pyarrow scipy numpy torch"
    code = f"import sys, synthmix.report; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
