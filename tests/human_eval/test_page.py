"""The page itself: offline, unbreakable by what it shows, and, where Chromium is, what its script does."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from synthmix.human_eval.agreement import agreement
from synthmix.human_eval.make import compose
from synthmix.human_eval.make import page as page_of
from synthmix.human_eval.ratings import load_ratings
from synthmix.human_eval.sheet import PROBLEMS, Drawn, Sheet, asked, key_path

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7*7 }} \u2028 & <b>bold</b>"
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


def evil_sheet() -> tuple[Sheet, str]:
    made = compose(
        [Drawn("hq", "a", EVIL, "s", "A person's text."), Drawn("hq", "b", "Two", "t", "2")], [], "pair", seed=0
    )
    return made.sheet, page_of(made)


def test_no_text_breaks_the_page() -> None:
    _, text = evil_sheet()
    tags = Tags(text).found
    assert [tag for tag, _ in tags].count("script") == 2
    assert not {"img", "iframe", "link"} & {tag for tag, _ in tags}
    data = json.loads(re.search(r'id="sheet">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert EVIL in [each for texts in data["items"].values() for each in texts]


def test_the_page_asks_nothing_of_the_network(sheet: tuple[Sheet, Path]) -> None:
    text = sheet[1].read_text(encoding="utf-8")
    for tag, attributes in Tags(text).found:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "srcset", "action"} & set(attributes)
    policy = next(a["content"] for t, a in Tags(text).found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    script = text.rsplit("<script>", 1)[1]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|innerHTML|eval\(", script)


@pytest.mark.parametrize("kind", ["pair", "apart", "single"])
def test_no_key_means_two_things(kind: Any) -> None:
    questions: list[Any] = asked(kind)
    keys = [choice["key"] for question in questions for choice in question["choices"]]
    keys += [problem.key for problem in PROBLEMS] + ["1", "2", "3", "4", "5", "n", "p", "u"]
    assert len(keys) == len(set(keys))


def run_in_chromium(page: str, script: str, folder: Path) -> Any:
    """Open ``page`` with ``script`` run at its end; what the script puts into ``window.said`` (JSON)."""
    assert CHROMIUM is not None
    report = "window.addEventListener('load', async () => { const out = document.createElement('pre'); out.id = 'said';"
    report += f"try {{ {script} }} catch (error) {{ window.said = String(error); }}"
    report += "out.textContent = JSON.stringify(window.said); document.body.append(out); });"
    path = folder / "driven.html"
    path.write_text(page.replace("</body>", f"<script>{report}</script></body>"), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--virtual-time-budget=3000", "--dump-dom", path.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="said">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert found is not None, ran.stderr[-2000:]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    return json.loads(text)


PRESS = """
const press = (keys) => keys.split("").forEach((key) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", { key: key === ">" ? "ArrowRight" : key, bubbles: true })));
let written = null;                                        // what a download would hold, without waiting for a disk
window.Blob = class extends Blob {
  constructor(parts, options) { super(parts, options); written = parts.join(""); }
};
URL.createObjectURL = () => "#";
const download = () => {
  document.getElementById("download").click();
  return JSON.parse(written);
};
const name = (who) => {
  const box = document.getElementById("rater");
  box.value = who;
  box.dispatchEvent(new Event("input"));
};
"""


LOAD = """
press("5z");
const whole = download(), at = document.getElementById("place").textContent;
const notice = () => document.getElementById("notice").textContent;
const load = async (text) => {
  HTMLInputElement.prototype.click = function () {           // a person would choose a file here
    Object.defineProperty(this, "files", { value: [{ text: async () => text }] });
    this.dispatchEvent(new Event("change"));
  };
  document.getElementById("load").click();
  for (let turn = 0; turn < 9; turn++) await null;         // the promises of the page are fulfilled meanwhile
  return notice();
};
const strange = await load("{}");
const other = await load(JSON.stringify({ format: "synthmix ratings 1", sheet: "0123", rater: "x", answers: {} }));
await load(JSON.stringify({ format: "synthmix ratings 1", sheet: "SHEET", rater: "Cy",
                            answers: { "2": { left: { quality: 2, problems: [] } } } }));
const loaded = download();
delete loaded.answers["2"].seconds;
Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
press("4");
window.said = { whole, at, strange, other, loaded, refused: notice() };
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
def test_rating_by_key_gives_a_file_that_the_agreement_reads(tmp_path: Path) -> None:
    key, page = evil_sheet()
    said = run_in_chromium(
        page,
        PRESS
        + """
        const before = download();
        press("42f");                                  // left 4, then right 2, then a problem of the right one
        press("az");
        document.getElementById("comment").value = "<\\/script>";
        document.getElementById("comment").dispatchEvent(new Event("input"));
        press("n5>3rr");                               // next item: 5, right 3, a problem set and taken back
        name("Ann / 1");
        const half = download();
        press("s"); press("x"); press("u");
        const kept = JSON.parse(localStorage.getItem(Object.keys(localStorage)[0]));
        window.said = { before, half, whole: download(), kept,
                        texts: Array.from(document.querySelectorAll(".body")).map((each) => each.textContent),
                        finished: document.getElementById("finished").textContent };
        """,
        tmp_path,
    )
    assert said["before"] is None, "no file without a name"
    assert EVIL in said["texts"] or "A person's text." in said["texts"] or "Two" in said["texts"]
    assert said["finished"] == "2"
    assert "better" not in said["half"]["answers"]["2"]
    answers = said["whole"]["answers"]
    one, two = ({k: v for k, v in answers[name].items() if k != "seconds"} for name in ("1", "2"))
    assert one == {
        "left": {"quality": 4, "problems": []},
        "right": {"quality": 2, "problems": ["facts"]},
        "better": "left",
        "person": "left",
        "comment": "</script>",
    }
    assert two == {
        "left": {"quality": 5, "problems": []},
        "right": {"quality": 3, "problems": []},
        "better": "same",
        "person": "unsure",
    }
    assert said["kept"]["rater"] == "Ann / 1"
    path = tmp_path / "ann.json"
    path.write_text(json.dumps(said["whole"]))
    assert load_ratings(key, [path])[0].answers["1"].right is not None
    key_path(tmp_path / "sheet.html").write_text(key.model_dump_json())
    found = agreement(key_path(tmp_path / "sheet.html"), [path])
    assert found.comments == [("1", "Ann / 1", "</script>")]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH")
def test_what_was_entered_is_there_again_and_a_single_text_has_one_side(tmp_path: Path) -> None:
    made = compose([Drawn("hq", str(i), f"Text {i}") for i in range(3)], [], "single", seed=0)
    page = page_of(made)
    store = f"synthmix-sheet-{made.sheet.id}"
    state = {
        "rater": "Bo",
        "at": 2,
        "answers": {"1": {"left": {"quality": 1, "problems": ["repeats"]}, "person": "model"}},
    }
    before = f"<script>localStorage.setItem({json.dumps(store)}, {json.dumps(json.dumps(state))});</script>"
    said = run_in_chromium(
        page.replace("<body", f"{before}<body", 1),
        PRESS + LOAD.replace("SHEET", made.sheet.id),
        tmp_path,
    )
    assert said["at"] == "3"
    assert said["whole"]["rater"] == "Bo"
    assert said["whole"]["answers"]["1"]["person"] == "model"
    assert said["whole"]["answers"]["3"]["left"]["quality"] == 5
    assert "right" not in said["whole"]["answers"]["3"]
    assert said["strange"] == "That is no file of ratings."
    assert said["other"] == "Those are ratings of another sheet (0123)."
    assert said["loaded"]["rater"] == "Cy"
    assert said["loaded"]["answers"] == {"2": {"left": {"quality": 2, "problems": []}}}
    assert said["refused"].startswith("This browser does not keep what you enter")
    path = tmp_path / "bo.json"
    path.write_text(json.dumps(said["whole"]))
    assert load_ratings(made.sheet, [path])[0].answers["3"].person == "person"
