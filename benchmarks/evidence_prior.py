"""The prior of published effects held to studies that it does not know.

    python benchmarks/evidence_prior.py

Each study of the evidence table is left out, the model fitted to the others, and the study's effects foretold: how many
lie within the 90 % interval, and their log score beside that of two simpler priors fitted to the same rows: no effect
of anything (a Gaussian about 0), and "30 % for everything" (one quadratic in the share, highest at 30 %, the same for
all kinds). A text (one generated set of one study) is left out in the same way: an easier question, since its study is
known. About half a minute.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from synthmix.evidence import Effect, effects, fit_effects
from synthmix.evidence.model import HALF, SCALES, Family, Floats, Points, log_score, points_of
from synthmix.evidence.prior import FAMILIES
from synthmix.table import Column, Table

LEVEL = 0.9
BEST = 0.3  # of "30 % for everything"


@dataclass(frozen=True)
class LeftOut:
    """One study's or text's effects, foretold: inside (n,), and three log scores (n,)."""

    name: str
    family: Family
    inside: Floats
    model: Floats
    none: Floats
    thirty: Floats


def errors(rows: Sequence[Effect], family: Family) -> Floats:
    return np.array([SCALES[family].unknown if row.se is None else row.se for row in rows])


def shares(rows: Sequence[Effect]) -> Floats:
    return np.array([HALF if row.share is None else row.share for row in rows])


def gains(rows: Sequence[Effect]) -> Floats:
    return np.array([row.gain for row in rows])


def curve(share: Floats) -> Floats:
    """A quadratic that is 0 at share 0 and 1 at its top, at :data:`BEST`."""
    return share * (2 * BEST - share) / BEST**2


def simple(train: Sequence[Effect], test: Sequence[Effect], family: Family) -> tuple[Floats, Floats]:
    """Log scores of "no effect" and of "30 % for everything", the spread of each that of the rows it was fitted to."""
    y, error = gains(train), errors(test, family)
    none = log_score(gains(test), np.zeros(len(test)), np.mean(y**2) + error**2)
    shape = curve(shares(train))
    height = float(shape @ y / (shape @ shape))
    spread = np.mean((y - height * shape) ** 2)
    return none, log_score(gains(test), height * curve(shares(test)), spread + error**2)


def foretold(
    rows: Sequence[Effect], test: Sequence[Effect], family: Family, name: str, *, new: bool
) -> LeftOut:  # fmt: skip
    chosen = {id(row) for row in test}
    train = [row for row in rows if id(row) not in chosen]
    model = fit_effects(train, family)
    mean, variance, freedom = [], [], []
    at = points_of(test)
    for i in range(len(test)):  # one by one: the degrees of freedom are of each effect
        one = Points(at.share[i : i + 1], at.compute[i : i + 1], [at.study[i]], [at.kind[i]], [at.set[i]])
        m, v, f = model.predict(one, new=new)
        mean.append(m[0])
        variance.append(v[0, 0])
        freedom.append(f)
    error = errors(test, family)
    total, nu = np.array(variance) + error**2, np.array(freedom)
    off = gains(test) - np.array(mean)
    scores = [log_score(off[i : i + 1], np.zeros(1), total[i : i + 1], float(nu[i]))[0] for i in range(len(test))]
    none, thirty = simple(train, test, family)
    inside = np.abs(off) <= stdtrit(nu, (1 + LEVEL) / 2) * np.sqrt(total)
    return LeftOut(name, family, inside.astype(float), np.array(scores), none, thirty)


def by_study(family: Family) -> list[LeftOut]:
    rows = [row for row in effects() if row.unit == family]
    names = dict.fromkeys(row.study for row in rows)
    return [foretold(rows, [row for row in rows if row.study == name], family, name, new=True) for name in names]


def by_text(family: Family, parts: int = 10) -> list[LeftOut]:
    """Texts in tenths, so that a tenth of all texts is left out together."""
    rows = [row for row in effects() if row.unit == family]
    sets = points_of(rows).set
    distinct = np.random.default_rng(0).permutation(sorted(set(sets)))
    found = []
    for part in range(min(parts, len(distinct))):
        mine = set(distinct[part::parts].tolist())
        test = [row for row, name in zip(rows, sets, strict=True) if name in mine]
        found.append(foretold(rows, test, family, f"texts {part}", new=False))
    return found


def summary(name: str, found: Iterable[LeftOut]) -> tuple[object, ...]:
    """Means over what was left out, and over all effects together."""
    listed = list(found)
    keys = ("inside", "model", "none", "thirty")
    mean = [float(np.mean([getattr(one, key).mean() for one in listed])) for key in keys]
    pooled = [float(np.concatenate([getattr(one, key) for one in listed]).mean()) for key in keys]
    return (name, len(listed), sum(len(one.inside) for one in listed), mean[0], pooled[0], *mean[1:], *pooled[1:])


def tables() -> list[Table]:
    studies = {family: by_study(family) for family in FAMILIES}
    texts = {family: by_text(family) for family in FAMILIES}
    labels = {"nats": "loss", "score": "task score"}
    columns = [
        Column("metric", "Metric"), Column("study", "Study left out"), Column("rows", "Effects", kind=int),
        Column("inside", "Within 90%", ".2f"), Column("model", "Log score", ".2f"),
        Column("none", '"No effect"', ".2f"), Column("thirty", '"30% for everything"', ".2f"),
    ]  # fmt: skip
    keys = ("inside", "model", "none", "thirty")
    rows = [
        (labels[family], one.name, len(one.inside), *(float(getattr(one, key).mean()) for key in keys))
        for family in FAMILIES
        for one in studies[family]
    ]  # fmt: skip
    heads = [
        Column("what", "Left out"), Column("parts", "Times", kind=int), Column("rows", "Effects", kind=int),
        Column("inside", "Within 90%: mean over them", ".2f"), Column("pooled", "over all effects", ".2f"),
        Column("model", "Log score: mean over them", ".2f"), Column("none", '"no effect"', ".2f"),
        Column("thirty", '"30%"', ".2f"), Column("model2", "over all effects", ".2f"),
        Column("none2", '"no effect"', ".2f"), Column("thirty2", '"30%"', ".2f"),
    ]  # fmt: skip
    sums = []
    for what, found in (("a study", studies), ("a tenth of the texts", texts)):
        sums += [summary(f"{what}, {labels[family]}", found[family]) for family in FAMILIES]
        sums.append(summary(f"{what}, both", [one for family in FAMILIES for one in found[family]]))
    return [Table("studies", columns, rows, "Each study left out"), Table("summary", heads, sums, "Together")]


def main() -> None:
    for table in tables():
        print(table.text() + "\n")


if __name__ == "__main__":
    main()
