"""From a manifest to arrays of token ids: the only place where training touches the shards."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from synthmix.mixture.manifest import Manifest


class Stream(Protocol):
    """A corpus's training tokens: ``read`` copies tokens ``[start, stop)``."""

    def __len__(self) -> int: ...
    def read(self, start: int, stop: int) -> np.ndarray: ...


def read_batch(manifest: Manifest, streams: Mapping[str, Stream], first: int, count: int) -> np.ndarray:
    """Sequences ``first`` to ``first + count`` of the manifest: int64, shape ``(count, context + 1)``.

    Column 0 is input only; columns 1 to context are the predicted tokens.
    """
    context = manifest.context
    batch = np.empty((count, context + 1), dtype=np.int64)
    for row in range(count):
        source = manifest.sources[manifest.order[first + row]]
        start = int(manifest.blocks[first + row]) * context
        batch[row] = streams[source].read(start, start + context + 1)
    return batch
