"""A study's folder read back: its runs table, and which corpora and held-out domains lie there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import FILE
from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.results import Recipe
from synthmix.runs import Cell, RunsTable
from synthmix.runs.table import Kind, mixture_of, of_rows
from synthmix.store import RunRecord
from synthmix.study.corpora import EvaluationDomain, domains_of
from synthmix.study.rows import run_row, task_metrics
from synthmix.study.workspace import Workspace


@dataclass(frozen=True)
class FinishedStudy:
    """``corpora`` by content id; ``domains`` by the names that the runs' losses have; ``table``: the ladder's runs, on
    these domains; ``records``: theirs, in the same order."""

    folder: Path
    table: RunsTable
    records: list[RunRecord]
    corpora: dict[str, Corpus]
    domains: dict[str, EvaluationDomain]

    @property
    def recipes(self) -> list[str]:
        """Names, natural text alone first, then by synthetic share and name."""
        return sorted(self.table.recipes, key=lambda name: (self.table.share(name), name))

    @property
    def cells(self) -> list[Cell]:
        """(N, D) with finished runs, the largest last."""
        return self.table.cells

    def record(self, recipe: str) -> RunRecord:
        """A record of a recipe."""
        return self.records[self.table.text("recipe").index(recipe)]

    def corpus(self, record: RunRecord, source: str) -> Corpus:
        """The corpus that a record's source was read from.

        Raises:
            BadInput: it is not there any more.
        """
        found = self.corpora.get(record.spec.corpora[source])
        if found is None:
            raise BadInput(
                f"its corpus {source} ({record.spec.corpora[source]}) is not below {self.folder / 'corpora'}",
                where=record.spec.recipe,
                remedy="keep the study's corpora, or build the statistics where they are",
            )
        return found


def read_study(where: Path) -> FinishedStudy:
    """From a study's file, its folder, or its ``results.json``.

    Raises:
        BadInput: nothing of a study there, or no finished run.
    """
    folder = study_folder(where)
    space = Workspace(folder)
    records = ladder_records(space)
    if not records:
        raise BadInput("no run is finished yet", where=folder, remedy="run it with synthmix study run")
    corpora: dict[str, Corpus] = {}
    heldout: dict[str, EvaluationDomain] = {}
    for path in sorted(space.corpora.glob(f"*/{FILE}")):
        corpus = Corpus.open(path.parent)
        corpora[corpus.id] = corpus
        for domain in domains_of(corpus.name, corpus, whole=False):
            heldout[domain.id] = domain
    names = [name for name in records[0].losses if all(name in record.losses for record in records)]
    domains = {name: heldout[i] for name in names if (i := records[0].losses[name].corpus) in heldout}
    if not domains:
        raise BadInput("none of the held-out domains is there any more", where=space.corpora)
    table = _table(records, corpora, list(domains))
    kept = [record for record, code in zip(records, table.text("diverged"), strict=True) if code is None]
    return FinishedStudy(folder, table.sound, kept, corpora, domains)


def ladder_records(space: Workspace) -> list[RunRecord]:
    """The finished runs of a study's folder but the generators of sampled text, from which no law is
    fitted, and those that diverged."""
    found = [record for record in space.runs.records() if record.spec.stage == "ladder"]
    return [record for record in found if record.diverged is None]


def _table(records: list[RunRecord], corpora: Mapping[str, Corpus], domains: list[str]) -> RunsTable:
    """Recipes that have one name and other shares (a study whose file has changed) are told apart by their shares."""
    kinds: dict[str, Kind] = {}
    for record in records:
        for source, corpus in record.spec.corpora.items():
            if corpus in corpora:
                kinds[source] = corpora[corpus].meta.kind
    recipes: dict[str, Recipe] = {}
    tasks, _ = task_metrics(records)
    rows = []
    for record in records:
        shares = {name: float(share) for name, share in record.spec.shares.items()}
        synthetic = [name for name in shares if kinds.get(name) == "synthetic"]
        alone = len(synthetic) == 1 and record.spec.mixture.is_static
        share = sum(shares[name] for name in synthetic)
        name = record.spec.recipe
        unique = {source: float(ratio) for source, ratio in record.spec.unique.items()}
        if name in recipes and (recipes[name].shares, recipes[name].unique) != (shares, unique):
            name = f"{name} ({mixture_of(shares, unique)})"
        mine = Recipe(name=name, shares=shares, synthetic=synthetic[0] if alone else None, share=share, unique=unique)
        rows.append(run_row(record, recipes.setdefault(name, mine), domains, tasks))
    return of_rows(rows, recipes.values(), kinds, tasks)


def study_folder(where: Path) -> Path:
    """The folder of a study that is named by its file, its folder or its results.

    Raises:
        BadInput: there is no such file or folder, or it is another kind of file.
    """
    where = Path(placed(where))
    if where.is_dir():
        return where
    if where.suffix.lower() in (".yaml", ".yml"):
        from synthmix.study.load import load_study

        return load_study(where).root
    if where.suffix == ".json" and where.exists():
        return where.parent
    problem = "is no study" if where.exists() else "no such study"
    raise BadInput(problem, where=where, remedy="name its file or its folder")
