"""Decisions on studies made from a formula, as JSON: ``python -m tests.decided_studies``."""

import json
import sys
from typing import Any

from tests.made_study import make_results

from synthmix.decisions import ask, decide, fit_study
from synthmix.runs.load import of_results

# A source that helps; one that hurts; one that is natural text's equal, with the noise of seeds and without any: then
# everything that is compared is as small as rounding.
STUDIES: dict[str, dict[str, Any]] = {
    "helps": {},
    "hurts": {"sources": {"hq": (0.3, 0.1)}},
    "equal": {"sources": {"hq": (0.0, 0.0)}},
    "equal without noise": {"sources": {"hq": (0.0, 0.0)}, "sd": 0.0},
}
DRAWS = 30


def decided() -> dict[str, Any]:
    """Study -> what is decided, and on what laws."""
    found = {}
    for name, made in STUDIES.items():
        table = of_results(make_results(**made))
        fits = fit_study(table, bootstrap=DRAWS)
        answer = decide(table, fits, ask("3M", "30M", synthetic=["hq,price=1"]), explore=False)
        laws = [(one.law, one.recipe, one.held_out and one.held_out.model_dump()) for one in fits.summaries]
        found[name] = {
            "decision": answer.model_dump(mode="json"),
            "laws": laws,
            "values": {source: [law.values.tolist() for law in one.laws] for source, one in fits.sources.items()},
            "warnings": [(warn.code, warn.message) for warn in fits.warnings],
        }
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(decided()))
