"""One folder of runs: their records, their locks, and SQL over them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.errors import BadInput
from synthmix.files import disk_errors, read_digested, read_json, write_json
from synthmix.locking import lock
from synthmix.store.records import FORMAT, RunRecord, TrunkRecord, flat
from synthmix.validation import validated

if TYPE_CHECKING:
    import pyarrow as pa


class Store:
    """The runs of one study folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run_folder(self, run: str) -> Path:
        """Folder of the run with id ``run``."""
        return self.folder / run

    def checkpoint(self, run: str) -> Path:
        """Folder of the run's finished model."""
        return self.folder / run / "checkpoint"

    def trunk_folder(self, trunk: str) -> Path:
        """Folder of the trunk with id ``trunk``."""
        return self.folder / f"trunk-{trunk}"

    def progress(self, run: str) -> dict[str, Any] | None:
        """How far a run in work is (a trunk: by its folder's name): ``tokens``, ``of`` and its training ``loss``.

        None: not begun, finished, or the file is being replaced this very moment.
        """
        try:
            told = json.loads((self.run_folder(run) / "progress.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return told if isinstance(told, dict) and "tokens" in told else None

    def record(self, run: str) -> RunRecord | None:
        """The finished run, or None.

        Raises:
            BadInput: the record is damaged, of a later version of synthmix, or of another run.
        """
        path = self.folder / run / "record.json"
        if not path.exists():
            return None
        raw, digested = read_digested(path)
        if isinstance(raw, dict) and isinstance(made := raw.get("format"), int) and made > FORMAT:
            problem = f"{made} is of a later synthmix than this one"
            raise BadInput(problem, where=path, key="format", remedy="install that, or run the study in another folder")
        record = validated(RunRecord, raw, where=path, problem="is damaged", remedy=_again(path))
        record.keep_digested(digested)
        if record.id != run or record.spec.id != run:
            raise BadInput("is the record of another run", where=path, key="id", remedy=_again(path))
        return record

    def records(self) -> list[RunRecord]:
        """All finished runs, by id."""
        found = sorted(path.parent.name for path in self.folder.glob("*/record.json"))
        return [record for run in found if (record := self.record(run))]

    def write(self, record: RunRecord) -> None:
        """Write a finished run, atomically."""
        write_json(self.folder / record.id / "record.json", record.model_dump(mode="json"), digest=True)

    def trunk_record(self, trunk: str) -> TrunkRecord | None:
        """What the trunk has taken so far, or None before it is trained to its end.

        Raises:
            BadInput: the record is damaged.
        """
        path = self.trunk_folder(trunk) / "trunk.json"
        if not path.exists():
            return None
        return validated(TrunkRecord, read_json(path), where=path, problem="is damaged", remedy=_again(path))

    def write_trunk(self, record: TrunkRecord) -> None:
        """Write a trained trunk, atomically; a record that reaches further stays."""
        before = self.trunk_record(record.id)
        if before is None or before.tokens < record.tokens:
            write_json(self.trunk_folder(record.id) / "trunk.json", record.model_dump(mode="json"), digest=True)

    @contextmanager
    def claim(self, run: str) -> Iterator[bool]:
        """Yield True while this process alone works on ``run``, False when another has it.

        The lock is the operating system's: it goes with its process, also after ``kill -9``.
        """
        from filelock import Timeout

        path = self.folder / run / ".lock"
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            held = lock(path)
            try:
                held.acquire(blocking=False)
            except Timeout:
                yield False
                return
        try:
            yield True
        finally:
            held.release()

    def table(self) -> "pa.Table":
        """The finished runs as a flat table, a row a run: ``loss.<domain>``, ``bits.<domain>``, ``task.<name>``."""
        import pyarrow as pa

        rows = [flat(record) for record in self.records()]
        columns = dict.fromkeys(name for row in rows for name in row)  # recipes and domains differ between runs
        return pa.table({name: [row.get(name) for row in rows] for name in columns})

    def query(self, sql: str) -> "pa.Table":
        """Answer one SQL query (a SELECT) over the table ``runs`` (DuckDB), as an Arrow table.

        The query sees this table and nothing else: no file, no address, no extension, no variable of the program; it
        writes nothing, and its settings are locked.

        Raises:
            BadInput: no run is finished, it is not one SELECT, DuckDB cannot answer it or is not installed.
        """
        try:
            import duckdb
        except ImportError:
            raise BadInput("DuckDB is not installed", key="sql", remedy='run pip install "synthmix[sql]"') from None

        runs = self.table()
        if not runs.num_rows:
            raise BadInput("no run is finished yet", where=self.folder)
        with duckdb.connect(config=_ONLY_MEMORY) as connection:
            connection.register("runs", runs)
            connection.execute("SET lock_configuration = true")
            try:
                statements = connection.extract_statements(sql)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise BadInput("is not one SELECT", key="sql", remedy="write SELECT ... FROM runs")
                return connection.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                raise BadInput(str(error), key="sql", remedy=f"columns: {', '.join(runs.column_names)}") from None


# No file is read or written (a large query is not spilled to disk either), nothing is fetched, installed or loaded, and
# no variable of the calling program is taken for a table.
_ONLY_MEMORY: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


def _again(path: Path) -> str:
    return f"delete {path} and run the same command again"
