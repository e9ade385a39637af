"""``synthmix compare-tokenizers``: vocabulary sizes, and tokenizers trained on real, synthetic and mixed text."""

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import AsJson, Quiet, parsed, telling

MIXED = "mixed"


def compare_tokenizers(
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=PATH: the real text first, then synthetic ones.", show_default=False),
    ] = None,
    against: Annotated[list[str] | None, typer.Option(help="Held-out text; may be repeated.")] = None,
    study: Annotated[
        list[Path] | None, typer.Option(help="Trained models' bits per byte; a study's file or folder, repeatable.")
    ] = None,
    vocab: Annotated[str, typer.Option(help="Vocabulary sizes.")] = "1024 4096 16384",
    limit: Annotated[int, typer.Option(help="Documents of each text that are read.", min=10)] = 20_000,
    parquet: Annotated[Path | None, typer.Option(help="Write the table.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tokens and unigram bits per byte of tokenizers trained on each text, and on the real text mixed half and half
    with each other one: what does a tokenizer trained on synthetic text cost on real text?

    Example: synthmix compare-tokenizers real=web.jsonl synthetic=hq.jsonl --against wiki.jsonl --vocab "1024 8192"
    """
    from synthmix.cli.terminal import show
    from synthmix.cli.tokenizers_text import bits_text, tokenizers_text
    from synthmix.errors import BadInput
    from synthmix.quantities import parse_count
    from synthmix.statistics.tokenizers import compare_tokenizers as compare
    from synthmix.study.trained_bits import trained_bits

    if not (texts and against) and not study:
        raise BadInput("nothing to compare", remedy="give texts and --against HELDOUT, or --study STUDY")
    sizes = [parsed(parse_count, size, "--vocab") for size in vocab.replace(",", " ").split()]
    bits = trained_bits(study or [])
    with telling(quiet=quiet) as progress:
        training, heldout = _given(texts or [], against or [], limit)
        rows = compare(training, heldout, sizes, progress=progress) if training and heldout else []
    if parquet is not None:
        from synthmix.cli.tokenizers_text import write_tokenizers

        write_tokenizers(rows, parquet)
    blocks = [text for text in (tokenizers_text(rows) if rows else "", bits_text(bits) if bits else "") if text]
    value = {"tokenizers": [asdict(row) for row in rows], "trained": [asdict(row) for row in bits]}
    show(value, "\n\n".join(blocks), as_json=as_json)


def _given(texts: list[str], against: list[str], limit: int) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Training texts by name, the mixed ones too, and held-out texts by name."""
    from synthmix.cli.common import parse_named
    from synthmix.cli.generator_texts import held_texts

    parts = parse_named(texts)
    training = {part.name: train_texts_of(part.path, limit) for part in parts}
    for part in parts[1:]:
        real = parts[0].name
        training[f"{MIXED} {real} and {part.name}"] = _alternating(training[real], training[part.name])
    return training, {p.name: held_texts(p.path, limit) for p in parse_named(against)}


def train_texts_of(path: str, limit: int) -> list[str]:
    """The training text of a corpus, of generated text, or of a plain file."""
    from synthmix.corpus.load import Documents

    return [document.text for document in islice(Documents([path]), limit)]


def _alternating(a: list[str], b: list[str]) -> list[str]:
    """Documents in turn, as long as both last."""
    return [text for pair in zip(a, b, strict=False) for text in pair]
