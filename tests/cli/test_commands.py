"""Each stage alone, on tiny files: one JSON object on stdout, nothing else anywhere under --quiet."""

import json
import math
import os
import signal
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import synthmix.study.run  # noqa: F401 - before load_study is patched, which it would keep
from synthmix.corpus import Corpus, load_tokenizer
from synthmix.mixture.manifest import make_manifest
from synthmix.mixture.recipe import make_recipe
from synthmix.store import Store
from synthmix.training.trainer import read_batch

from .conftest import Ran

pytestmark = pytest.mark.smoke

Run = Callable[..., Ran]
QUIET = ("--json", "--quiet")


def built(run: Run, source: Path, to: str, *options: str | Path) -> Any:
    ran = run("corpus", "build", source, "--to", to, "--vocab", "300", *options, *QUIET)
    assert ran.err == ""
    return ran.value


def test_corpus_build_and_show(run: Run, here: Path, data: Path) -> None:
    value = built(run, data / "web.jsonl", "web", "--heldout", "10%", "--origin", "made up", "--license", "CC0-1.0")
    corpus = Corpus.open(here / "web")
    assert value["id"] == corpus.id
    assert value["train"]["web"]["documents"] + value["heldout_counts"]["web"]["documents"] == 400
    assert (corpus.meta.origin, corpus.meta.license, corpus.meta.kind) == ("made up", "CC0-1.0", "natural")
    shown = run("corpus", "show", "web", "--verify", "--json")
    assert shown.value == corpus.meta.model_dump(mode="json")
    text = run("corpus", "show", "web", "--documents", "1").out
    assert next(corpus.texts(limit=1)) in text


def test_corpus_build_against_another_and_with_its_tokenizer(run: Run, here: Path, data: Path) -> None:
    built(run, data / "other.jsonl", "other", "--heldout", "1")
    value = built(run, data / "web.jsonl", "web", "--against", "other", "--synthetic")
    assert value["kind"] == "synthetic"
    assert value["against"] == [Corpus.open(here / "other").id]
    assert value["tokenizer_hash"] == Corpus.open(here / "other").meta.tokenizer_hash


def test_corpus_build_keeps_only_where(run: Run, here: Path, make_stories: Callable[..., list[str]]) -> None:
    lines = [{"text": text, "source": "human" if i % 2 else "model"} for i, text in enumerate(make_stories(40))]
    (here / "mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    value = built(run, here / "mixed.jsonl", "human", "--where", "source=human")
    assert value["train"]["human"]["documents"] == 20


def test_corpus_sample_of_one_domain(run: Run, here: Path) -> None:
    value = run("corpus", "sample", "--to", "sample", "--domain", "python-reference", *QUIET).value
    assert value["folder"] == "sample"
    assert any(path.name.startswith("python-reference") for path in (here / "sample").iterdir())


def test_mix_is_exact_and_writes_the_order(run: Run, here: Path, data: Path) -> None:
    ran = run(
        "mix", f"2/3:web={data / 'web.jsonl'}", f"1/3:hq={data / 'hq.jsonl'}",
        "--tokens", "9600", "--context", "32", "--vocab", "300", "--to", "order.parquet", *QUIET,
    )  # fmt: skip
    assert ran.err == ""
    assert ran.value["counts"] == {"web": 200, "hq": 100}
    assert ran.value["tokens"] == 9600
    assert ran.value["manifest"] == "order.parquet"
    rows = pq.read_table(here / "order.parquet").to_pydict()
    order = rows["source"]
    corpora = {name: Corpus.open(Path(folder)) for name, folder in ran.value["corpora"].items()}
    available = {name: len(corpus.train) for name, corpus in corpora.items()}
    recipe = make_recipe("mixture", {"web": Fraction(2, 3), "hq": Fraction(1, 3)})
    made = make_manifest(recipe, 300, 32, available, seed=0)
    trained_on = read_batch(made, {name: corpus.train for name, corpus in corpora.items()}, 0, 300)
    for row, (source, block) in enumerate(zip(rows["source"], rows["block"], strict=True)):
        tokens = corpora[source].train.read(block * 32, (block + 1) * 32 + 1)
        assert tokens.tolist() == trained_on[row].tolist(), "as docs/guides/export.md says that a block maps to tokens"
    assert [order[:n].count("hq") for n in (3, 30, 300)] == [1, 10, 100]
    text = run("mix", data / "web.jsonl", "--tokens", "3200", "--context", "32", "--vocab", "300", "--quiet")
    assert text.code == 0
    assert "web" in text.out
    assert "100%" in text.out


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """A train command's arguments and its folder."""
    folder = tmp_path_factory.mktemp("trained")
    arguments = [
        "train", f"50%:web={data / 'web.jsonl'}", f"50%:hq={data / 'hq.jsonl'}",
        "--on", f"other={data / 'other.jsonl'}", "--params", "25k", "--tokens", "5120", "--context", "16",
        "--batch", "256", "--vocab", "300", "--threads", "1", "--to", str(folder / "runs"),
        "--cache", str(folder / "cache"),
    ]  # fmt: skip
    return arguments, folder


def test_train_writes_a_run_and_does_not_repeat_it(run: Run, trained: tuple[list[str], Path]) -> None:
    arguments, folder = trained
    ran = run(*arguments, *QUIET)
    assert ran.err == ""
    value = ran.value
    record = Store(folder / "runs").record(value["id"])
    assert record is not None
    assert record.spec.shares == {"web": Fraction(1, 2), "hq": Fraction(1, 2)}
    assert value["loss"] == record.losses["other"].nats
    assert 0 < value["loss"] < math.log(300)
    written = (folder / "runs" / value["id"] / "record.json").stat()
    again = run(*arguments, *QUIET)
    assert again.value == value
    assert (folder / "runs" / value["id"] / "record.json").stat().st_ino == written.st_ino
    text = run(*arguments, "--quiet").out
    assert "nats/token" in text
    assert "bits/byte" in text


def test_evaluate_gives_the_run_s_own_loss(run: Run, trained: tuple[list[str], Path], data: Path) -> None:
    arguments, folder = trained
    value = run(*arguments, *QUIET).value
    ran = run(
        "evaluate", value["folder"], "--on", f"other={data / 'other.jsonl'}", "--on", f"web={data / 'web.jsonl'}",
        "--context", "16", "--cache", folder / "cache", *QUIET,
    )  # fmt: skip
    assert ran.err == ""
    assert ran.value["domains"]["other"]["nats"] == pytest.approx(value["loss.other"], rel=0.01)  # bf16 or float32
    assert ran.value["loss"] == pytest.approx(sum(d["nats"] for d in ran.value["domains"].values()) / 2)
    few = run(
        "evaluate", value["folder"], "--on", data / "other.jsonl", "--context", "16", "--max-tokens", "320",
        "--cache", folder / "cache", *QUIET,
    )  # fmt: skip
    assert few.value["domains"]["other"]["tokens"] == 320
    assert load_tokenizer(Path(value["folder"]) / "checkpoint").vocab_size == 300


def test_train_without_held_out_text_holds_some_out(run: Run, here: Path, data: Path) -> None:
    value = run(
        "train", data / "web.jsonl", "--params", "25k", "--tokens", "2560", "--context", "16", "--batch", "256",
        "--vocab", "300", "--threads", "1", *QUIET,
    ).value  # fmt: skip
    assert set(value) >= {"loss.web", "bits.web"}
    assert (here / "runs" / value["id"] / "record.json").exists()


def test_fit_reads_a_table(run: Run, here: Path) -> None:
    rows = [
        (n, d, 1.8 + 400 * n**-0.34 + 1000 * d**-0.3) for n in (1e6, 3e6, 1e7, 3e7, 1e8) for d in (1e7, 1e8, 1e9, 1e10)
    ]
    lines = ["params,tokens,val_loss", *(f"{n},{d},{loss}" for n, d, loss in rows)]
    (here / "runs.csv").write_text("\n".join(lines))
    ran = run(
        "fit", "runs.csv", "--law", "chinchilla", "--columns", "N=params,D=tokens,loss=val_loss",
        "--bootstrap", "0", "--to", "fit.json", "--json",
    )  # fmt: skip
    assert ran.value["parameters"]["E"] == pytest.approx(1.8, rel=0.01)
    assert ran.value["parameters"]["alpha"] == pytest.approx(0.34, rel=0.02)
    assert (here / "fit.json").exists()


def test_fit_reads_a_study(run: Run, finished: Path) -> None:
    ran = run("fit", finished.parent / "tiny", "--law", "data", "--recipe", "web", "--bootstrap", "0", "--json")
    assert ran.value["law"] == "data"


def test_report_renders_from_the_results_alone(run: Run, here: Path, finished: Path) -> None:
    (here / "results.json").write_text((finished.parent / "tiny" / "results.json").read_text())
    ran = run("report", "results.json", "--to", "public", "--json")
    assert ran.err == ""
    assert ran.value["report"] == str(here / "public" / "report.html")
    assert (here / "public" / "report.html").read_text() == (finished.parent / "tiny" / "report.html").read_text()
    assert ran.value["headline"] in run("report", here).out


def test_the_study_commands(run: Run, finished: Path) -> None:
    status = run("study", "status", finished, "--json")
    assert (status.err, status.value["done"], status.value["runs"]) == ("", 21, 21)
    assert "21 of 21 runs done" in run("study", "status", finished).out
    plan = run("study", "plan", finished, "--json", "--check", "0.1")
    assert (plan.err, plan.value["done"], plan.value["seconds_left"]) == ("", 21, 0)
    assert "21 runs, 21 done" in run("study", "plan", finished, "--quiet", "--check", "0").out
    report = run("study", "report", finished, "--json")
    assert report.err == ""
    assert report.value["report"].endswith("report.html")
    assert len(report.value["results"]["runs"]) == 21


def test_progress_goes_to_stderr_and_the_result_to_stdout(run: Run, here: Path, data: Path) -> None:
    ran = run("mix", data / "web.jsonl", "--tokens", "3200", "--context", "32", "--vocab", "300", "--json")
    assert ran.value["tokens"] == 3200
    assert "corpus web" in ran.err


def test_debug_shows_the_traceback_after_which_the_line_stands(run: Run, here: Path) -> None:
    ran = run("study", "run", "none.yaml", "--debug")
    assert ran.code == 2
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1] == "synthmix: none.yaml: no such study file"


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_one_line_and_128_more(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    ended = []

    def struck(_: object) -> None:
        try:
            os.kill(os.getpid(), getattr(signal, name))
            time.sleep(60)
        finally:
            ended.append(name)

    # As in a process of its own: libraries that other tests load leave handlers of theirs.
    before = signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        monkeypatch.setattr("synthmix.study.load.load_study", struck)
        ran = run("study", "run", "any.yaml")
        assert (ran.code, ran.err) == (code, f"synthmix: ended by {name}; the same command resumes\n")
        assert ended == [name], "what is open is closed on the way"
        assert signal.getsignal(getattr(signal, name)) == signal.SIG_DFL
    finally:
        signal.signal(getattr(signal, name), signal.SIG_DFL if before is None else before)


def test_a_signal_that_is_ignored_stays_ignored(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As below ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr("synthmix.study.load.load_study", lambda _: os.kill(os.getpid(), signal.SIGHUP))
        assert "ended by" not in run("study", "run", "any.yaml").err
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_is_one_line_and_130(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("synthmix.study.load.load_study", interrupted)
    ran = run("study", "run", "any.yaml")
    assert (ran.code, ran.err) == (130, "synthmix: interrupted; the same command resumes\n")


def test_a_bug_is_one_line_that_asks_for_a_report(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("synthmix.study.load.load_study", broken)
    ran = run("study", "run", "any.yaml")
    assert ran.code == 1
    assert ran.err == (
        "synthmix: internal error (ZeroDivisionError: division by zero); run with --debug and report it\n"
    )


def test_a_law_without_a_share_says_that_it_mixes_recipes(run: Run, here: Path) -> None:
    rows = [f"{recipe},{10 ** (6 + i)},{10 ** (8 + i)},{4 - i}" for recipe in "ab" for i in range(4)]
    (here / "runs.csv").write_text("\n".join(["recipe,N,D,loss", *rows]) + "\n")
    mixed = run("fit", "runs.csv", "--law", "data", "--bootstrap", "0", "--json").value
    assert "recipes_mixed" in [warning["code"] for warning in mixed["warnings"]]
    alone = run("fit", "runs.csv", "--law", "data", "--recipe", "a", "--bootstrap", "0", "--json").value
    assert "recipes_mixed" not in [warning["code"] for warning in alone["warnings"]]


def test_a_study_is_where_its_file_says_wherever_it_is_asked_from(
    run: Run, finished: Path, make_study: Callable[..., dict[str, Any]], save_study: Callable[..., Path], here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A relative folder counts from the study file, ``~`` is the home folder, links are followed."""
    (here / "mine").mkdir()
    (here / "away").mkdir()
    (here / "mine" / "out").symlink_to(finished.parent / "tiny")
    monkeypatch.setenv("HOME", str(here))
    for folder in ("out", "~/mine/out", str(here / "mine" / "out")):
        raw = make_study(Path(folder))
        save_study(here / "mine" / "study.yaml", raw)
        for place, asked in [("mine", "study.yaml"), ("away", "../mine/study.yaml"), ("away", "~/mine/study.yaml")]:
            monkeypatch.chdir(here / place)
            assert "21 of 21 runs done" in run("study", "status", asked).out, (folder, place)
    assert not list((here / "away").iterdir())


def test_where_on_the_command_line_keeps_numbers_and_texts(run: Run, here: Path) -> None:
    records = [{"n": 3}, {"n": "3"}, {"n": 3.0}, {"n": True}, {"n": 4}, {"n": None}, {}]
    lines = [json.dumps({"text": f"document {i} has words", **record}) for i, record in enumerate(records)]
    (here / "a.jsonl").write_text("\n".join(lines))
    for value, kept in [("3", 3), ("true", 1), ("null", 1), ("4.0", 1)]:
        build = ("corpus", "build", "a.jsonl", "--to", "c", "--vocab", "300", "--json", "-q")
        assert run(*build, "--where", f"n={value}").value["train"]["c"]["documents"] == kept, value


def test_home_is_found_where_no_shell_looks(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    (here / "a.jsonl").write_text('{"text": "be good"}\n{"text": "or be quiet"}\n')
    ran = run("corpus", "build", "~/*.jsonl", "--to=~/link", "--vocab", "300", "--json", "-q")
    assert (ran.value["name"], ran.value["train"]["link"]["documents"]) == ("link", 2)
    assert (here / "link").is_symlink()
    assert (here / "real" / "corpus.json").exists()
    mixed = run(
        "mix", "50%:x=~/link", "50%:y=~/a.jsonl", "--tokens", "6", "--context", "2", "--epochs", "9", "--json", "-q"
    )
    assert mixed.code == 0, mixed.err
