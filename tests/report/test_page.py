import json
import math
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tests.page_outline import BROWSERS, QUIETLY, check_page

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.report import write_report, write_slide
from synthmix.report.by_domain import best_share_figure, best_share_table
from synthmix.report.html import embedded
from synthmix.report.page import render
from synthmix.report.warning_groups import grouped
from synthmix.results import Warn

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


def test_the_slide_has_these_words(make, tmp_path):
    check_page("slide", write_slide(make(), tmp_path).read_text())
    with pytest.raises(BadInput, match="nothing to report yet"):
        write_slide(make(runs=[]), tmp_path)


@pytest.mark.parametrize("many", [False, True], ids=["a few recipes", "two dozen recipes"])
def test_the_page_prints_on_two_sheets_and_the_slide_on_one(make, tmp_path, many):
    results = make(dict.fromkeys("abcdefgh", (-0.24, 0.36))) if many else make()
    assert printed(write_report(results, tmp_path)) == 2
    assert printed(write_slide(results, tmp_path)) == 1


def test_every_table_is_offered_with_all_its_digits(make, tmp_path):
    results = make()
    page = write_report(results, tmp_path).read_text()
    offered = drawing(page)["tables"]
    held = {path.stem: path.read_text() for path in (tmp_path / "tables").glob("*.csv")}
    filled = {name for name, text in held.items() if text.count("\n") > 1}
    assert filled <= offered.keys()
    assert all(offered[name] == held[name] for name in filled)
    buttons = {a["data-sheet"] for t, a in Page(page).tags if "data-sheet" in a}
    assert buttons == filled
    shown = {a["data-table"] for t, a in Page(page).tags if a.get("data-table")}
    assert {"options", "runs", "laws", "best_share_by"} <= shown <= offered.keys() | {"choices"}


def test_a_browser_downloads_tables_and_figures(make, tmp_path):
    """The page's own script makes them: what it hands to the browser is caught by a script put beside it."""
    caught = """<script>
    const head = (text) => { document.title += " " + text.split("\\n")[0]; };
    URL.createObjectURL = (blob) => { blob.text().then(head); return "#"; };
    Plotly.downloadImage = (figure, how) => { document.title += " " + how.format + how.filename + figure.data.length; };
    document.querySelector("[data-sheet=best_shares]").click();
    document.querySelector("[data-table=options] + .get button").click();
    document.querySelectorAll("[data-figure=share] [data-format]").forEach((each) => each.click());
    </script></body>"""
    file = write_report(make(), tmp_path)
    file.write_text(file.read_text().replace("</body>", caught))
    title = in_browser(file, "--dump-dom").stdout.split("<title>")[1].split("</title>")[0]
    assert "synthetic,params,tokens,best,best_low" in title
    assert "params,tokens,basis,recipe,kind" in title
    assert "svgdoes-rephrasing-help-share6" in title
    assert "pngdoes-rephrasing-help-share6" in title


def test_warnings_are_grouped_and_the_gravest_come_first(make):
    codes = ["law_choice", "not_fitted", "diverged", "few_decades", "no_replicates", "unfinished", "of_its_own"]
    warnings = [Warn(code=code, message=f"{code} of {i}") for code in codes for i in range(5)]
    results = make(warnings=warnings, fits=[])
    groups = grouped(results)
    first = ["unfinished", "diverged", "no_replicates", "few_decades", "of_its_own"]
    assert [group.code for group in groups] == [*first, "not_fitted", "law_choice"]
    assert [len(group.shown) + len(group.folded) for group in groups] == [5] * 7
    page = render(results)
    open_part = page[page.index('<section id="notes">') : page.index("2 more kinds of warning")]
    assert all(f"<code>{code}</code>" in open_part for code in first)
    assert "<code>not_fitted</code>" not in open_part


def test_best_shares_stand_by_domain_and_by_task_beside_the_average(make):
    results = make()
    table = best_share_table(results)
    assert {row[0] for row in table.rows} == {"average loss", *(d.name for d in results.domains)}
    row = next(row for row in table.rows if tuple(row[:2]) == ("python", "rephrase"))
    assert row[2].mid == row[4].mid == pytest.approx(0.3)
    views = best_share_figure(results).views
    assert [view.label.split(":")[0] for view in views] == ["measured", "question"]


def in_browser(file, *options):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here")
    profile = f"--user-data-dir={file.parent / 'profile'}"
    command = [browser, *QUIETLY, profile, *options, file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)


def printed(file):
    """The number of sheets that a page is printed on."""
    sheet = file.with_suffix(".pdf")
    in_browser(file, "--no-pdf-header-footer", f"--print-to-pdf={sheet}")
    return len(re.findall(rb"/Type\s*/Page\b", sheet.read_bytes()))


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
        "best-by",
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
