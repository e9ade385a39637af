"""Pre-training for the web: pages of 2012 against textbooks, essays, pages, news and stories of 12 models.

Held out: it was built when the score, its weights and its encoder were fixed, and was looked at once. Passages of at
most 120 words; a page gives passages to one part only.
"""

from benchmarks.valuation.contributors import Recipe
from benchmarks.valuation.passages import passage_task, passages, texts, written
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tasks.task import Task

TEXTBOOKS = ("gpt-4", "gpt-3.5-turbo-instruct", "mistral-7b-ft")
ESSAYS = ("gpt-3.5-turbo", "text-davinci-003", "flan-t5-xxl")
PAGES = ("gpt2-xl", "gpt-neo-2.7B", "llama-7b", "gpt3re")  # continuations of mixed web texts
REWRITERS = ("gpt-4o", "qwen2-7b")  # of news and stories
OTHERS = ("web 2025", "wikipedia", "brown", "gutenberg")


def make() -> Task:
    """32 contributors of 125 to 500 passages; truth: test loss of a small Llama on the passages of held-out pages."""
    pages = Source(texts("10_web_crawl/web_dragnet_2012.jsonl.gz"), natural=True)
    parts = pages.split({"reference": 150, "test": 150}, seed=0)
    held = {name: passages(part.items, 2 if name != "rest" else 6, natural=True) for name, part in parts.items()}
    sources = {
        "real": held["rest"],
        "web 2025": passages(texts("10_web_crawl/web_modern_2025.jsonl.gz"), 4, natural=True),
        "wikipedia": passages(texts("07_natural_text/wiki_paragraphs.jsonl.gz"), 1, natural=True),
        "brown": passages(texts("07_natural_text/brown.jsonl.gz"), 4, natural=True),
        "gutenberg": passages(texts("07_natural_text/gutenberg_books.jsonl.zst"), 1, natural=True),
        **{f"textbook {name}": written("08_textbooks/phi_grid.jsonl.zst", name) for name in TEXTBOOKS},
        **{f"essay {name}": written("02_paired_essays/outfox.jsonl.gz", name) for name in ESSAYS},
        **{f"page {name}": written("03_paired_docs/seqxgpt.jsonl.gz", name) for name in PAGES},
        **{f"rewrite {name}": written("01_paired_core/core.jsonl.gz", name, "rewrite") for name in REWRITERS},
    }
    generators = tuple(name for name in sources if name not in ("real", *OTHERS))
    return passage_task(
        "web",
        sources,
        generators=generators,
        fixed=(
            Recipe(125, 1.0),
            Recipe(500, 1.0),
            *(Recipe(250, 1.0, natural=name) for name in OTHERS),
            *(Recipe(250, 0.0, generators[at]) for at in (0, 3, 6, 10)),
            Recipe(500, 1.0, copies=4),
        ),
        sizes=(125, 250, 500),
        seed=11,
        reference=("pages of 2012", held["reference"]),
        test=("held-out pages of 2012", held["test"]),
    )
