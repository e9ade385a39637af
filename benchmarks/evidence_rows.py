"""Rows of the evidence table that are derived from published tables of runs: effects and throughputs as facts.

    python benchmarks/evidence_rows.py [--check]

Writes ``src/synthmix/evidence/data/effects/finephrase.csv`` and ``data/throughputs/finephrase.csv`` from FinePhrase's
runs and generated sets (arXiv 2604.13977), then ``data/fitted.json``, the model of the whole table, which is kept so
that advice need not fit it; with ``--check`` it only says whether they are what would be written. Every effect is the
macro score of a run at its last checkpoint minus that of natural text alone, of the same natural text and student. Nine
runs each of two recipes differ in their seed alone: their pooled standard deviation at a student's size is borrowed by
all other recipes of it.

The published tables are those in golden/public_runs of a folder `shared` beside the checkout, or in SYNTHMIX_SHARED.
"""

import argparse
import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.evidence import fit_effects, table
from synthmix.evidence.prior import FAMILIES, kept_fit
from synthmix.runs import RunsTable, read_runs

HERE = Path(__file__).resolve().parents[1]
PUBLIC = Path(os.environ.get("SYNTHMIX_SHARED", HERE.parent / "shared")) / "golden" / "public_runs"
DATA = HERE / "src" / "synthmix" / "evidence" / "data"
METRIC = "task.macro"
NATURAL = ("dclm", "essentialweb_clean", "essentialweb_raw", "finepdfs_edu", "fw", "fw_edu_hq", "fw_edu_lq")
#: The beginning of a generated set's name -> our kind. What is not here has its own name as its kind.
KINDS = {
    "wikipedia_style_rephrasing": "hq", "diverse_qa_pairs": "qa", "cosmopedia": "textbook", "rewire": "guided_rewrite",
    "guided_rewrite_original": "guided_rewrite", "guided_rewrite_improved": "guided_rewrite",
    "nemotron_hq_synth": "several", "synth_query_reasoning_answer": "reasoning", "synth_reasoning": "reasoning",
    "synth_answers": "qa", "rephrase": "rephrase", "knowledge_list": "knowledge", "extract_knowledge": "knowledge",
}  # fmt: skip
NAMED = (
    "faq", "math", "table", "tutorial", "article", "commentary", "discussion", "narrative", "explanation", "continue",
    "distill", "summarize",
)  # fmt: skip
SIZES = {
    "270m": ("gemma-3-270m", 270e6), "1b": ("gemma-3-1b", 1e9), "4b": ("gemma-3-4b", 4e9),
    "12b": ("gemma-3-12b", 12e9), "27b": ("gemma-3-27b", 27e9), "falcon3_1b": ("falcon3-1b", 1e9),
    "granite3_1b": ("granite-3.1-1b-a400m", 1e9), "llama3.2_1b": ("llama-3.2-1b", 1e9),
    "qwen3_1.7b": ("qwen3-1.7b", 1.7e9), "qwen1.5_1.8b": ("qwen1.5-1.8b", 1.8e9),
    "qwen2.5_1.5b": ("qwen2.5-1.5b", 1.5e9), "qwen2_1.5b": ("qwen2-1.5b", 1.5e9),
    "smollm2_1.7b": ("smollm2-1.7b", 1.7e9), "smollm2_135m": ("smollm2-135m", 135e6),
    "smollm2_360m": ("smollm2-360m", 360e6),
}  # fmt: skip
FIELDS = (
    "study", "kind", "recipe", "generator", "generator_params", "base", "N", "D", "share", "metric", "unit", "effect",
    "se", "se_note", "runs", "obtained",
)  # fmt: skip
RATES = ("study", "kind", "set", "generator", "generator_params", "gpu", "tokens_in", "tokens_out", "gpu_hours")


def kind_of(source: str) -> str:
    for start in sorted((*KINDS, *NAMED), key=len, reverse=True):
        if source.startswith(start):
            return KINDS.get(start, start)
    raise ValueError(f"no kind for the generated set {source}")


def generator_of(source: str) -> tuple[str, float | None]:
    for name in sorted(SIZES, key=len, reverse=True):
        if re.search(rf"_{re.escape(name)}(_|$)", source):
            return SIZES[name]
    return "", None


def last_checkpoints() -> RunsTable:
    mapping = HERE / "examples" / "mappings" / "finephrase_runs.yaml"
    return read_runs(PUBLIC / "finephrase_runs.csv.gz", mapping=mapping)


def shares_of(runs: RunsTable) -> list[dict[str, float]]:
    columns = {source: runs.column(f"share.{source}") for source in runs.sources}
    return [
        {source: float(column[i]) for source, column in columns.items() if np.nan_to_num(column[i]) > 1e-9}
        for i in range(len(runs))
    ]


def effects() -> Iterator[dict[str, Any]]:
    runs = last_checkpoints()
    whole = np.isclose(runs.column("D"), 21e9, rtol=1e-3)  # four runs were stopped early or trained on
    runs = runs.select(whole)
    shares, scores, sizes = shares_of(runs), runs.column(METRIC), runs.column("N")
    for size in sorted(set(sizes.tolist())):
        mine = [i for i in range(len(runs)) if sizes[i] == size]
        noise = runs.select(sizes == size).noise(METRIC)
        sd, note = noise.sd, f"borrowed: {noise.dof} degrees of freedom of two recipes"
        assert sd is not None
        cells: dict[tuple[tuple[str, float], ...], list[float]] = {}
        for i in mine:
            key = tuple(sorted((name, round(part, 6)) for name, part in shares[i].items()))
            cells.setdefault(key, []).append(float(scores[i]))
        alone = {
            tuple(sorted(name for name, _ in key)): values
            for key, values in cells.items()
            if all(name in NATURAL for name, _ in key) and len({part for _, part in key}) == 1
        }
        for key, values in cells.items():
            parts = dict(key)
            made = [name for name in parts if name not in NATURAL and not name.startswith("ultra")]
            natural = tuple(sorted(name for name in parts if name in NATURAL))
            if not made or any(name.startswith("ultra") for name in parts):
                continue
            if not natural:  # pure synthetic text: against the text that it rewrote, else against fw_edu_hq
                ends = {name.rsplit("_", 1)[-1] for name in made}
                natural = ("dclm",) if ends == {"dclm"} else ("fw_edu_lq",) if ends == {"lq"} else ("fw_edu_hq",)
            if natural not in alone:
                continue
            kinds = {kind_of(name) for name in made}
            generators = {generator_of(name) for name in made}
            generator, params = generators.pop() if len(generators) == 1 else ("several", None)
            base = alone[natural]
            yield {
                "study": "finephrase",
                "kind": kinds.pop() if len(kinds) == 1 else "several",
                "recipe": " + ".join(f"{part:.3g} {name}" for name, part in key),
                "generator": generator,
                "generator_params": "" if params is None else f"{params:.4g}",
                "base": " + ".join(natural),
                "N": f"{size:.4g}",
                "D": "2.1e+10",
                "share": f"{sum(part for name, part in parts.items() if name in made):.4g}",
                "metric": "macro score, 12 tasks",
                "unit": "score",
                "effect": f"{np.mean(values) - np.mean(base):.5f}",
                "se": f"{sd * (1 / len(values) + 1 / len(base)) ** 0.5:.5f}",
                "se_note": note,
                "runs": str(len(values)),
                "obtained": "derived from the published runs",
            }


def throughputs() -> Iterator[dict[str, Any]]:
    for each in json.loads((PUBLIC / "finephrase_generated_sets.json").read_text()):
        name = each["run"].split("/")[1]
        flat = each["training_run"].rsplit("-", 1)[-1]
        generator, params = generator_of(flat)
        yield {
            "study": "finephrase", "kind": kind_of(name), "set": flat, "generator": generator,
            "generator_params": "" if params is None else f"{params:.4g}", "gpu": "",
            "tokens_in": f"{each['input_tokens']:.4g}", "tokens_out": f"{each['output_tokens']:.4g}",
            "gpu_hours": f"{each['gpu_time_seconds'] / 3600:.4g}",
        }  # fmt: skip


def text_of(fields: tuple[str, ...], rows: Iterator[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file would change")
    check = parser.parse_args().check
    if not PUBLIC.is_dir():
        sys.exit(f"no published runs in {PUBLIC}; name the folder with golden/ in SYNTHMIX_SHARED")
    changed = False
    made = {
        DATA / "effects" / "finephrase.csv": lambda: text_of(FIELDS, effects()),
        DATA / "throughputs" / "finephrase.csv": lambda: text_of(RATES, throughputs()),
        DATA / "fitted.json": fitted,
    }
    for path, text_now in made.items():
        text = text_now()
        same = path.exists() and path.read_text(encoding="utf-8") == text
        changed |= not same
        print(f"{path.relative_to(HERE)}: {text.count(chr(10))} lines, {'as it is' if same else 'changed'}")
        if not check and not same:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    sys.exit(1 if check and changed else 0)


def fitted() -> str:
    """The models of the table as it stands on disk."""
    table.effects.cache_clear()
    models = {family: kept_fit(fit_effects(table.effects(), family)) for family in FAMILIES}
    return json.dumps(models, indent=1) + "\n"


if __name__ == "__main__":
    main()
