"""Which runs share a trunk, and what is really trained for them: the one place that counts it.

With ``schedule: wsd`` the runs of one recipe, size and seed differ in their budgets alone, and until its decay begins
a run does not depend on its budget: that part is trained once, to the furthest branch point. B1 < ... < Bk tokens cost
(1 - decay) Bk + decay (B1 + ... + Bk) instead of B1 + ... + Bk (Haegele et al., arXiv 2405.18392, section 5; DERIVED).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from synthmix.store import Store, TrunkRecord
from synthmix.study.ladder import Cell
from synthmix.training.spec import RunSpec

Family = tuple[str, int, int]


@dataclass(frozen=True)
class Trunk:
    """The shared part of several runs: ``cell`` is the longest of them, ``stops`` their branch points in steps."""

    cell: Cell
    stops: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens trained once for all branches."""
        return max(self.stops) * self.cell.protocol.batch


def find_trunks(cells: Iterable[Cell]) -> dict[Family, Trunk]:
    """The trunks of a ladder, by family: where a schedule lets at least two budgets share one."""
    families: dict[Family, list[Cell]] = {}
    for cell in cells:
        if cell.branch:
            families.setdefault(cell.family, []).append(cell)
    return {
        family: Trunk(max(members, key=lambda cell: cell.steps), tuple(sorted({cell.branch for cell in members})))
        for family, members in families.items()
        if len({cell.steps for cell in members}) > 1
    }


def own_tokens(cell: Cell, trunks: dict[Family, Trunk]) -> int:
    """Tokens that are trained for this run alone: its decay when it has a trunk, else all of it."""
    return cell.tokens - (cell.branch * cell.protocol.batch if cell.family in trunks else 0)


def spec_family(spec: RunSpec) -> Family:
    """The family of a run that is specified."""
    return spec.recipe, spec.params, spec.seed


def trunk_records(store: Store, specs: Iterable[RunSpec]) -> list[TrunkRecord]:
    """What has been trained of the runs' trunks, each once."""
    found = (store.trunk_record(trunk) for trunk in sorted({spec.trunk for spec in specs}))
    return [record for record in found if record is not None]
