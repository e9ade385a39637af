"""Questions for lm-evaluation-harness from any held-out text: which of four continuations is the real one?

    python examples/tasks/make_continuations.py data/wiki.jsonl tasks/continuations.jsonl --questions 500

The wrong ones are the continuations of other documents of the same text, cut to the same number of words. Guessing
scores one in four; word frequencies alone do not help, fitting the context does. Use text that nothing was trained on.
"""

import argparse
import gzip
import json
import random
from pathlib import Path

CHOICES = 4


def main() -> None:
    """Read texts, write questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, help="JSONL, may be gzipped, with the field `text`")
    parser.add_argument("to", type=Path, help="JSONL of questions")
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--context", type=int, default=24, help="words that are shown")
    parser.add_argument("--continuation", type=int, default=12, help="words to choose from")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    pieces = list(read_pieces(asked.text, asked.context, asked.continuation))
    if len(pieces) < 2 * CHOICES:
        parser.error(f"{asked.text} has {len(pieces)} texts of {asked.context + asked.continuation} words: too few")
    rng = random.Random(asked.seed)
    rng.shuffle(pieces)
    asked.to.parent.mkdir(parents=True, exist_ok=True)
    with asked.to.open("w", encoding="utf-8") as file:
        for i, (document, context, right) in enumerate(pieces[: asked.questions]):
            others = [piece for piece in rng.sample(pieces, min(len(pieces), 8 * CHOICES)) if piece[0] != document]
            choices = [right, *(wrong for _, _, wrong in others[: CHOICES - 1])]
            if len(choices) == CHOICES:
                answer = i % CHOICES
                choices[0], choices[answer] = choices[answer], choices[0]
                file.write(json.dumps({"context": context, "choices": choices, "answer": answer}) + "\n")


def read_pieces(path: Path, context: int, continuation: int) -> list[tuple[int, str, str]]:
    """(document, context, continuation) of every stretch of a text that is long enough."""
    opener = gzip.open if path.suffix == ".gz" else open
    found, length = [], context + continuation
    with opener(path, "rt", encoding="utf-8") as file:
        for document, line in enumerate(file):
            words = json.loads(line)["text"].split()
            for start in range(0, len(words) - length + 1, length):
                piece = words[start : start + length]
                found.append((document, " ".join(piece[:context]), " " + " ".join(piece[context:])))
    return found


if __name__ == "__main__":
    main()
