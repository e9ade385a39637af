"""Demonstration 3: images whose classes have Zipf frequencies, and a small convolutional network.

    nice -n 15 python examples/three-phases/digits.py

scikit-learn's 1,797 digits have ten classes, too few for ranks; so an item is one of twelve styles of one digit
(k-means within the digit): 120 classes, in a random order of rank. A third of the images of each class is held out.
Synthetic data never show classes beyond rank k. Styles are alike, so a class that was seen is not always recognised.
"""

import numpy as np
from saved import arguments, once

STYLES, BETA, EPOCHS, POINTS = 12, 1.5, 30, 14
MIXTURES = [(1.0, 120), (0.1, 8), (0.01, 8)]


def classes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (n, 1, 8, 8), rank of each from 0, and which are held out."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = found.data.astype(np.float32) / 16, np.zeros(len(found.data), dtype=np.int64)
    for digit in range(10):
        mine = found.target == digit
        labels[mine] = digit * STYLES + KMeans(STYLES, n_init=4, random_state=0).fit_predict(images[mine])
    rng = np.random.default_rng(0)
    held, ranks = np.zeros(len(images), dtype=bool), rng.permutation(10 * STYLES)[labels]
    for each in range(10 * STYLES):
        members = rng.permutation(np.flatnonzero(ranks == each))
        held[members[: max(1, len(members) // 3)]] = True
    return images.reshape(-1, 1, 8, 8), ranks, held


def trained(data: tuple, pi: float, k: int, n: int, seed: int) -> float:
    """Draw n samples, train on the distinct images among them, error rate over the real frequencies."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    images, ranks, held = data
    items = 10 * STYLES
    p = np.arange(1, items + 1) ** -BETA
    p /= p.sum()
    cut = np.where(np.arange(items) < k, p, 0)
    rng = np.random.default_rng([seed, n])
    counts = rng.multinomial(n, pi * p + (1 - pi) * cut / cut.sum())
    chosen = []
    for rank in np.flatnonzero(counts):
        pool = np.flatnonzero((ranks == rank) & ~held)
        if len(pool):
            chosen.append(np.unique(rng.choice(pool, size=min(int(counts[rank]), 200))))
    rows = np.concatenate(chosen)
    x, y = torch.from_numpy(images[rows]), torch.from_numpy(ranks[rows])
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1),
                          nn.ReLU(), nn.Flatten(), nn.Linear(512, items))  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    steps = max(EPOCHS * len(x) // 32, 60)
    for _ in range(steps):
        batch = torch.randint(len(x), (32,))
        loss = nn.functional.cross_entropy(model(x[batch] + 0.05 * torch.randn(32, 1, 8, 8)), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        said = model(torch.from_numpy(images[held])).argmax(dim=1).numpy()
    wrong = said != ranks[held]
    return float(sum(p[rank] * wrong[ranks[held] == rank].mean() for rank in range(items)))


def curve(pi: float, k: int, grid: np.ndarray) -> list[dict]:
    """Two seeds at every n."""
    data = classes()
    return [{"n": int(n), "error": trained(data, pi, k, int(n), seed)} for seed in range(2) for n in grid]


def main() -> None:
    from synthmix.phases.detection import detect_phases
    from synthmix.theory import Setting, breakpoints

    from synthmix.cli.phases import shown  # isort: skip

    asked = arguments(__doc__)
    print(
        "| pi | k | verdict | n1 | theory | n2 | theory | error at the first, middle and last n |\n" + "|---" * 8 + "|"
    )
    for pi, k in MIXTURES:
        ends = breakpoints(Setting(BETA, k=min(k, 100), pi=pi, items=10 * STYLES))
        grid = np.unique(np.geomspace(8, 2e3 / pi, POINTS).astype(int))
        rows = once(asked.to / "digits" / f"pi{pi:g}-k{k}.json", curve, pi, k, grid)
        n, loss = np.array([(row["n"], row["error"]) for row in rows], dtype=float).T
        found = detect_phases(n, loss)
        theory = [f"{ends.n1:.3g}", f"{ends.n2:.3g}"] if k < 100 else ["none", "none"]
        means = [loss[n == each].mean() for each in (grid[0], grid[len(grid) // 2], grid[-1])]
        print(f"| {pi:g} | {k} | {found.verdict} | {shown(found.n1)} | {theory[0]} | {shown(found.n2)} | {theory[1]} | "
              + ", ".join(f"{mean:.3f}" for mean in means) + " |")  # fmt: skip
        print(f"  {found.reason}")


if __name__ == "__main__":
    main()
