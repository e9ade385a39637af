"""Run records: content-hashed ids, written atomically and last, one query surface.

runs/<id>/progress.json       how far a run in work is (for people looking on; may be stale)
runs/<id>/state.safetensors   the middle of a run, from which it resumes
runs/<id>/checkpoint/         the finished model, as transformers loads it
runs/<id>/record.json         the finished run; there is none before all else is there
runs/trunk-<id>/              what runs that differ in budget alone share: its states at the branch points, trunk.json
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from synthmix.errors import BadInput
from synthmix.evaluation.harness_score import TaskScore
from synthmix.files import disk_errors, read_json, write_json
from synthmix.training.spec import RunSpec
from synthmix.validation import validated

if TYPE_CHECKING:
    import pyarrow as pa


class DomainScore(BaseModel):
    """Loss on one held-out domain; ``corpus`` is the content id of the held-out text."""

    model_config = ConfigDict(extra="forbid")

    corpus: str
    nats: float
    bits_per_byte: float
    tokens: int


class RunRecord(BaseModel):
    """A finished run: what it was, what it gave, what it cost. Losses in nats per token; ``seconds`` of training.

    ``began``: steps that a trunk had trained for it; they are not in ``seconds``, and ``own_tokens`` leaves them out.
    ``tasks``: scores that ``synthmix evaluate --harness`` added later; they are no part of the run's id.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = 1
    id: str
    spec: RunSpec
    params: int
    params_total: int
    tokens: int
    flops: float
    seconds: float
    epochs: dict[str, float]
    trace: list[tuple[int, float]]
    precision: str
    device: str
    versions: dict[str, str]
    losses: dict[str, DomainScore]
    began: int = 0
    tasks: dict[str, TaskScore] = {}

    @property
    def own_tokens(self) -> int:
        """Tokens trained for this run alone."""
        return self.tokens - self.began * self.spec.protocol.batch


class TrunkRecord(BaseModel):
    """What a trunk has cost so far, in all sessions together."""

    model_config = ConfigDict(extra="forbid")

    format: int = 1
    id: str
    recipe: str
    params: int
    seed: int
    tokens: int
    flops: float
    seconds: float


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

    def record(self, run: str) -> RunRecord | None:
        """The finished run, or None.

        Raises:
            BadInput: the record is damaged, or is of another run.
        """
        path = self.folder / run / "record.json"
        if not path.exists():
            return None
        again = f"delete {path} and run the same command again"
        record = validated(RunRecord, read_json(path), where=path, problem="is damaged", remedy=again)
        if record.id != run or record.spec.id != run:
            raise BadInput("is the record of another run", where=path, key="id", remedy=again)
        return record

    def records(self) -> list[RunRecord]:
        """All finished runs, by id."""
        found = sorted(path.parent.name for path in self.folder.glob("*/record.json"))
        return [record for run in found if (record := self.record(run))]

    def write(self, record: RunRecord) -> None:
        """Write a finished run, atomically."""
        write_json(self.folder / record.id / "record.json", record.model_dump(mode="json"))

    @contextmanager
    def claim(self, run: str) -> Iterator[bool]:
        """Yield True while this process alone works on ``run``, False when another has it.

        The lock is the operating system's: it goes with its process, also after ``kill -9``.
        """
        from filelock import FileLock, Timeout

        path = self.folder / run / ".lock"
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                yield False
                return
        try:
            yield True
        finally:
            lock.release()

    def table(self) -> "pa.Table":
        """The finished runs as a flat table, a row a run: ``loss.<domain>``, ``bits.<domain>``, ``task.<name>``."""
        import pyarrow as pa

        rows = [flat(record) for record in self.records()]
        columns = dict.fromkeys(name for row in rows for name in row)  # recipes and domains differ between runs
        return pa.table({name: [row.get(name) for row in rows] for name in columns})

    def query(self, sql: str) -> "pa.Table":
        """Answer an SQL query (a SELECT) over the table ``runs`` (DuckDB), as an Arrow table.

        Raises:
            BadInput: no run is finished, or DuckDB cannot answer.
        """
        import duckdb

        runs = self.table()
        if not runs.num_rows:
            raise BadInput("no run is finished yet", where=self.folder)
        with duckdb.connect() as connection:
            connection.register("runs", runs)
            try:
                return connection.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                raise BadInput(str(error), key="sql", remedy=f"columns: {', '.join(runs.column_names)}") from None


def flat(record: RunRecord) -> dict[str, Any]:
    """One record as a flat row."""
    from synthmix.evaluation.losses import average

    row: dict[str, Any] = {
        "id": record.id,
        "recipe": record.spec.recipe,
        "params": record.params,
        "params_total": record.params_total,
        "tokens": record.tokens,
        "seed": record.spec.seed,
        "loss": average({name: score.nats for name, score in record.losses.items()}),
        "flops": record.flops,
        "seconds": record.seconds,
    }
    row |= {f"share.{name}": float(share) for name, share in record.spec.shares.items()}
    row |= {f"loss.{name}": score.nats for name, score in record.losses.items()}
    row |= {f"bits.{name}": score.bits_per_byte for name, score in record.losses.items()}
    row |= {f"task.{name}": score.value for name, score in record.tasks.items()}
    return row
