"""A study's folder read back for its text: which corpora, held-out domains and finished runs lie there."""

from dataclasses import dataclass
from pathlib import Path

from synthmix.corpus.corpus import Corpus
from synthmix.corpus.meta import FILE
from synthmix.errors import BadInput
from synthmix.store import RunRecord
from synthmix.study.corpora import EvaluationDomain, domains_of
from synthmix.study.workspace import Workspace


@dataclass(frozen=True)
class StudyText:
    """``corpora`` by content id; ``domains`` by the names that the runs' losses have; ``records`` of the ladder."""

    folder: Path
    records: list[RunRecord]
    corpora: dict[str, Corpus]
    domains: dict[str, EvaluationDomain]

    @property
    def recipes(self) -> list[str]:
        """Names, natural text alone first, then in the order of the records' shares."""
        found = {r.spec.recipe: r.spec.shares for r in sorted(self.records, key=lambda r: (len(r.spec.shares), r.id))}
        return sorted(found, key=lambda name: (self._synthetic(name), name))

    @property
    def cells(self) -> list[tuple[int, int]]:
        """(params, tokens) with finished runs, the largest last."""
        return sorted({(r.params, r.tokens) for r in self.records}, key=lambda cell: (cell[0] * cell[1], cell))

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

    def _synthetic(self, name: str) -> float:
        record = next(r for r in self.records if r.spec.recipe == name)
        kinds = {s: self.corpora[i].meta.kind for s, i in record.spec.corpora.items() if i in self.corpora}
        return float(sum(share for s, share in record.spec.shares.items() if kinds.get(s) == "synthetic"))


def read_study(where: Path) -> StudyText:
    """From a study's file, its folder, or its ``results.json``.

    Raises:
        BadInput: nothing of a study there, or no finished run.
    """
    folder = study_folder(where)
    space = Workspace(folder)
    records = [r for r in space.runs.records() if r.spec.stage == "ladder"]
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
    return StudyText(folder, records, corpora, domains)


def study_folder(where: Path) -> Path:
    """The folder of a study that is named by its file, its folder or its results.

    Raises:
        BadInput: there is no such file or folder, or it is another kind of file.
    """
    if where.is_dir():
        return where
    if where.suffix in (".yaml", ".yml"):
        from synthmix.study.load import load_study

        return load_study(where).root
    if where.suffix == ".json" and where.exists():
        return where.parent
    problem = "is no study" if where.exists() else "no such study"
    raise BadInput(problem, where=where, remedy="name its file or its folder")
