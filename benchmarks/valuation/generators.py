"""Small generators fitted here: of digits (class-conditional), and a Markov chain of labelled text."""

from collections import defaultdict
from itertools import pairwise

import numpy as np

from benchmarks.valuation.sources import Source


def gaussian_images(natural: Source, count: int, *, directions: int, seed: int) -> Source:
    """A Gaussian a class on that class's leading principal directions; 0 directions: independent pixels."""
    rng, images, labels = np.random.default_rng(seed), [], []
    flat, marks = _flat(natural)
    for label in np.unique(marks):
        mine = flat[marks == label]
        mean, each = mine.mean(axis=0), count // len(np.unique(marks))
        if directions:
            _, scales, axes = np.linalg.svd(mine - mean, full_matrices=False)
            keep = min(directions, len(mine) - 1)
            drawn = rng.standard_normal((each, keep)) * (scales[:keep] / np.sqrt(len(mine) - 1)) @ axes[:keep]
        else:
            drawn = rng.standard_normal((each, flat.shape[1])) * mine.std(axis=0)
        images.append(np.clip(mean + drawn, 0, 1))
        labels.append(np.full(each, label))
    return _images(np.concatenate(images), np.concatenate(labels), natural)


def mixture_images(natural: Source, count: int, *, parts: int, seed: int) -> Source:
    """scikit-learn's Gaussian mixture a class, full covariances."""
    from sklearn.mixture import GaussianMixture

    images, labels = [], []
    flat, marks = _flat(natural)
    for label in np.unique(marks):
        model = GaussianMixture(parts, covariance_type="full", reg_covar=2e-3, random_state=seed)
        drawn, _ = model.fit(flat[marks == label]).sample(count // len(np.unique(marks)))
        images.append(np.clip(drawn, 0, 1))
        labels.append(np.full(len(drawn), label))
    return _images(np.concatenate(images), np.concatenate(labels), natural)


def autoencoder_images(natural: Source, count: int, *, epochs: int, seed: int) -> Source:
    """A conditional variational autoencoder (Kingma and Welling, arXiv 1312.6114): 64 hidden units, 8 latent ones.

    Samples are the decoder's means. Few epochs give a bad generator, many a good one.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    flat, marks = _flat(natural)
    classes = int(marks.max()) + 1
    x = torch.from_numpy(flat).float()
    given = nn.functional.one_hot(torch.from_numpy(marks), classes).float()
    encoder = nn.Sequential(nn.Linear(x.shape[1] + classes, 64), nn.ReLU(), nn.Linear(64, 16))
    decoder = nn.Sequential(nn.Linear(8 + classes, 64), nn.ReLU(), nn.Linear(64, x.shape[1]))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            mean, log_variance = encoder(torch.cat([x[rows], given[rows]], 1)).chunk(2, dim=1)
            latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            made = decoder(torch.cat([latent, given[rows]], 1))
            wrong = nn.functional.binary_cross_entropy_with_logits(made, x[rows], reduction="sum")
            away = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
            optimizer.zero_grad()
            ((wrong + away) / len(rows)).backward()
            optimizer.step()
    labels = np.repeat(np.arange(classes), count // classes)
    with torch.no_grad():
        wanted = nn.functional.one_hot(torch.from_numpy(labels), classes).float()
        made = torch.sigmoid(decoder(torch.cat([torch.randn(len(labels), 8), wanted], 1)))
    return _images(made.numpy(), labels, natural)


def markov_texts(natural: Source, count: int, *, seed: int, most: int = 60) -> Source:
    """A chain of words for each label, of first order: locally right, globally without sense."""
    rng, texts, labels = np.random.default_rng(seed), [], []
    assert natural.labels is not None
    for label in np.unique(natural.labels):
        follows: dict[str, list[str]] = defaultdict(list)
        for text, mark in zip(natural.items, natural.labels, strict=True):
            if mark == label:
                words = ["", *text.split(), ""]
                for before, after in pairwise(words):
                    follows[before].append(after)
        for _ in range(count // len(np.unique(natural.labels))):
            words, now = [], ""
            while len(words) < most:
                now = follows[now][rng.integers(len(follows[now]))]
                if not now:
                    break
                words.append(now)
            texts.append(" ".join(words) or "nothing")
            labels.append(label)
    return Source(texts, np.array(labels))


def _flat(natural: Source) -> tuple[np.ndarray, np.ndarray]:
    assert natural.labels is not None
    return natural.items.reshape(len(natural), -1).astype(np.float64), natural.labels


def _images(flat: np.ndarray, labels: np.ndarray, natural: Source) -> Source:
    return Source(flat.reshape(-1, *natural.items.shape[1:]).astype(np.float32), labels)
