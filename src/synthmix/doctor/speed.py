"""How fast the ladder's sizes train here: some timed steps each, the larger ones scaled."""

from synthmix.doctor.findings import Speed
from synthmix.progress import Progress
from synthmix.training.dial import TOKENS_PER_PARAMETER
from synthmix.training.protocol import Protocol
from synthmix.training.shape import shape_for

SIZES = (25_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000, 10**9)
VOCAB = 4096
TIMED = {"cpu": 5e11, "cuda": 5e13}  # FLOPs of the steps of one size: a few seconds


def measured_speeds(precision: str, progress: Progress) -> list[Speed]:
    """Tokens per second of one run of each size on all threads, at vocabulary 4096 and the default protocol."""
    from synthmix.training.device import best_device, keep_heap
    from synthmix.training.timing import ladder_speeds

    keep_heap()  # as every run does
    protocol, shapes = Protocol(), [shape_for(size) for size in SIZES]
    most = TIMED[best_device()]
    progress.start("time training steps", None, "")
    speeds = ladder_speeds(shapes, VOCAB, protocol, precision, most=most)
    progress.finish("time training steps")
    timed = [s for s in shapes if s.flops_per_token(VOCAB, protocol.context) * protocol.batch * 5 <= most] or shapes[:1]
    return [
        Speed(size, speeds[shape], shape in timed, TOKENS_PER_PARAMETER * size / speeds[shape])
        for size, shape in zip(SIZES, shapes, strict=True)
    ]
