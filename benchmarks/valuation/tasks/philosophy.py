"""Pre-training for a textbook that people wrote (philosophy), against textbooks by models and against other text.

Held out: it was built before the n-gram baselines were added and the score was looked at again (docs/log.md), and was
looked at once after that. Chapters of reference and test stand in no contributor.
"""

from benchmarks.valuation.contributors import Recipe
from benchmarks.valuation.passages import passage_task, passages, texts, written
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tasks.task import Task

MOST = 1000  # passages of a chapter: all
TEXTBOOKS = ("gpt-4", "gpt-3.5-turbo-instruct", "mistral-7b-ft")
ESSAYS = ("gpt-3.5-turbo", "text-davinci-003", "flan-t5-xxl")
PAGES = ("gpt2-xl", "llama-7b", "gpt3re")
OTHERS = ("speeches", "wikipedia", "gutenberg", "web 2025")


def make() -> Task:
    """32 contributors of 75 to 450 passages; truth: test loss of a small Llama on passages of held-out chapters."""
    chapters = Source(texts("07_natural_text/openstax_philosophy.jsonl.gz"), natural=True)
    parts = chapters.split({"reference": 8, "test": 9}, seed=0)
    held = {name: passages(part.items, MOST, natural=True) for name, part in parts.items()}
    sources = {
        "real": held["rest"],
        "speeches": passages(texts("07_natural_text/us_gov_speech.jsonl.gz"), 20, natural=True),
        "wikipedia": passages(texts("07_natural_text/wiki_paragraphs.jsonl.gz"), 1, natural=True),
        "gutenberg": passages(texts("07_natural_text/gutenberg_books.jsonl.zst"), 1, natural=True),
        "web 2025": passages(texts("10_web_crawl/web_modern_2025.jsonl.gz"), 4, natural=True),
        **{f"textbook {name}": written("08_textbooks/phi_grid.jsonl.zst", name) for name in TEXTBOOKS},
        **{f"essay {name}": written("02_paired_essays/outfox.jsonl.gz", name) for name in ESSAYS},
        **{f"page {name}": written("03_paired_docs/seqxgpt.jsonl.gz", name) for name in PAGES},
    }
    generators = tuple(name for name in sources if name not in ("real", *OTHERS) and len(sources[name]) >= 300)
    return passage_task(
        "philosophy",
        sources,
        generators=generators,
        fixed=(
            Recipe(75, 1.0),
            Recipe(450, 1.0),
            *(Recipe(150, 1.0, natural=name) for name in OTHERS),
            *(Recipe(300, 0.0, name) for name in generators[:3]),
            Recipe(300, 0.0, generators[-1]),
            Recipe(300, 1.0, copies=4),
        ),
        sizes=(75, 150, 300),
        seed=22,
        reference=("a textbook's chapters", held["reference"]),
        test=("held-out chapters", held["test"]),
        seeds=2,
    )
