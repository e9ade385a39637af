"""Each document's part in its dataset's score, as a table."""

from collections.abc import Sequence
from pathlib import Path

from synthmix.files import write_bytes
from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import worth
from synthmix.valuation.summary import Summary
from synthmix.valuation.valuer import Valuer


def write_documents(valuer: Valuer, pools: Sequence[Pool], summaries: Sequence[Summary], path: Path) -> None:
    """Parquet with ``dataset``, ``number`` (in reading order), ``gain`` (influence on the dataset's score) and
    ``tokens``; see :data:`synthmix.valuation.selection.CAVEAT` for what a single document's number can say.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for pool, summary in zip(pools, summaries, strict=True):
        gains = worth(valuer, pool, summary)
        tokens = [int(n) for batch in pool.batches() for n in valuer.lengths(batch)]
        names = [pool.name] * len(gains)
        tables.append(pa.table({"dataset": names, "number": range(len(gains)), "gain": gains, "tokens": tokens}))
    held = io.BytesIO()
    pq.write_table(pa.concat_tables(tables), held)
    write_bytes(path, held.getvalue())
