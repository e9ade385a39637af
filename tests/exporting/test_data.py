"""The mixed data: token for token what the trainer sees, read back by other people's readers, resumed and refused."""

import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest

import synthmix
from synthmix.corpus import Corpus, Document, build_corpus, train_tokenizer
from synthmix.exporting import token_files
from synthmix.exporting.data import read_rows
from synthmix.exporting.schema import MANIFEST
from synthmix.mixture.manifest import Manifest, make_manifest
from synthmix.mixture.recipe import make_recipe
from synthmix.training.trainer import read_batch

CONTEXT, TOKENS = 16, 4_000
ROWS = TOKENS // CONTEXT
SHARES = {"web": Fraction(3, 5), "hq": Fraction(1, 5), "qa": Fraction(1, 5)}
TOKEN_FORMATS = ("megatron", "olmo", "datatrove")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory, make_stories: Callable[..., list[str]]) -> dict[str, Corpus]:
    """Three corpora of one tokenizer, in shards so small that sequences lie across them."""
    folder = tmp_path_factory.mktemp("corpora")
    tokenizer = train_tokenizer(make_stories(60), 300)
    made = {}
    for dialect, (name, count) in enumerate({"web": 60, "hq": 30, "qa": 30}.items()):
        texts = make_stories(count, dialect=dialect, words=40)
        documents = [Document(text=text, domain=name, key=f"{name}-{i}") for i, text in enumerate(texts)]
        made[name] = build_corpus(documents, folder / name, name=name, tokenizer=tokenizer, shard_tokens=999)
    return made


@pytest.fixture(scope="module")
def mixture(corpora: dict[str, Corpus]) -> dict[str, tuple[Corpus, Fraction]]:
    return {name: (corpora[name], share) for name, share in SHARES.items()}


def exported(mixture: Any, to: str, out: Path, **how: Any) -> Any:
    given = {"tokens": TOKENS, "context": CONTEXT, "seed": 3, "epochs": 2}
    return synthmix.export(mixture, to, out, **(given | how))


@pytest.fixture(scope="module")
def manifest(corpora: dict[str, Corpus]) -> Manifest:
    """What our own training resolves the same recipe, budget and seed to."""
    available = {name: len(corpus.train) for name, corpus in corpora.items()}
    return make_manifest(make_recipe("mixture", SHARES), ROWS, CONTEXT, available, seed=3, epochs=2)


@pytest.fixture(scope="module")
def seen(corpora: dict[str, Corpus], manifest: Manifest) -> np.ndarray:
    """The batches that our trainer reads, one after the other."""
    return read_batch(manifest, {name: corpus.train for name, corpus in corpora.items()}, 0, ROWS)


def test_rows_are_the_trainers_wherever_they_are_cut(corpora, manifest, seen) -> None:  # type: ignore[no-untyped-def]
    streams = {name: corpus.train for name, corpus in corpora.items()}
    for first, count in ((0, ROWS), (7, 1), (100, 37), (ROWS - 1, 1), (5, 0)):
        assert np.array_equal(read_rows(manifest, streams, first, count, np.int64), seen[first : first + count])


@pytest.mark.parametrize("to", TOKEN_FORMATS)
def test_token_files_are_token_for_token_what_the_trainer_sees(mixture, to, seen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = exported(mixture, to, tmp_path / "out")
    ids = [file for file in made.files if file.path.endswith((".bin", ".npy", ".ds"))]
    raw = np.concatenate([np.fromfile(tmp_path / "out" / file.path, dtype="<u2") for file in ids])
    assert np.array_equal(raw.reshape(-1, CONTEXT + 1), seen)
    assert made.complete
    assert [(source.name, source.rows) for source in made.sources] == [("web", 150), ("hq", 50), ("qa", 50)]


def test_megatron_reads_every_sequence(mixture, seen, megatron, tmp_path) -> None:  # type: ignore[no-untyped-def]
    exported(mixture, "megatron", tmp_path / "out")
    dataset = megatron("indexed_dataset").IndexedDataset(str(tmp_path / "out" / "mixture"), mmap=True)
    assert len(dataset) == ROWS
    assert all(np.array_equal(dataset[i], seen[i]) for i in range(ROWS))
    assert dataset.document_indices.tolist() == list(range(ROWS + 1))
    assert dataset.sequence_lengths.tolist() == [CONTEXT + 1] * ROWS


def test_megatron_takes_ids_beyond_16_bits_as_int32(megatron, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    form = token_files.TOKEN_FORMATS["megatron"]
    rows = np.arange(70_000, 70_000 + 5 * 9).reshape(5, 9)
    token_files.write_tokens(
        form, tmp_path / "wide.bin", lambda first, count: rows[first : first + count], first=0, count=5, width=9,
        dtype=form.dtype(100_000), end=0, tokenizer="", done=0, side=0, saved=lambda *_: None, told=lambda _: None,
    )  # fmt: skip
    dataset = megatron("indexed_dataset").IndexedDataset(str(tmp_path / "wide"), mmap=False)
    assert [dataset[i].tolist() for i in range(5)] == rows.tolist()


def test_olmo_core_reads_every_sequence(mixture, corpora, seen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    numpy_dataset = pytest.importorskip("olmo_core.data.numpy_dataset", reason="ai2-olmo-core is not installed")
    made = exported(mixture, "olmo", tmp_path / "out", shard_tokens=1_600)
    assert [file.path for file in made.files] == ["part-00000.npy", "part-00001.npy", "part-00002.npy"]
    dataset = numpy_dataset.NumpyFSLDataset(
        *(tmp_path / "out" / file.path for file in made.files), sequence_length=CONTEXT + 1, pad_token_id=0,
        eos_token_id=made.plan.end, vocab_size=made.plan.vocab, dtype=np.uint16,
    )  # fmt: skip
    assert len(dataset) == ROWS
    assert all(dataset[i]["input_ids"].tolist() == seen[i].tolist() for i in range(ROWS))


def test_datatrove_reads_every_sequence_and_where_documents_begin(mixture, seen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    dataset = pytest.importorskip("datatrove.utils.dataset", reason="datatrove is not installed")
    made = exported(mixture, "datatrove", tmp_path / "out", shard_tokens=2_400)
    folder = dataset.DatatroveFolderDataset(str(tmp_path / "out"), seq_len=CONTEXT, token_size=2, return_positions=True)
    assert len(folder) == ROWS
    by_token = dataset.DatatroveFolderDataset(
        str(tmp_path / "out"), seq_len=CONTEXT, token_size=2, return_positions=True,
        positions_from_eos_token_id=made.plan.end,
    )  # fmt: skip
    for i in range(ROWS):
        assert folder[i]["input_ids"].tolist() == seen[i].tolist()
        assert folder[i]["positions"].tolist() == by_token[i]["positions"].tolist()
    where, size = (tmp_path / "out" / "00000_mixture.ds.metadata").read_text().splitlines()[0].split("|")
    from transformers import AutoTokenizer

    assert (size, AutoTokenizer.from_pretrained(where).vocab_size) == ("2", 300)  # as nanotron reads it


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
def test_text_has_the_order_the_ids_and_exact_shares_at_every_prefix(mixture, manifest, seen, to, tmp_path) -> None:  # type: ignore[no-untyped-def]
    datasets = pytest.importorskip("datasets")
    made = exported(mixture, to, tmp_path / "out", shard_tokens=1_600)
    files = [str(tmp_path / "out" / file.path) for file in made.files]
    assert [file.rows for file in made.files] == [100, 100, 50]
    kind = "json" if to == "jsonl" else to
    rows = datasets.load_dataset(kind, data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert np.array_equal(np.array(rows["tokens"]), seen)
    assert rows["source"] == [manifest.sources[i] for i in manifest.order]
    assert rows["block"][:] == manifest.blocks.tolist()
    for name, share in SHARES.items():
        count = np.cumsum(np.array(rows["source"]) == name)
        assert np.all(abs(count - float(share) * np.arange(1, ROWS + 1)) < 1)
    tokenizer = mixture["web"][0].tokenizer()
    assert rows["text"][9] == tokenizer.decode(seen[9])


def test_whole_documents_hold_their_shares_to_within_the_longest(mixture, corpora, tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = exported(mixture, "parquet", tmp_path / "out", unit="document", tokens=5_000, shard_tokens=1_500, epochs=3)
    assert len(made.files) == 4
    rows = [row for file in made.files for row in pq.read_table(tmp_path / "out" / file.path).to_pylist()]
    texts = {name: set(corpus.texts()) for name, corpus in corpora.items()}
    assert all(row["text"] in texts[row["source"]] for row in rows)
    tokens = np.array([row["tokens"] for row in rows])
    longest = int(tokens.max())
    for name, share in SHARES.items():
        mine = np.cumsum(np.where([row["source"] == name for row in rows], tokens, 0))
        behind = float(share) * np.cumsum(tokens) - mine
        assert behind.min() >= -longest
        assert behind.max() <= 2 * longest
    assert 5_000 <= tokens.sum() < 5_000 + longest
    assert {source.name: source.rows for source in made.sources} == {
        name: sum(row["source"] == name for row in rows) for name in SHARES
    }


def test_the_manifest_has_every_files_checksum(mixture, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    made = exported(mixture, "datatrove", tmp_path / "out")
    written = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert [file["path"] for file in written["files"]] == [
        "00000_mixture.ds", "00000_mixture.ds.index", "00000_mixture.ds.metadata",
    ]  # fmt: skip
    for file in made.files:
        content = (tmp_path / "out" / file.path).read_bytes()
        assert hashlib.blake2b(content, digest_size=16).hexdigest() == file.blake2b
        assert len(content) == file.bytes


class Stopped(Exception):
    pass


@pytest.mark.parametrize("to", TOKEN_FORMATS)
def test_an_interrupted_export_goes_on_and_is_equal_byte_for_byte(  # type: ignore[no-untyped-def]
    mixture, to, tmp_path, monkeypatch
) -> None:
    exported(mixture, to, tmp_path / "whole", shard_tokens=2_400)
    monkeypatch.setattr(token_files, "CHUNK", 17 * 10)  # ten rows at a time,
    monkeypatch.setattr(token_files, "SAVE_EVERY", 17 * 2 * 30)  # made safe every thirty
    real, read = read_rows, []

    def stopping(manifest: Any, streams: Any, first: int, count: int, dtype: Any) -> np.ndarray:
        if first >= stop:
            raise Stopped
        read.append(first)
        return real(manifest, streams, first, count, dtype)

    monkeypatch.setattr("synthmix.exporting.data.read_rows", stopping)
    for stop in (50, 170, 10_000):
        if stop < ROWS:
            with pytest.raises(Stopped):
                exported(mixture, to, tmp_path / "broken", shard_tokens=2_400)
            assert not json.loads((tmp_path / "broken" / MANIFEST).read_text())["complete"]
    exported(mixture, to, tmp_path / "broken", shard_tokens=2_400)
    # 0 to 40, then from 30, which was safe; the first file is done at 150, so on from there after the second stop.
    assert read == [*range(0, 50, 10), *range(30, 170, 10), *range(150, ROWS, 10)]
    names = sorted(
        p.name for p in (tmp_path / "whole").iterdir() if p.suffix in (".bin", ".idx", ".npy", ".ds", ".index")
    )
    for name in names:
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "broken").glob("*.partial"))


def test_text_goes_on_at_the_file_that_was_not_whole(mixture, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for unit in ("sequence", "document"):
        whole = exported(mixture, "jsonl", tmp_path / f"whole-{unit}", unit=unit, shard_tokens=1_600)
        out = tmp_path / unit
        from synthmix.exporting import data

        real, written = data.write_rows, []

        def once(to: str, path: Path, batches: Any, *, first: int, real: Any = real, written: Any = written) -> Any:
            if len(written) == 1:
                written.append(None)
                raise Stopped
            written.append(path.name)
            return real(to, path, batches, first=first)

        with monkeypatch.context() as patch:
            patch.setattr(data, "write_rows", once)
            with pytest.raises(Stopped):
                exported(mixture, "jsonl", out, unit=unit, shard_tokens=1_600)
            made = exported(mixture, "jsonl", out, unit=unit, shard_tokens=1_600)
        assert written == ["part-00000.jsonl", None, "part-00001.jsonl", "part-00002.jsonl"]
        assert made.files == whole.files
        assert made.sources == whole.sources


def test_a_finished_export_is_left_alone_and_another_one_is_refused(mixture, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    made = exported(mixture, "olmo", out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != ".lock"}
    assert exported(mixture, "olmo", out) == made
    with pytest.raises(synthmix.BadInput, match=r"holds another export \(seed 3 there, 4 asked for\)"):
        exported(mixture, "olmo", out, seed=4)
    with pytest.raises(synthmix.BadInput, match=r"holds another export \(to olmo there, datatrove asked for\)"):
        exported(mixture, "datatrove", out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != ".lock"} == before
    (out / "part-00000.npy").write_bytes(b"cut")
    with pytest.raises(synthmix.BadInput, match=r"part-00000.npy: is missing or has another size"):
        exported(mixture, "olmo", out)


@pytest.mark.parametrize("unit", ["sequence", "document"])
def test_a_source_that_is_too_small_is_refused_unless_epochs_allow_it(mixture, unit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    halves = {name: (mixture[name][0], Fraction(1, 2)) for name in ("web", "hq")}
    tokens = 3 * len(halves["hq"][0].train)  # half of it is one and a half times what is there of one
    with pytest.raises(synthmix.BadInput, match=r"^hq: .*asked for.*1 epoch\(s\) allowed; .*--epochs"):
        exported(halves, "jsonl", tmp_path / "out", tokens=tokens, epochs=1, unit=unit)
    assert not (tmp_path / "out").exists()
    made = exported(halves, "jsonl", tmp_path / "out", tokens=tokens, epochs=8, unit=unit)
    assert {source.name: source.epochs for source in made.sources}["hq"] == pytest.approx(1.5, abs=0.1)


def test_a_folder_of_something_else_is_left_alone(mixture, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(synthmix.BadInput, match=r"holds other files \(and no manifest.json\)"):
        exported(mixture, "olmo", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_study_exports_what_its_runs_were_trained_on(finished: Path, tmp_path: Path) -> None:
    from synthmix.study.finished_study import read_study

    study = read_study(finished)
    record = next(each for each in study.records if each.spec.recipe == "50% sampled + web")
    spec = record.spec
    made = synthmix.export(finished, "olmo", tmp_path / "out", recipe=spec.recipe, tokens=spec.tokens, seed=spec.seed)
    streams = {name: study.corpus(record, name).train for name in spec.shares}
    available = {name: len(stream) for name, stream in streams.items()}
    context = spec.protocol.context
    trained = make_manifest(spec.mixture, spec.tokens // context, context, available, seed=spec.seed, epochs=8)
    raw = np.fromfile(tmp_path / "out" / made.files[0].path, dtype="<u2").reshape(-1, context + 1)  # type: ignore[union-attr]
    assert np.array_equal(raw, read_batch(trained, streams, 0, len(trained)))


def test_megatrons_own_samples_are_the_rows(mixture, seen, megatron, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """GPTDataset with ``sequence_length`` context + 1: shuffled, but every sample is a row."""
    exported(mixture, "megatron", tmp_path / "out")
    prefix = str(tmp_path / "out" / "mixture")

    class Ids:
        eod, pad, vocab_size = 0, -1, 300  # a padding id of the text would be masked
        unique_identifiers: ClassVar = {"ids": "made"}

    config = megatron("gpt_dataset").GPTDatasetConfig(
        random_seed=1, sequence_length=CONTEXT + 1, blend=([prefix], None), split="100,0,0", tokenizer=Ids(),
        path_to_cache=str(tmp_path / "cache"), reset_position_ids=False, reset_attention_mask=False,
        eod_mask_loss=False, create_attention_mask=False,
    )  # fmt: skip
    dataset = megatron("gpt_dataset").GPTDataset(
        megatron("indexed_dataset").IndexedDataset(prefix), prefix, np.arange(ROWS, dtype=np.int32), ROWS - 1,
        megatron("utils").Split.train, config,
    )  # fmt: skip
    samples = [dataset[i]["tokens"].tolist() for i in range(ROWS - 1)]  # the last has no token after it
    rows = seen.tolist()
    assert all(sample in rows for sample in samples)
    assert len({tuple(sample) for sample in samples}) == len({tuple(row) for row in rows}) - 1


def test_shares_that_change_along_the_run_keep_their_order(corpora, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from synthmix.exporting.mixture import Ingredient, Mixture
    from synthmix.exporting.weights import export_weights
    from synthmix.mixture.recipe import make_scheduled_recipe
    from synthmix.mixture.schedule import parse_schedule

    recipe = make_scheduled_recipe("late hq", {"web": "rest", "hq": parse_schedule("linear:0:60%")})
    parts = tuple(Ingredient(name, share, text=corpora[name]) for name, share in recipe.shares)
    mixture = Mixture(recipe, parts, "made")
    assert [w.code for w in export_weights(mixture, "json", tokens=9).warnings] == ["supply_unknown", "schedule"]
    exported(mixture, "jsonl", tmp_path / "rows")
    rows = [json.loads(line) for line in (tmp_path / "rows" / "part-00000.jsonl").read_text().splitlines()]
    late = np.cumsum([row["source"] == "hq" for row in rows])
    due = 0.6 * np.arange(1, ROWS + 1) ** 2 / (2 * ROWS)  # the integral of the share
    assert np.all(abs(late - due) < 1)
    exported(mixture, "jsonl", tmp_path / "documents", unit="document")
    rows = [json.loads(line) for line in (tmp_path / "documents" / "part-00000.jsonl").read_text().splitlines()]
    tokens = np.array([row["tokens"] for row in rows])
    mine = np.cumsum(np.where([row["source"] == "hq" for row in rows], tokens, 0))
    x = np.minimum(np.cumsum(tokens), TOKENS)
    assert np.all(abs(mine - 0.6 * x**2 / (2 * TOKENS)) <= 2 * tokens.max())


def test_the_command_takes_a_study_however_it_is_named(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from synthmix.cli import main

    folder = finished.parent / "tiny"
    said = []
    for name in (finished, folder, folder / "results.json"):
        with pytest.raises(SystemExit) as ended:
            main(["export", str(name), "--to", "megatron-blend", "--path", "web=/w", "--json"])
        assert ended.value.code == 0
        found = json.loads(capsys.readouterr().out)
        said.append(
            (found["text"], found["recipe"], found["tokens"], [source["supply"] for source in found["sources"]])
        )
    assert said[0] == said[1] == said[2]
    assert said[0][2] == 1_000_000  # its question
