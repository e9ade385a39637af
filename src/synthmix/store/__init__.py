"""Run records: content-hashed ids, written atomically and last, one query surface.

runs/<id>/progress.json       how far a run in work is (for people looking on; may be stale)
runs/<id>/state.safetensors   the middle of a run, from which it resumes
runs/<id>/checkpoint/         the finished model, as transformers loads it
runs/<id>/record.json         the finished run; there is none before all else is there
runs/trunk-<id>/              what runs that differ in budget alone share: its states at the branch points, trunk.json
"""

from synthmix.store.records import DomainScore, RunRecord, TrunkRecord, flat
from synthmix.store.store import Store

__all__ = ["DomainScore", "RunRecord", "Store", "TrunkRecord", "flat"]
