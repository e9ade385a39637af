"""What filters and quality report say of text that models are known to have written, beside its natural originals.

``python benchmarks/generated_text.py FILE.jsonl.gz [--op rewrite] [--domain news]``: records with ``text``, ``source``
(``human`` or the generator), ``op``, ``domain`` and ``pair_id`` (shared by a natural text and what was made of it).
Prints Markdown: what each filter drops of each generator and of the natural texts, how much of the text is contaminated
when the natural originals are held out, and the quality report.
"""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from synthmix.generation.assemble import Cleaning, Generated
from synthmix.generation.filtering import filter_generated
from synthmix.generation.filters import Filters, heldout_index
from synthmix.generation.measures import MEASURES, Pair
from synthmix.generation.ngrams import words_of
from synthmix.generation.quality import QualityReport, quality_report
from synthmix.generation.template import load_template

SHOWN = (
    *("words", "words_kept", "words_added", "numbers_kept", "numbers_added", "names_kept", "names_added", "copied"),
    *("distinct_1", "distinct_2", "distinct_4", "compression", "self_repetition", "self_similarity", "meta_talk"),
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for line in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(line) + " |")
    print()


def read(file: Path, op: str, domain: str | None) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Natural texts by pair, and generator -> (pair, text), cleaned as a job cleans its answers."""
    human: dict[str, str] = {}
    made: dict[str, list[tuple[str, str]]] = {}
    clean = Cleaning().clean
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if domain not in (None, record["domain"]) or record["pair_id"] is None:
                continue
            if record["source"] == "human":
                human[record["pair_id"]] = record["text"]
            elif record["op"] == op:
                made.setdefault(record["source"], []).append((record["pair_id"], clean(record["text"])))
    return human, {name: [one for one in own if one[0] in human] for name, own in sorted(made.items())}


def filtered(name: str, documents: list[Generated]) -> list[str]:
    found = filter_generated(documents, heldout=(), template=load_template("hq"), filters=Filters(language="en"))
    list(found)
    dropped = Counter({row.reason: row.documents for row in found.table})
    reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.most_common() if count)
    return [name, f"{found.read:,}", f"{100 * found.kept / found.read:.1f} %", reasons or "-"]


def compared(report: QualityReport) -> None:
    names = [name for name in SHOWN if any(name in one.measures for one in report.sets)]
    rows = []
    for name in names:
        about = MEASURES[name]
        cells = []
        for one in report.sets:
            measure, scale = one.measures.get(name), 100 if about.share else 1
            cells.append(
                f"{scale * measure.value:.3g} ({scale * (measure.low or 0):.3g} to {scale * (measure.high or 0):.3g})"
                if measure is not None
                else ""
            )
        rows.append([about.label + (" (%)" if about.share else ""), *cells])
    table(["measure", *[f"{one.name} ({one.documents})" for one in report.sets]], rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--op", default="rewrite")
    parser.add_argument("--domain")
    given = parser.parse_args()
    human, made = read(given.file, given.op, given.domain)
    print(f"{len(human):,} natural texts, op {given.op}, domain {given.domain or 'all'}\n")
    rows = [filtered("human", [Generated(text, pair, "", 0, "") for pair, text in human.items()])]
    rows += [
        filtered(name, [Generated(text, pair, "", 0, human[pair]) for pair, text in own]) for name, own in made.items()
    ]
    table(["writer", "texts", "kept", "dropped for"], rows)
    index = heldout_index(human.values())
    rows = []
    for name, own in made.items():
        shares = index.counts(words_of([text for _, text in own])) > 0
        found = filter_generated([Generated(text, pair, "", 0, human[pair]) for pair, text in own], heldout=index)
        list(found)
        by_text_or_source = sum(row.documents for row in found.table if row.reason.startswith("contaminated"))
        rows.append([name, f"{100 * shares.mean():.1f} %", f"{100 * by_text_or_source / found.read:.1f} %"])
    table(["writer", "shares 13 words with a held-out original", "dropped, its source known"], rows)
    compared(quality_report({name: [Pair(text, human[pair]) for pair, text in own] for name, own in made.items()}))


if __name__ == "__main__":
    main()
