import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from synthmix.generation.draw import Draw, RowDraw


def plain_truncation(p: np.ndarray, top_k: int, top_p: float) -> np.ndarray:
    """Top-k, then the smallest set of the most probable tokens whose mass reaches ``top_p``, by definition."""
    order = sorted(range(len(p)), key=lambda i: -p[i])
    if top_k:
        order = order[:top_k]
    total, mass, kept = sum(p[i] for i in order), 0.0, []
    for i in order:
        if mass >= top_p * total and kept:
            break
        kept.append(i)
        mass += p[i]
    out = np.zeros_like(p)
    out[kept] = p[kept]
    return out


def draw(temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0) -> Draw:
    return Draw(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, device="cpu")


@pytest.mark.parametrize("top_k", [0, 1, 5, 500])
@pytest.mark.parametrize("top_p", [0.01, 0.5, 0.9, 1.0])
def test_truncation_is_top_k_then_the_nucleus(top_k: int, top_p: float) -> None:
    p = np.random.default_rng(4).dirichlet(np.full(40, 0.3), size=30)
    found = draw(top_k=top_k, top_p=top_p).truncate(torch.from_numpy(p)).numpy()
    for row, expected in zip(found, p, strict=True):
        assert row.tolist() == plain_truncation(expected, top_k, top_p).tolist()


def test_the_nucleus_is_the_one_of_transformers() -> None:
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(20, 60, generator=torch.Generator().manual_seed(1)) * 3
    kept = logits
    for warper in (TemperatureLogitsWarper(0.8), TopKLogitsWarper(12), TopPLogitsWarper(0.7)):
        kept = warper(None, kept)
    expected = torch.softmax(kept, dim=-1)
    ours = draw(temperature=0.8, top_k=12, top_p=0.7).truncate(torch.softmax(logits / 0.8, dim=-1))
    ours = ours / ours.sum(dim=-1, keepdim=True)
    assert torch.equal(ours > 0, expected > 0)
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"top_p": 0.8}, {"top_k": 4}, {"temperature": 0.5, "top_k": 9, "top_p": 0.9}])
def test_the_frequencies_of_draws_are_the_truncated_softmax(options: dict[str, float]) -> None:
    logits = np.random.default_rng(2).normal(size=12) * 1.5
    rows = 40_000
    chosen = draw(**options, seed=7)(None, torch.tensor(logits, dtype=torch.float32).expand(rows, -1))  # type: ignore[arg-type]
    assert (torch.isfinite(chosen).sum(dim=-1) == 1).all(), "one token a row is left"
    counts = np.bincount(chosen.argmax(dim=-1).numpy(), minlength=12)
    p = np.exp(logits / options.get("temperature", 1.0))
    p = plain_truncation(p / p.sum(), int(options.get("top_k", 0)), options.get("top_p", 1.0))
    assert counts[p == 0].sum() == 0, "nothing outside the truncation is ever drawn"
    kept = p > 0
    assert chisquare(counts[kept], rows * p[kept] / p.sum()).pvalue > 1e-3


def test_a_low_temperature_is_greedy_and_a_high_one_is_flat() -> None:
    logits = torch.tensor([[0.0, 1.0, 3.0, 2.0]]).expand(4000, -1)
    assert set(draw(temperature=0.01)(None, logits).argmax(dim=-1).tolist()) == {2}
    flat = np.bincount(draw(temperature=1e4)(None, logits).argmax(dim=-1).numpy(), minlength=4)
    assert chisquare(flat).pvalue > 1e-3


def test_a_seed_gives_the_same_draws_and_each_step_others() -> None:
    logits = torch.zeros(50, 100)
    one, again, other = draw(seed=1), draw(seed=1), draw(seed=2)
    first = one(None, logits).argmax(dim=-1)
    assert torch.equal(first, again(None, logits).argmax(dim=-1))
    assert not torch.equal(first, other(None, logits).argmax(dim=-1))
    assert not torch.equal(first, one(None, logits).argmax(dim=-1))


def test_a_token_of_no_probability_is_never_drawn() -> None:
    logits = torch.full((5000, 6), float("-inf"))
    logits[:, 3:5] = 0.0
    assert set(draw()(None, logits).argmax(dim=-1).tolist()) == {3, 4}


@pytest.mark.parametrize("min_p", [0.05, 0.3, 0.99])
def test_min_p_is_the_one_of_transformers(min_p: float) -> None:
    from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopPLogitsWarper

    logits = torch.randn(20, 60, generator=torch.Generator().manual_seed(1)) * 3
    kept = logits
    for warper in (TemperatureLogitsWarper(0.8), TopPLogitsWarper(0.9), MinPLogitsWarper(min_p)):
        kept = warper(None, kept)
    ours = Draw(temperature=0.8, top_k=0, top_p=0.9, min_p=min_p, seed=0, device="cpu")
    assert torch.equal(ours.truncate(torch.softmax(logits / 0.8, dim=-1)) > 0, torch.softmax(kept, dim=-1) > 0)


ROWS: list[dict[str, float]] = [
    {"temperature": 0.7, "top_p": 0.8, "seed": 3},
    {"temperature": 1.3, "top_k": 5, "seed": 3},
    {"min_p": 0.2, "seed": 4},
    {"top_k": 500},
    {"temperature": 0, "seed": 9},
]


def test_rows_are_truncated_each_by_its_own_parameters() -> None:
    logits = torch.randn(len(ROWS) - 1, 40, generator=torch.Generator().manual_seed(2)) * 2
    heat = torch.tensor([row.get("temperature", 1.0) for row in ROWS[:-1]])[:, None]
    kept = RowDraw(ROWS[:-1], "cpu").truncate(torch.softmax(logits / heat, dim=-1))
    for number, row in enumerate(ROWS[:-1]):
        alone = Draw(
            temperature=row.get("temperature", 1.0),
            top_k=int(row.get("top_k", 0)),
            top_p=row.get("top_p", 1.0),
            min_p=row.get("min_p", 0.0),
            seed=0,
            device="cpu",
        )
        expected = alone.truncate(torch.softmax(logits[number : number + 1] / heat[number], dim=-1))[0]
        torch.testing.assert_close(kept[number], expected)


def test_a_row_draws_the_same_whatever_batch_it_is_in() -> None:
    logits = torch.randn(len(ROWS), 40, generator=torch.Generator().manual_seed(2)) * 2
    together, alone = RowDraw(ROWS, "cpu"), [RowDraw([row], "cpu") for row in ROWS]
    for _ in range(20):
        drawn = together(None, logits)
        assert (torch.isfinite(drawn).sum(dim=-1) == 1).all()
        for number, one in enumerate(alone):
            assert drawn[number].argmax() == one(None, logits[number : number + 1]).argmax()
        assert drawn[-1].argmax() == logits[-1].argmax(), "temperature 0 is greedy"
