"""A study file from a person's own files: what they hold, what they seem to be, and a ladder that they can fill.

What is guessed (the field of the text, natural or synthetic, what is for evaluation) is written beside the key as a
comment, with its reason, so that a wrong guess is seen and mended in the file.
"""

import itertools
import json
import os
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from synthmix.corpus.readers import expand, first_records, format_of
from synthmix.errors import BadInput
from synthmix.files import write_text
from synthmix.names import name_fault
from synthmix.quantities import format_count, listed, parse_count, plural
from synthmix.reading import packing, read_errors
from synthmix.scaling.mixtures import fewest_mixtures
from synthmix.study.load import load_study

Kind = Literal["natural", "synthetic", "evaluation"]
LOOKED_AT = 1000  # records of a file
MOST_AUTHORS = 50  # a field of more values names documents
BYTES_PER_TOKEN = 3.5  # of prose in a byte-level BPE of 2k to 8k entries (docs/log.md: 3.2 to 3.9)
FEWEST_DOCUMENTS = 20  # to hold some out
PACKED = 3.0  # times that packed text grows (gzip and zstd on prose: 2.5 to 3.5)
SAFETY = 0.8  # of the estimated tokens are counted on
FEWEST_TOKENS = 40_000  # the smallest ladder's largest budget
MOST_TOKENS = 4_000_000  # an evening on two cores
MOST_EPOCHS = 4
TEXT_FIELDS = ("text", "content", "document", "body", "completion", "response", "output", "story", "article")
WHO_FIELDS = ("source", "generator", "model", "author", "kind", "label", "origin")
YAML_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
PEOPLE = ("human", "natural", "real", "web", "people")
SYNTHETIC = re.compile(
    r"(^|[^a-z])(synth\w*|generat\w*|rephras\w*|rewrit\w*|textbooks?|qa|faq|llm|gpt\w*|phi\w*|cosmopedia|distill\w*|"
    r"instruct\w*|tutorials?|machine|sampled)([^a-z]|$)"
)
EVALUATION = re.compile(r"(^|[^a-z])(heldout|held|eval\w*|test|valid\w*|dev|reference)([^a-z]|$)")


@dataclass(frozen=True)
class Part:
    """What becomes one corpus or one evaluation domain: records of ``path``, those ``where`` a field has a value.

    Attributes:
        format: ``text``, ``jsonl`` or ``parquet``. separator: of a plain text's documents, None: a file is one.
        text: the field of the text. tokens: about, all files together. languages: the commonest of the records looked
            at, none where they are not told. reason: for ``kind``.
    """

    name: str
    path: str
    files: int
    format: str
    text: str
    documents: int
    characters: float
    tokens: float
    languages: tuple[str, ...]
    kind: Kind
    reason: str
    where: tuple[str, tuple[str, ...]] | None = None
    separator: str | None = None


def look_at(path: str, *, kind: Kind | None = None) -> list[Part]:
    """What a file or glob holds: one part, or two where a field tells people's text from models'.

    Args:
        kind: what it is; None: guessed from its name and fields.

    Raises:
        BadInput: no such file, not of a known kind, damaged, without text, or without a field of text.
    """
    files = expand(path)
    shape = format_of(files[0])
    separator = None
    records: list[Mapping[str, Any]] = list(itertools.islice(first_records(files[0], shape), LOOKED_AT))
    if shape == "text":
        whole = str(records[0]["text"]) if records else ""
        if len(files) < FEWEST_DOCUMENTS:  # else a file is a document
            separator = next((line for line in ("\n\n", "\n") if whole.count(line) >= FEWEST_DOCUMENTS), None)
        pieces = whole.split(separator) if separator else [whole]
        records = list[Mapping[str, Any]]({"text": piece} for piece in pieces if piece.strip())[:LOOKED_AT]
    if not records:
        raise BadInput("holds no text", where=path)
    text = _text_field(records, path)
    size = sum(_size(file) * (PACKED if packing(file) else 1.0) for file in files)
    # Of a record's bytes only the text's count: its other fields and the quoting are not trained on.
    own = sum(len(str(record.get(text) or "").encode()) for record in records)
    whole_size = own if shape == "text" else sum(len(repr(record).encode()) for record in records)
    tokens = size * min(1.0, own / max(1, whole_size)) / BYTES_PER_TOKEN
    name = _name(path)
    if kind is None and (split := _by_author(records, text)) is not None:
        field, people, models = split
        found = []
        sides: tuple[tuple[str, list[str], Kind], ...] = (
            ("natural", people, "natural"),
            ("synthetic", models, "synthetic"),
        )
        for ending, values, of_kind in sides:
            mine = [record for record in records if str(record.get(field)) in values]
            reason = f"guessed: {field} is {listed(values) if len(values) < 4 else plural(len(values), 'other value')}"
            part = _part(
                f"{name}-{ending}", path, files, shape, text, mine, tokens * len(mine) / len(records), of_kind, reason
            )
            found.append(replace(part, where=(field, tuple(values))))
        return found
    guessed, reason = (kind, "as you said") if kind is not None else _kind(name)
    part = _part(name, path, files, shape, text, records, tokens, guessed, reason)
    return [replace(part, separator=separator)]


def init_study(
    files: Sequence[str],
    to: str | Path,
    *,
    synthetic: Sequence[str] = (),
    evaluate: Sequence[str] = (),
    params: str | None = None,
    tokens: str | None = None,
) -> tuple[Path, list[Part]]:
    """Write a commented study file for ``files``, ready for ``synthmix study plan``.

    Args:
        files: paths or globs of natural and synthetic text, told apart by their names and fields.
        to: the file to write; must not be there.
        synthetic, evaluate: files that are synthetic text, or held-out domains, whatever their names; a path of
            ``files`` that stands here, too, is this alone.
        params, tokens: what will really be trained; None: four times the ladder's largest.

    Returns:
        The path, and what was found in the files.

    Raises:
        BadInput: a file that cannot be used, no natural text, too little text for any ladder, or ``to`` is there.
    """
    target = Path(to)
    if target.exists():
        raise BadInput("is there already", where=target, remedy="name another file with --to, or move it away")
    asked: list[tuple[str, Kind | None]] = [
        *((path, None) for path in files if path not in (*synthetic, *evaluate)),
        *((path, "synthetic") for path in synthetic),
        *((path, "evaluation") for path in evaluate),
    ]
    parts = _named_apart([part for path, kind in asked for part in look_at(path, kind=kind)])
    text = study_text(parts, target.stem, base=target.parent, params=params, tokens=tokens)
    load_study(text)  # what is written is a study
    write_text(target, text)
    return target, parts


def study_text(
    parts: Sequence[Part], name: str, *, base: Path = Path(), params: str | None = None, tokens: str | None = None
) -> str:
    """The study file as commented YAML; relative paths from ``base``.

    Raises:
        BadInput: no natural text, or too little of it.
    """
    natural = [part for part in parts if part.kind == "natural"]
    made = [part for part in parts if part.kind == "synthetic"]
    held = [part for part in parts if part.kind == "evaluation"]
    if not natural:
        raise BadInput(
            "no natural text is among the files: it is the yardstick",
            key="init",
            remedy="add some, or name the synthetic files with --synthetic and the others plainly",
        )
    main = max(natural, key=lambda part: part.tokens)
    sources = [main, *(part for part in natural if part is not main), *made]
    ladder = _Ladder.for_tokens({part.name: part.tokens for part in sources})
    many = len(sources) > 2
    lines = [
        f"# {listed([part.name for part in sources])}: which mixture is best, and what is it worth?",
        "# Written from the files themselves; look through what was guessed, then:",
        f"#   synthmix study plan {name}.yaml     what would be trained, how long it takes, what it can answer",
        f"#   synthmix study run  {name}.yaml",
        f"study: {name if name_fault(name) is None else 'study'}",
        "",
        f"tokenizer: {{vocab: {ladder.vocab}}}     # small: the models take the time, not their output layers",
        "",
        "corpora:",
    ]
    for part in sources:
        lines += _corpus_lines(part, base)
    lines += [
        "",
        "evaluate:                     # losses are measured on these; at least one should be what you care about",
    ]
    lines += [f"  {part.name}: heldout" for part in natural]
    lines += [f"  {part.name}: {_source(part, base)}     # {_seen(part)}" for part in held]
    lines += ["evaluate_tokens: 20k", "", "mix:", f"  natural: {main.name}"]
    if not made and len(sources) == 1:
        lines += ["  # No synthetic text yet: generate some (synthmix generate), add it above, and name it here:",
                  "  # synthetic: NAME", "  # shares: [0, 1/3, 2/3, 1]"]  # fmt: skip
    elif many:
        design = 2 * fewest_mixtures(len(sources))
        given = ", ".join(f"{part.name}: " for part in sources)
        lines += [f"  sources: {{{given}}}     # bounds: NAME: {{min: 5%, max: 60%}}",
                  f"  design: {{runs: {design}}}     # space-filling; more narrow the answer"]  # fmt: skip
    else:
        lines += [
            f"  synthetic: {sources[1].name}",
            "  shares: [0, 1/3, 2/3, 1]     # synthetic shares; 0 is the yardstick",
        ]
    lines += ["", "ladder:", f"  params: [{', '.join(ladder.params)}]     # non-embedding parameters",
              f"  budgets: [{', '.join(ladder.budgets)}]     # training tokens"]  # fmt: skip
    if not many:
        lines += ["  replicates:", f"    - {{params: [{ladder.params[0]}], seeds: 2}}     # so that noise is measured"]
    epochs = f", epochs: {ladder.epochs}" if ladder.epochs > 1 else ""
    why = "     # the smallest corpus is gone through that often" if ladder.epochs > 1 else ""
    lines += ["", f"training: {{context: 64, batch: 512, schedule: wsd{epochs}}}{why}", "",
              "question:     # what you will really train: put your own",
              f"  params: {params or ladder.question[0]}", f"  tokens: {tokens or ladder.question[1]}"]  # fmt: skip
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class _Ladder:
    """Sizes, budgets and vocabulary that the scarcest source can fill at a share of 100 %."""

    params: tuple[str, ...]
    budgets: tuple[str, ...]
    vocab: int
    epochs: int

    @property
    def question(self) -> tuple[str, str]:
        """Four times the largest size and budget: what such a ladder can be asked (one decade of compute)."""
        return format_count(4 * parse_count(self.params[-1])), format_count(4 * parse_count(self.budgets[-1]))

    @classmethod
    def for_tokens(cls, tokens: Mapping[str, float]) -> "_Ladder":
        scarce = min(tokens, key=tokens.__getitem__)
        there = tokens[scarce] * SAFETY
        epochs = next((n for n in range(1, MOST_EPOCHS + 1) if there * n >= 4 * FEWEST_TOKENS), MOST_EPOCHS)
        most = min(there * epochs, MOST_TOKENS)
        if most < FEWEST_TOKENS:
            raise BadInput(
                f"{scarce} holds some {format_count(tokens[scarce])} tokens, too few for a ladder",
                key="init",
                remedy=f"some {format_count(FEWEST_TOKENS / SAFETY / MOST_EPOCHS)} are the least; "
                "give more of it, or leave it out",
            )
        largest = int(_two_digits(most))
        budgets = tuple(format_count(largest / part) for part in (4, 2, 1))
        sizes = ("25k", "75k", "225k") if largest < 2_000_000 else ("75k", "225k", "675k")
        return cls(sizes, budgets, 512 if largest < 2_000_000 else 1024, epochs)


def _two_digits(number: float) -> float:
    """Rounded down to a multiple of 4 with two or three leading digits."""
    step = 4 * 10 ** max(0, len(str(int(number))) - 3)
    return number // step * step


def _size(file: str) -> int:
    """Bytes of a file here or in a bucket."""
    with read_errors(file):
        if "://" not in file:
            return os.path.getsize(file)
        from fsspec.core import url_to_fs

        fs, path = url_to_fs(file)
        return int(fs.size(path))


def _corpus_lines(part: Part, base: Path) -> list[str]:
    lines = [f"  {part.name}:     # {part.kind} ({part.reason})", f"    # {_seen(part)}"]
    for key, value in _keys(part, base).items():
        lines.append(f"    {key}: {value}")
    if part.kind == "synthetic":
        lines.append("    kind: synthetic")
    else:
        documents = part.tokens * BYTES_PER_TOKEN / max(1.0, part.characters)
        lines.append(f"    heldout: {'2%' if 0.02 * documents >= FEWEST_DOCUMENTS else '10%'}")
    return lines


def _source(part: Part, base: Path) -> str:
    keys = _keys(part, base)
    return keys["files"] if len(keys) == 1 else "{" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"


def _keys(part: Part, base: Path) -> dict[str, str]:
    path = part.path
    if "://" not in path and not Path(path).is_absolute() and not path.startswith("~") and base != Path():
        path = str(Path(path).absolute())
    keys = {"files": _scalar(path)}
    if part.format != "text" and part.text != "text":
        keys["text"] = _scalar(part.text)
    if part.separator is not None:
        keys["separator"] = '"\\n\\n"' if part.separator == "\n\n" else '"\\n"'
    if part.where is not None:
        keys["where"] = f"{{{_scalar(part.where[0])}: [{', '.join(map(_scalar, part.where[1]))}]}}"
    return keys


def _scalar(text: str) -> str:
    """``text`` as a YAML scalar: plain where that is safe, else double-quoted (JSON's strings are YAML's)."""
    plain = re.fullmatch(r"[A-Za-z_./~][\w./~-]*", text) and text.lower() not in YAML_WORDS
    return text if plain else json.dumps(text)


def _seen(part: Part) -> str:
    spoken = f", {listed(part.languages)}" if part.languages else ""
    several = f"{plural(part.files, 'file')}, " if part.files > 1 else ""
    return (
        f"{several}{part.format}, about {format_count(part.tokens)} tokens, documents of about "
        f"{format_count(part.characters)} characters{spoken}"
    )


def _part(
    name: str,
    path: str,
    files: Sequence[str],
    shape: str,
    text: str,
    records: Sequence[Mapping[str, Any]],
    tokens: float,
    kind: Kind,
    reason: str,
) -> Part:
    texts = [record[text] for record in records if isinstance(record.get(text), str) and record[text].strip()]
    if not texts:
        raise BadInput(f"holds no text in '{text}'", where=path, remedy="check the field")
    length = statistics.median(len(one) for one in texts)
    return Part(name, path, len(files), shape, text, len(texts), length, tokens, _languages(texts), kind, reason)


def _languages(texts: Sequence[str]) -> tuple[str, ...]:
    """Those of at least a tenth of the texts; none where the detector is not installed."""
    from synthmix.generation.language import languages

    try:
        found = Counter(code for code in languages(texts[:100]) if code)
    except BadInput:
        return ()
    return tuple(code for code, count in found.most_common(3) if count >= 0.1 * found.total())


def _text_field(records: Sequence[Mapping[str, Any]], path: str) -> str:
    """The field of the text: a usual name, else the one with the longest strings."""
    lengths: dict[str, list[int]] = {}
    for record in records:
        for name, value in record.items():
            if isinstance(value, str):
                lengths.setdefault(name, []).append(len(value))
    full = {name: statistics.median(each) for name, each in lengths.items() if len(each) >= 0.5 * len(records)}
    if not full:
        has = listed(list(records[0])[:8])
        raise BadInput(f"no field holds text; it has {has}", where=path, remedy="give files with a field of text")
    longest = max(full.values())
    usual = [name for name in TEXT_FIELDS if name in full and full[name] >= 0.2 * longest]
    return usual[0] if usual else max(full, key=lambda name: full[name])


def _by_author(records: Sequence[Mapping[str, Any]], text: str) -> tuple[str, list[str], list[str]] | None:
    """A field that names people's and models' records side by side, with the values of both."""
    for field in WHO_FIELDS:
        values = [value for record in records if isinstance(value := record.get(field), str)]
        if field == text or len(values) < len(records):
            continue
        counts = Counter(values)
        people = [value for value in counts if value.lower() in PEOPLE]
        models = [value for value in counts if value not in people]
        if people and models and len(counts) <= MOST_AUTHORS:
            return field, people, models
    return None


def _kind(name: str) -> tuple[Kind, str]:
    """What a file seems to be by its name."""
    low = name.lower()
    if match := EVALUATION.search(low):
        return "evaluation", f"guessed: its name says {match.group(2)}"
    if match := SYNTHETIC.search(low):
        return "synthetic", f"guessed: its name says {match.group(2)}"
    return "natural", "guessed: nothing in its name says otherwise"


def _name(path: str) -> str:
    """``data/web-*.jsonl.gz`` -> ``web``; dots inside a name stay."""
    base = path.rstrip("/").split("/")[-1]
    base = re.sub(r"(\.(jsonl?|ndjson|parquet|pq|txt|text|md|rst))?(\.(gz|bz2|xz|zst|lz4))?$", "", base, flags=re.I)
    base = re.sub(r"[^\w.]+", "-", base.replace("*", "")).strip("-._ ").lower()
    return base or "corpus"


def _named_apart(parts: Sequence[Part]) -> list[Part]:
    seen: Counter[str] = Counter()
    found = []
    for part in parts:
        seen[part.name] += 1
        found.append(part if seen[part.name] == 1 else replace(part, name=f"{part.name}-{seen[part.name]}"))
    return found
