import pytest

from synthmix.training import capabilities
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape, shape_for


def test_a_shape_is_timed_on_real_steps() -> None:
    assert capabilities.tokens_per_second(shape_for(25_000), 64, Protocol(context=16, batch=256), "float32") > 0


def test_shapes_too_large_to_time_are_scaled_by_their_flops(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[int] = []

    def measured(shape: Shape, *_: object, **__: object) -> float:
        timed.append(shape.params)
        return 1e12 / shape.flops_per_token(64, 128)

    monkeypatch.setattr(capabilities, "tokens_per_second", measured)
    shapes = [shape_for(size) for size in (10**9, 25_000, 10**10, 100_000)]
    speeds = capabilities.ladder_speeds(shapes, 64, Protocol(), "float32")
    assert timed == [shapes[1].params, shapes[3].params]
    for shape in shapes:
        assert speeds[shape] == pytest.approx(1e12 / shape.flops_per_token(64, 128))


def test_a_plan_times_three_sizes_and_interpolates(monkeypatch: pytest.MonkeyPatch) -> None:
    """FLOP/s that are a power of a token's FLOPs are found exactly between the timed sizes, and kept beyond them."""
    timed: list[tuple[int, int]] = []
    shapes = [shape_for(size) for size in (10**10, *range(25_000, 100_000, 1_000), 10**8)]
    token = {shape: shape.flops_per_token(64, 128) for shape in shapes}

    def measured(shape: Shape, vocab: int, protocol: Protocol, precision: str, **_: object) -> float:
        timed.append((shape.params, protocol.batch))
        return 1e9 * token[shape] ** 0.3 / token[shape]

    monkeypatch.setattr(capabilities, "tokens_per_second", measured)
    monkeypatch.setattr(capabilities, "wanted", lambda flops, device: flops > 1)
    flops = {shapes[1]: 2.0}
    speeds = capabilities.rough_speeds(shapes, 64, Protocol(context=128, batch=128 * 64), "float32", flops)
    assert len(timed) == capabilities.ROUGH_SIZES
    by_params = {shape.params: token[shape] for shape in shapes}
    assert sum(4 * batch * by_params[params] for params, batch in timed) <= capabilities.ROUGH_FLOPS
    top = max(by_params[params] for params, _ in timed)
    for shape in shapes:
        compiled = capabilities.COMPILED_GAIN if shape in flops else 1.0
        expected = compiled * 1e9 * min(token[shape], top) ** 0.3 / token[shape]
        assert speeds[shape] == pytest.approx(expected, rel=1e-9)
