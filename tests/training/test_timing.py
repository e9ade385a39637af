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
