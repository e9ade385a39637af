"""A card for a corpus or a mixture in the Hugging Face format: YAML front matter, then Markdown.

https://huggingface.co/docs/hub/datasets-cards: origin, licence, generator, shares, diversity, coverage, known risks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from synthmix.corpus.corpus import Corpus
from synthmix.interval import format_interval
from synthmix.markdown import cell, front_matter, size_category
from synthmix.statistics.mixtures import ShareRow
from synthmix.statistics.representation import Representation, summary
from synthmix.statistics.types import Described, Survey
from synthmix.table import Column, Table, facts

RISKS = {
    "natural": [
        "It holds what people wrote and somebody collected: errors, bias and personal data may be among it.",
        "Text collected after 2022 may itself be written by models; nothing here can tell.",
    ],
    "synthetic": [
        "It was written by a model. It may state what is false with confidence; nobody has checked it.",
        "What the generator does not know or avoids is missing; training on much of it narrows what a model knows.",
        "Biases of the generator and of its source are carried on and may be stronger; the checks here are a lens.",
        "The terms of the generator and the licence of the source both apply.",
    ],
}
COMMON = "Near-duplicates of held-out text were removed by token 5-grams; a paraphrase of it is not found."


def corpus_card(
    name: str, corpus: Corpus, survey: Survey, representation: Representation | None = None, language: str = "en"
) -> str:
    """The card of one training corpus of a survey; ``representation``: against the survey's first corpus."""
    meta, counts = corpus.meta, corpus.train_counts
    described = next(text for text in survey.texts if text.name == name and text.kind != "held out")
    origin = {
        "Kind": meta.kind,
        "Origin": meta.origin or "not stated",
        "License": meta.license or "not stated",
        "Generator": _plain(meta.generator)
        if meta.generator
        else ("none" if meta.kind == "natural" else "not recorded"),
        "Domains": ", ".join(meta.train),
        "Documents": f"{counts.documents:,}",
        "Tokens": f"{counts.tokens:,} of a vocabulary of {meta.vocab_size:,}",
        "Bytes": f"{counts.bytes:,}",
        "Removed": ", ".join(f"{n:,} {why.replace('_', ' ')}" for why, n in meta.removed.items() if n) or "nothing",
        "Content id": meta.id,
    }
    parts = [
        _front(name, meta.license, meta.kind == "synthetic", counts.documents, language),
        f"# {cell(name)}",
        f"{counts.documents:,} documents of {meta.kind} text.",
        "## Origin",
        facts("", origin).markdown(),
        "## Diversity",
        _diversity(described, survey),
        "## Coverage",
        _coverage(name, survey),
    ]
    if representation is not None:
        first = survey.texts[0].name
        parts += [f"## Over- and under-represented against {cell(first)}", _bullets(summary(representation))]
    return "\n\n".join([*parts, "## Known risks", _bullets([*RISKS[meta.kind], COMMON])]) + "\n"


def mixture_card(
    natural: str,
    corpora: Mapping[str, Corpus],
    rows: Sequence[ShareRow],
    survey: Survey,
    language: str = "en",
) -> str:
    """The card of one mixture: ``rows`` are its expected coverage and divergence, one a held-out domain."""
    synthetic, share = rows[0].synthetic, rows[0].share
    name = f"{share:.1%} {synthetic} in {natural}"
    parts = {natural: 1 - share, synthetic: share}
    licenses = {corpora[source].meta.license or "not stated" for source, part in parts.items() if part}
    columns = [Column("source"), Column("share", form=".2%"), *map(Column, ("kind", "origin", "license", "generator"))]
    table = [
        (
            source,
            part,
            corpora[source].meta.kind,
            corpora[source].meta.origin or "not stated",
            corpora[source].meta.license or "not stated",
            _plain(corpora[source].meta.generator) if corpora[source].meta.generator else "none recorded",
        )
        for source, part in parts.items()
    ]
    smoothing = rows[0].divergences[0].smoothing
    measured = [
        Column("heldout", "held out"),
        Column("mass", "tokens covered", ".3%"),
        Column("types", "types covered", ".2%"),
        Column("kl", "KL(test‖train)", ".4f"),
        Column("js", "Jensen-Shannon", ".4f"),
    ]
    coverage = [
        (row.domain, row.coverage_mass[1], row.coverage_types[1], first.kl_test_train, first.jensen_shannon)
        for row in rows
        for first in row.divergences[:1]
    ]
    diversity = [_diversity(t, survey) for t in survey.texts if t.name in parts and t.kind != "held out"]
    documents = sum(corpora[source].train_counts.documents for source, part in parts.items() if part)
    kinds = {corpora[source].meta.kind for source, part in parts.items() if part}
    risks = list(dict.fromkeys(risk for kind in sorted(kinds) for risk in RISKS[kind]))
    return "\n\n".join(
        [
            _front(name, " and ".join(sorted(licenses)), "synthetic" in kinds, documents, language),
            f"# {cell(name)}",
            f"A mixture by tokens, {rows[0].tokens:,} of them.",
            "## Shares",
            Table("shares", columns, table).markdown(),
            "## Diversity of its sources",
            *diversity,
            "## Coverage",
            f"Expected, from the sources' counts; KL smoothed by {smoothing}.",
            Table("coverage", measured, coverage).markdown(),
            "## Known risks",
            _bullets([*risks, COMMON]),
        ]
    ) + "\n"  # fmt: skip


def _front(name: str, license: str, synthetic: bool, documents: int, language: str) -> str:
    made = ["machine-generated"] if synthetic else ["found"]
    front: dict[str, Any] = {
        "pretty_name": name,
        "language": [language],
        "license": license or "unknown",
        "language_creators": made,
        "task_categories": ["text-generation"],
        "tags": ["synthmix", *(["synthetic"] if synthetic else [])],
        "size_categories": [size_category(documents)],
    }
    return front_matter(front)


def _diversity(text: Described, survey: Survey) -> str:
    law, grown, packed, same = text.zipf, text.heaps, text.compression, text.duplication
    rows = [
        ("distinct tokens", f"{text.types[1]:,} of the first {text.tokens:,}"),
        ("unigram entropy", f"{text.entropy:.3f} nats"),
    ]
    if law:
        rows.append(("Zipf exponent", format_interval(law.exponent, ".3f")))
    if grown:
        rows.append(("Heaps exponent", format_interval(grown.exponent, ".3f")))
    if packed:
        rows.append(("compression ratio", f"{packed.ratio:.2f} (zstd, first {packed.bytes:,} bytes)"))
    if same:
        rows.append(("near-duplicates", f"{format_interval(same.rate, '.2%')} of {same.documents:,} documents"))
    return Table("diversity", [Column("what", text.name), Column("value", "")], rows).markdown()


def _coverage(name: str, survey: Survey) -> str:
    columns = [
        Column("heldout", "held out"),
        Column("by"),
        Column("mass", "mass covered", ".3%"),
        Column("types", "types covered", ".2%"),
        Column("kl", "KL(test‖train)", ".4f"),
    ]
    rows = [
        (
            pair.against,
            f"{pair.comparison.n} {pair.unit}",
            pair.comparison.coverage_mass[1],
            pair.comparison.coverage_types[1],
            pair.comparison.divergences[0].kl_test_train,
        )
        for pair in survey.pairs
        if pair.corpus == name
    ]
    return Table("coverage", columns, rows).markdown()


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {cell(line)}" for line in lines)
