"""The tests' coverage by room as a table, and the files that they reach least: ``python benchmarks/covered.py FILE``.

FILE is what ``make coverage`` writes (build/coverage.json).
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

LEAST = 0.75
MISSED = 8  # statements: below, a small file's percentage says little


def main(path: str) -> None:
    """Print both tables."""
    files = json.loads(Path(path).read_text())["files"]
    rooms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    least = []
    for name, found in files.items():
        parts = Path(name).parts[Path(name).parts.index("synthmix") + 1 :]
        room = f"{parts[0]}/" if len(parts) > 1 else "files beside the rooms"
        counts = found["summary"]
        rooms[room][0] += counts["num_statements"]
        rooms[room][1] += counts["covered_lines"]
        share = counts["covered_lines"] / max(1, counts["num_statements"])
        if share < LEAST and counts["missing_lines"] >= MISSED:
            least.append((share, "/".join(parts), counts["missing_lines"]))
    rooms["**all**"] = [sum(each[i] for each in rooms.values()) for i in (0, 1)]
    print("| room | statements | run by a test |\n|---|---|---|")
    for room, (statements, covered) in sorted(rooms.items(), key=lambda row: (row[0].startswith("**"), row[0])):
        print(f"| {room} | {statements:,} | {covered / max(1, statements):.1%} |")
    print("\n| file | not run | covered |\n|---|---|---|")
    for share, name, missing in sorted(least):
        print(f"| `{name}` | {missing} | {share:.0%} |")


if __name__ == "__main__":
    main(sys.argv[1])
