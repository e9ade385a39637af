"""How well and how fast languages are told: ``python benchmarks/language.py NATURAL.jsonl.gz ... [--po FOLDER]``.

The files hold English ``text``; pieces of 300 words of them should all be English (a crawl does hold other languages).
``--po``: a folder of translations (the wheel of Django unpacked, say): messages of ``locale/<code>/LC_MESSAGES/*.po``
joined to texts of sixty words, in fifteen languages. Prints Markdown: share told right and told wrong, and MB of text a
second of the processor. Detectors that are not installed (``pip install py3langid lingua-language-detector``) are left
out.
"""

import argparse
import gzip
import importlib.util
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from synthmix.generation.language import languages

LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "cs", "fi", "hu", "tr", "ro", "id")
RELATIVES = {"no": "da", "nb": "da", "nn": "da", "ms": "id"}
PIECES = 800
Detect = Callable[[list[str]], list[str | None]]


def pieces(file: str) -> list[str]:
    found = []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            words = json.loads(line)["text"].split(" ")
            found += [" ".join(words[at : at + 300]) for at in range(0, len(words) - 200, 300)]
    random.Random(0).shuffle(found)
    return found[:PIECES]


def messages(folder: Path, language: str) -> Iterator[str]:
    held: list[str] = []
    for path in sorted(folder.rglob(f"locale/{language}/LC_MESSAGES/*.po")):
        for block in re.findall(r'^msgstr(?:\[0\])? ((?:"[^\n]*"\n)+)', path.read_text(encoding="utf-8"), re.MULTILINE):
            text = re.sub(r"%\(\w+\)s|%s|\\n|\{.*?\}|<.*?>", " ", "".join(re.findall(r'"(.*)"', block)))
            if "Project-Id" not in text and len(text.split()) >= 5:
                held.append(text)
            if sum(len(one.split()) for one in held) >= 60:
                yield " ".join(held)
                held = []


def others() -> dict[str, Detect]:
    found: dict[str, Detect] = {}
    if importlib.util.find_spec("py3langid"):
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        for most in (120, 200, 500):
            found[f"py3langid, {most} characters"] = (
                lambda texts, most=most: [  # type: ignore[misc]
                    model.classify(text[:most])[0] for text in texts
                ]
            )
    if importlib.util.find_spec("lingua"):
        from lingua import LanguageDetectorBuilder

        built: Any = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()

        def lingua(texts: list[str]) -> list[str | None]:
            told = [built.detect_language_of(text[:200]) for text in texts]
            return [None if one is None else one.iso_code_639_1.name.lower() for one in told]

        found["lingua (low accuracy), 200 characters"] = lingua
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--po", type=Path)
    given = parser.parse_args()
    english = [piece for file in given.files for piece in pieces(file)]
    foreign = {code: [*messages(given.po, code)] for code in LANGUAGES} if given.po else {}
    size = sum(len(text.encode()) for text in english) / 1e6
    count = sum(map(len, foreign.values()))
    print(f"{len(english):,} English pieces, {count:,} texts in {len(foreign)} other languages\n")
    print("| detector | English right | wrong | others right | wrong | MB per processor second |")
    print("|---|---|---|---|---|---|")
    for name, detect in {"this project's": languages, **others()}.items():
        detect(english[:5])
        begun = time.process_time()
        told = detect(english)
        seconds = time.process_time() - begun
        right, wrong = told.count("en"), sum(one not in ("en", None) for one in told)
        cells = [f"{100 * right / len(told):.2f} %", f"{wrong}"]
        named = [(code, [RELATIVES.get(str(one), one) for one in detect(texts)]) for code, texts in foreign.items()]
        hits = sum(own.count(code) for code, own in named)
        misses = sum(one not in (code, None) for code, own in named for one in own)
        cells += [f"{100 * hits / count:.1f} %", f"{misses}"] if count else ["", ""]
        print(f"| {name} | {' | '.join(cells)} | {size / seconds:.0f} |")


if __name__ == "__main__":
    main()
