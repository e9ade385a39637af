"""Windows of tokens as short dense vectors: hashed n-grams, TF-IDF, singular value decomposition."""

import numpy as np

_BUCKETS = 1 << 14
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def text_vectors(groups: list[np.ndarray], *, longest: int = 2, size: int = 64, seed: int = 0) -> list[np.ndarray]:
    """Vectors (w, size) of each group of windows (w, tokens); a token of -1 is skipped.

    n-grams up to ``longest`` are hashed to 16,384 buckets; 1 + ln(count) times ln(windows / windows with it), rows of
    length 1, then the leading ``size`` singular directions of all groups together. CHOSEN.
    """
    from scipy.sparse import csr_matrix
    from sklearn.decomposition import TruncatedSVD

    windows = [row for group in groups for row in group]
    found = [_buckets(row, longest) for row in windows]
    rows = np.repeat(np.arange(len(windows)), [len(each) for each in found])
    counts = csr_matrix((np.ones(len(rows)), (rows, np.concatenate(found))), shape=(len(windows), _BUCKETS))
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    documents = np.maximum(np.bincount(counts.indices, minlength=_BUCKETS), 1)
    counts.data *= np.log(len(windows) / documents)[counts.indices]
    lengths = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    scaled = counts.multiply(1 / np.maximum(lengths, 1e-12)[:, None]).tocsr()
    dense = TruncatedSVD(min(size, len(windows) - 1), random_state=seed).fit_transform(scaled)
    ends = np.cumsum([len(group) for group in groups])[:-1]
    return np.split(dense, ends)


def _buckets(row: np.ndarray, longest: int) -> np.ndarray:
    tokens = row[row >= 0].astype(np.uint64) + np.uint64(1)
    parts, key = [], np.zeros(len(tokens), dtype=np.uint64)
    for n in range(1, longest + 1):
        if len(tokens) < n:
            break
        key = (key[: len(tokens) - n + 1] * _MULTIPLIER + tokens[n - 1 :]) * _MULTIPLIER
        parts.append((key >> np.uint64(50)).astype(np.int64))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
