"""What an export of data consists of: ``manifest.json`` of its folder, written from the first moment on."""

from pydantic import Field

from synthmix.results import Part

FORMAT = 1
MANIFEST = "manifest.json"


class Plan(Part):
    """What decides every byte of an export; a folder belongs to one plan.

    Attributes:
        to: the format. unit: what a row is, a ``sequence`` of the training order or a whole ``document``.
        shares: as exact fractions; schedule: where they change along the run. corpora: source -> content id.
        tokenizer: its hash. vocab: its entries. end: id of the end-of-document token. dtype: of the token files.
        context: tokens a sequence predicts. rows: in all (of documents: unknown before, 0). tokens: the budget.
        shard: rows of a file (documents: tokens of one); 0: one file.
    """

    to: str
    unit: str
    shares: dict[str, str]
    schedule: dict[str, list[list[str]]] | None
    corpora: dict[str, str]
    tokenizer: str
    vocab: int
    end: int
    dtype: str
    context: int
    rows: int
    tokens: int
    seed: int
    shard: int


class ExportedFile(Part):
    """One file: its rows, the first of them in the whole order, and blake2b of 16 bytes (``b2sum -l 128``)."""

    path: str
    first: int
    rows: int
    bytes: int
    blake2b: str


class ExportedSource(Part):
    """What was taken of one source. ``tokens``: predicted ones; ``epochs``: how often it was gone through."""

    name: str
    share: float
    corpus: str
    available: int
    rows: int
    tokens: int
    epochs: float


class ExportedData(Part):
    """An export, whole or begun.

    Attributes:
        recipe: its name. origin: where the mixture is from. width: tokens of a row in a token file.
        done: rows that are safely in the file in work, the one after ``files``; side: bytes beside them.
    """

    format: int = FORMAT
    plan: Plan
    recipe: str
    origin: str
    width: int
    sources: list[ExportedSource]
    files: list[ExportedFile] = Field(default=[])
    complete: bool = False
    done: int = 0
    side: int = 0
    folder: str = Field(default="", exclude=True)
