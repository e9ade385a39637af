"""The curve over shares against trained mixtures: its best share, its gain, the order of the pure texts, its intervals.

Two truths. Mixtures at several shares (:mod:`.mixture_truth`), whose models are measured on many targets; and the
mixtures among the datasets of the tasks of text, each beside its two sources alone and the other datasets without noise
(their truth is kept). The prior of :mod:`synthmix.valuation.trained_curve` is fitted on the development pairs and
targets and on the tasks. A development pair or a task is judged by a prior fitted without it, held-out pairs and
targets by that of all of development.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.valuation.contributors import Contributor
from benchmarks.valuation.mixture_truth import (
    DEVELOPMENT,
    HELD_OUT,
    SEEDS,
    SHARES,
    SPLITS,
    TARGETS,
    VERSION,
    Split,
    known,
    losses,
    parts,
    pool_of,
    tokenizer,
)
from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks import make_task
from benchmarks.valuation.truth import KEPT, ROOT, WORK, truth
from synthmix.files import read_json, write_json
from synthmix.rounding import first_lowest, symmetric_root
from synthmix.valuation.curve import scores_at
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.trained_curve import PRIOR, Prior, draws_of, features, posterior
from synthmix.valuation.uncertainty import LEVEL
from synthmix.valuation.valuer import Valuer
from synthmix.valuation.weights import FIXED

DEVIATIONS = (0.1, 0.3, 0.1, 0.3, 0.15, 0.1)  # of line, dip, pool, gain, tilt, and of a dataset's own sample
LOOSE = 0.7  # of their logarithms
SEED, STUDY = 0.05, 0.03  # deviations of one run's loss: of the tasks', over their seeds, and of the quickstart's
DRAWS, CLEAR, NEAR = 4000, 0.95, 0.01
PLAIN = Prior(line=(1.0, 0.0), dip=(1.0, 0.0), pool=0.0, gain=(0.0, 0.0), tilt=0.0, noise=0.05)  # the learners' loss
TEXT_TASKS = ("instruction", "reasoning", "web", "stories", "essays", "philosophy")
Pair = tuple[str, str]


@dataclass(frozen=True)
class Task:
    """A pair of pools for a target.

    Attributes:
        learners: (shares,) losses of the n-gram learners, nats per token of the target's own tokenizer.
        noise: (shares, shares) root of the covariance of their sampling.
        scores: (shares,) of the mixtures. score_noise: as ``noise``.
        apart: the discrepancy of the two pools.
        truth: (shares, seeds) losses of trained models, in the same tokens; NaN where no model is trained.
        ratio: tokens of the models a token of the target's own.
        run: deviation of one run's loss, in the same tokens as ``truth``.
    """

    pair: Pair
    target: str
    learners: np.ndarray
    noise: np.ndarray
    scores: np.ndarray
    score_noise: np.ndarray
    apart: float
    truth: np.ndarray
    ratio: float
    run: float = 0.0

    @property
    def mean(self) -> np.ndarray:
        """(shares,) of the truth."""
        return np.asarray(self.truth.mean(axis=1))

    @property
    def x(self) -> np.ndarray:
        """(shares, q) features."""
        apart = np.array([[0.0, self.apart], [self.apart, 0.0]])
        return features(ROWS, self.learners, self.learners[[0, -1]], apart)

    @property
    def trial(self) -> "Trial":
        """For the fit."""
        return Trial(" + ".join(self.pair), self.x, 2, self.mean, SEEDS, self.noise @ self.noise.T, self.run, one=True)


@dataclass(frozen=True)
class Trial:
    """Losses of models on datasets of one target.

    Attributes:
        texts: trials of the same ones have that in common.
        x: (k, q) features, of ``pools`` pools. losses: (k,) the mean of ``seeds``. run: deviation of one run's loss.
        noise: (k, k) covariance of the learners' losses.
        one: whether all datasets are even parts of the same texts, and not each a sample of its own.
        mixed: the rows of mixtures.
    """

    texts: str
    x: np.ndarray
    pools: int
    losses: np.ndarray
    seeds: int
    noise: np.ndarray
    run: float
    one: bool = False
    mixed: tuple[int, ...] = ()


ROWS = np.column_stack([1 - np.array(SHARES), SHARES])


def tasks() -> list[Task]:
    """Of the pairs on which all models are trained; what the learners say is kept in the git-ignored folder."""
    held, found = known(), []
    path = WORK / f"learners-mixtures-{VERSION}.json"
    kept: dict[str, Any] = read_json(path) if path.exists() else {}
    ready = [pair for pair in _pairs() if np.isfinite(losses(pair, TARGETS[0], held)).all()]
    for target in TARGETS:
        missing = [pair for pair in ready if " + ".join((target, *pair)) not in kept]
        if missing:
            kept |= _learners(target, missing)
            write_json(path, kept)
        for pair in ready:
            each = kept[" + ".join((target, *pair))]
            worth = losses(pair, target, held) * each["ratio"]
            arrays = {name: np.array(each[name]) for name in ("learners", "noise", "scores", "score_noise")}
            found.append(Task(pair, target, **arrays, apart=each["apart"], truth=worth, ratio=each["ratio"]))
    run = float(np.hypot(*run_noise(found)))
    return [replace(task, run=run * task.ratio) for task in found]


def run_noise(found: Sequence[Task]) -> tuple[float, float]:
    """Deviations of one run's loss over seeds, nats per token of the models: what all targets have in common, and what
    each has of its own. A model of one pool alone counts once."""
    models: dict[Any, dict[str, np.ndarray]] = {}
    for task in found:
        for at, share in enumerate(SHARES):
            name = task.pair[int(share)] if share in (0, 1) else (task.pair, share)
            models.setdefault(name, {})[task.target] = task.truth[at] / task.ratio
    every = np.array([list(by.values()) for by in models.values()])  # (models, targets, seeds)
    whole, common = every.var(axis=2, ddof=1).mean(), every.mean(axis=1).var(axis=1, ddof=1).mean()
    own = (whole - common) * every.shape[1] / max(every.shape[1] - 1, 1)  # the mean of targets holds a part of it
    return float(np.sqrt(max(whole - own, 0.0))), float(np.sqrt(max(own, 0.0)))


def reachable(found: Sequence[Task], *, draws: int = 400) -> float:
    """How often a method that knows each mixture's expected loss has a best share within :data:`NEAR` of the best
    measured one: the measured means taken as expected, and the noise of as many seeds drawn again."""
    common, own = (each / np.sqrt(SEEDS) for each in run_noise(found))
    rng, hits = np.random.default_rng(0), []
    for pair in dict.fromkeys(task.pair for task in found):
        true = np.array([task.mean / task.ratio for task in found if task.pair == pair])
        best = first_lowest(true)[:, None]
        for _ in range(draws):
            made = true + common * rng.standard_normal(true.shape[1]) + own * rng.standard_normal(true.shape)
            hits.append(np.take_along_axis(made, best, 1)[:, 0] - made.min(axis=1) <= NEAR)
    return float(np.mean(hits))


def _pairs() -> list[Pair]:
    return [pair for split in SPLITS for pair in split.pairs]


def _learners(target: str, pairs: Sequence[Pair]) -> dict[str, dict[str, Any]]:
    """By target and pair, as lists: see :class:`Task`."""
    texts = parts(target)["reference"]
    valuer = Valuer().fit(Pool.of(target, texts))
    scale = valuer.terms[0].scale
    far = next(term for term in valuer.terms if isinstance(term, Discrepancy))
    own = int(valuer.lengths(next(Pool.of(target, texts).batches())).sum())
    models = sum(len(ids) for ids in tokenizer().encode_batch(texts))
    names = dict.fromkeys(name for pair in pairs for name in pair)
    read = {name: valuer.summarise(Pool.of(name, list(pool_of(name)))) for name in names}
    found = {}
    for pair in pairs:
        pools = [read[name] for name in pair]
        size = min(pool.size[0] for pool in pools)
        values, terms, deviations = scores_at(pools, valuer.terms, valuer.weights, ROWS, size)
        root = symmetric_root(deviations @ deviations.T)
        found[" + ".join((target, *pair))] = {
            "learners": terms["transfer"].tolist(),
            "noise": (root * scale).tolist(),
            "scores": values.tolist(),
            "score_noise": root.tolist(),
            "apart": far.between(*(pool.total(far.reads) for pool in pools)),
            "ratio": models / own,
        }
    return found


def fitted(found: Sequence[Trial], *, corrected: bool = False) -> tuple[Prior, float]:
    """The likeliest prior, each trial's losses less their mean being normal, and the deviation of a dataset's loss that
    comes of its being a sample of its own (with that of a run's seed).

    CHOSEN: trials of the same texts are not independent, so n of them count as the root of n; and deviations, of which
    few texts say little, are lognormal around :data:`DEVIATIONS` with a deviation of :data:`LOOSE`: none is 0. The line
    and the dip have one mean and gains beyond the learners' are 0 on average, so that the expected curve is the
    learners' loss; ``corrected`` fits those means, too, which is further from the trained pairs of development."""
    from scipy.optimize import minimize

    rows, alike = [], Counter(each.texts for each in found)
    for each in found:
        contrast = (np.eye(len(each.x)) - 1 / len(each.x))[1:]  # the constant of a loss is not known
        share = each.run**2 / each.seeds * contrast @ contrast.T
        rows.append((each, contrast @ each.x, contrast @ each.losses, contrast @ each.noise @ contrast.T, share,
                     contrast @ contrast.T))  # fmt: skip

    def prior(at: np.ndarray) -> Prior:
        spread = np.exp(at[3:])
        dip, gain = (at[1], at[2]) if corrected else (at[0], 0.0)
        return Prior((at[0], spread[0]), (dip, spread[1]), spread[2], (gain, spread[3]), spread[4], PRIOR.noise)

    def unlikely(at: np.ndarray) -> float:
        one, own = prior(at), float(np.exp(2 * at[8]))
        total = float(np.square((at[3:] - np.log(DEVIATIONS)) / LOOSE).sum())
        for each, x, y, sampled, seeds, apart in rows:
            mean, variance = one.moments(each.pools)
            within = x * variance @ x.T + seeds + (one.line[0] ** 2 * sampled if each.one else own * apart)
            left = y - x @ mean
            weight = alike[each.texts] ** -0.5
            total += weight * float(np.linalg.slogdet(within)[1] + left @ np.linalg.solve(within, left))
        return total

    at = np.array([1.0, 1.0, 0.3, *np.log(DEVIATIONS)])
    for _ in range(2):
        at = minimize(unlikely, at, method="Nelder-Mead", options={"maxiter": 1500, "maxfev": 1500, "adaptive": True}).x
    return _rounded(prior(at)), float(np.exp(at[8]))


def trials_of_tasks() -> list[Trial]:
    """Of every task of text whose truth is kept: its datasets without noise and copies."""
    path = WORK / "learners-tasks.json"
    kept: dict[str, Any] = read_json(path) if path.exists() else {}
    found = []
    for name in TEXT_TASKS:
        if name not in kept:
            kept[name] = _of_task(name)
            write_json(path, kept)
        each = kept[name]
        x, losses = np.array(each["x"]), np.array(each["losses"])
        mixed = tuple(each["mixed"])
        found.append(
            Trial(name, x, each["pools"], losses, each["seeds"], np.zeros((len(x), len(x))), SEED, mixed=mixed)
        )
    return found


def _of_task(name: str) -> dict[str, Any]:
    task = make_task(name)
    worth = truth(task)
    valuer = Valuer().fit(task.reference)
    near, far = valuer.terms[0], next(term for term in valuer.terms if isinstance(term, Discrepancy))
    kept = [each for each in task.contributors if not each.meta["noise"] and each.meta["copies"] == 1]
    pools = sorted({key for each in kept for key in _sources(each)})
    pairs = list(combinations(range(len(pools)), 2))
    x = np.zeros((len(kept), 2 + len(pools) + 2 * len(pairs)))
    for row, each in zip(x, kept, strict=True):
        row[0] = near.value(valuer.summarise(each.pool).total("transfer"))
        for key, share in _sources(each).items():
            row[2 + pools.index(key)] = share
        if each.alone:
            sides, shares = [valuer.summarise(pool) for pool in each.alone], np.array(list(_sources(each).values()))
            line = float(shares @ [near.value(side.total("transfer")) for side in sides])
            row[:2] = line, row[0] - line
            at = [pools.index(key) for key in _sources(each)]
            apart = far.between(*(side.total(far.reads) for side in sides))
            place = 2 + len(pools) + pairs.index((min(at), max(at)))
            row[place] = -apart * 4 * shares.prod()
            row[place + len(pairs)] = 2 * row[place] * (shares[0] - shares[1]) * (1 if at[0] < at[1] else -1)
    metric = task.metrics[0]
    return {
        "x": x.tolist(), "pools": len(pools), "seeds": task.seeds,
        "losses": [worth[each.name][metric] for each in kept],
        "mixed": [at for at, each in enumerate(kept) if each.alone],
    }  # fmt: skip


def _sources(each: Contributor) -> dict[str, float]:
    share = float(each.meta["share"])
    return {key: part for key, part in ((each.meta["natural"], share), (each.meta["generator"], 1 - share)) if part}


def trials_of_quickstart() -> list[Trial]:
    """The quickstart's runs of its largest size and budget, a trial a held-out domain; what ``make quickstart`` left is
    read where it is there, else what is committed."""
    folder, path = ROOT / "examples" / "studies" / "quickstart", KEPT / "mixtures-quickstart.json"
    if (folder / "results.json").exists() and not path.exists():
        write_json(path, _of_study(folder))
    return [
        Trial("quickstart", features(np.array(each["shares"]), np.array(each["learners"]),
              np.array(each["alone"]), np.array(each["apart"])), 2, np.array(each["losses"]), 1,
              np.zeros((len(each["losses"]), len(each["losses"]))), STUDY, one=True)
        for each in (read_json(path) if path.exists() else {}).values()
    ]  # fmt: skip


def _of_study(folder: Path) -> dict[str, dict[str, Any]]:
    """By held-out domain of a study of one synthetic text; rounded, to be committed."""
    from synthmix.study.finished_study import read_study
    from synthmix.study.value_scores import summary_of, terms_of, texts_of

    text = read_study(folder)
    cell = text.table.largest_cell()
    records = [text.record(recipe) for recipe in text.recipes]
    corpora = {source: text.corpus(record, source) for record in records for source in record.spec.shares}
    names, texts, found = list(corpora), texts_of(corpora), {}
    rows = np.array([[float(record.spec.shares.get(name, 0)) for name in names] for record in records])
    for domain in text.domains:
        terms = terms_of(text, domain)
        far = next(term for term in terms if isinstance(term, Discrepancy))
        read = [summary_of(name, corpora[name], texts[name], terms, int(cell.D)) for name in names]
        _, made, _ = scores_at(read, terms, FIXED, np.vstack([rows, np.eye(len(names))]), float(cell.D))
        learners = np.round(made["transfer"], 5)
        apart = np.round([[far.between(*(each.total(far.reads) for each in (a, b))) for b in read] for a in read], 5)
        found[domain] = {
            "shares": rows.tolist(),
            "learners": learners[: len(rows)].tolist(),
            "alone": learners[len(rows) :].tolist(),
            "apart": apart.tolist(),
            "losses": [round(text.table.mean(recipe, cell, f"loss.{domain}"), 5) for recipe in text.recipes],
        }
    return found


def judged_task(trial: Trial, prior: Prior, own: float) -> np.ndarray:
    """(pairs, 3): of each mixture with each dataset of one source: the probability that the mixture is better, whether
    it is, and whether the difference of losses lies inside its 90 %."""
    from scipy.stats import norm

    mean, variance = prior.moments(trial.pools)
    rows = []
    for one in trial.mixed:
        for other in sorted(set(range(len(trial.x))) - set(trial.mixed)):
            x = trial.x[one] - trial.x[other]
            spread = float(np.sqrt((x * variance) @ x + 2 * own**2))
            middle, true = float(x @ mean), float(trial.losses[one] - trial.losses[other])
            rows.append(
                (norm.cdf(-middle / spread), true < 0, abs(true - middle) <= norm.ppf(0.5 + LEVEL / 2) * spread)
            )
    return np.array(rows, float)


def _rounded(prior: Prior) -> Prior:
    values = {each.name: getattr(prior, each.name) for each in fields(prior)}
    return Prior(**{
        name: tuple(float(f"{v:.3g}") for v in value) if isinstance(value, tuple) else float(f"{value:.3g}")
        for name, value in values.items()
    })  # fmt: skip


def judged(task: Task, prior: Prior | None, *, runs: Sequence[int] = ()) -> dict[str, float]:
    """One task by a prior, of which ``runs`` are known, or by the score as it is (None)."""
    from scipy.stats import norm

    if prior is None:
        drawn = -task.scores - np.random.default_rng(0).standard_normal((DRAWS, len(SHARES))) @ task.score_noise.T
        expected = -task.scores
    else:
        at = list(runs)
        found = posterior(
            replace(prior, noise=max(task.run / np.sqrt(SEEDS), 1e-3)), 2, task.x[at] if at else None, task.mean[at]
        )
        expected, drawn = draws_of(found, task.x, task.noise, draws=DRAWS, seed=0)
    # What is measured is a mean of runs: its noise belongs to what an interval should hold.
    noise = task.run / np.sqrt(SEEDS) * np.random.default_rng(1).standard_normal(drawn.shape)
    measured = drawn if prior is None else drawn + noise
    best, ends = first_lowest(expected), np.quantile(np.array(SHARES)[first_lowest(measured)], _tails())
    corner = (0, len(SHARES) - 1)[first_lowest(expected[[0, -1]])]
    true = task.mean / task.ratio  # nats per token of the models
    lowest = first_lowest(true)
    gain = np.quantile(measured[:, corner] - measured[:, best], _tails())
    first = float((drawn[:, 0] < drawn[:, -1]).mean())
    regret, error = float(true[best] - true[lowest]), task.run / task.ratio * np.sqrt(2 / SEEDS)
    return {
        "regret": regret,
        "missed": float(regret - norm.ppf(0.5 + LEVEL / 2) * error > NEAR),
        "covered": float(ends[0] <= SHARES[lowest] <= ends[1]),
        "width": float(ends[1] - ends[0]),
        "gain": float(expected[corner] - expected[best]),
        "true gain": float(task.mean[corner] - task.mean[best]),
        "gain covered": float(gain[0] <= task.mean[corner] - task.mean[best] <= gain[1]),
        "sure": max(first, 1 - first),
        "right": float((first > 0.5) == (true[0] < true[-1])),
        "pair": float(_pairs().index(task.pair)),
    }


def _tails() -> list[float]:
    return [(1 - LEVEL) / 2, (1 + LEVEL) / 2]


def split_of(found: Sequence[Task], split: Split) -> list[Task]:
    """Pairs and targets of one split."""
    return [task for task in found if task.pair in split.pairs and task.target in split.targets]


def tables(names: Sequence[str]) -> Iterator[str]:
    """The prior, and how often the curve is right."""
    every, tried, study = tasks(), trials_of_tasks(), trials_of_quickstart()
    development = split_of(every, DEVELOPMENT)
    kept = [*tried, *study]
    prior, own = fitted([*kept, *(task.trial for task in development)])
    yield "## Mixtures: the curve against trained models\n"
    yield f"Prior of development: {prior}; of a dataset's own sample {own:.3f}\n\nof the product: {PRIOR}\n"
    rows = []
    for trial in tried:
        others = [each for each in tried if each is not trial]
        found = judged_task(trial, *fitted([*others, *study, *(task.trial for task in development)]))
        rows.append([trial.texts, *_told(found)])
    yield "Mixtures of the tasks beside their datasets of one source; each task by a prior of all others\n"
    yield markdown_table(["task", "pairs", "clear", "of these right", "all right", "inside 90 %"], rows) + "\n"
    rows, single = [], []
    for split, title in ((DEVELOPMENT, "development"), (HELD_OUT, "held out")):
        mine = [task for task in every if task.pair in split.pairs]
        if not mine:
            continue
        found: dict[str, list[dict[str, float]]] = {}
        for pair in dict.fromkeys(task.pair for task in mine):
            others = [task.trial for task in development if task.pair != pair]
            without, gains = (fitted([*kept, *others], corrected=corrected)[0] for corrected in (False, True))
            here = [task for task in mine if task.pair == pair]
            found.setdefault("the score alone", []).extend(judged(task, None) for task in here)
            found.setdefault("the learners' loss", []).extend(judged(task, PLAIN) for task in here)
            found.setdefault("with mean gains", []).extend(judged(task, gains) for task in here)
            expected = [judged(task, without) for task in here]
            found.setdefault("the curve", []).extend(expected)
            taught = [judged(task, without, runs=(0, 2, 4)) for task in here]
            found.setdefault("the curve, three shares known", []).extend(taught)
            single.append(_row(f"{title}: {' + '.join(pair)}", expected))
        common, own = run_noise(mine)
        yield (
            f"{title}: {len(mine)} (pair, target), {SEEDS} seeds; noise of one run {common:.3f} nats on all targets "
            f"alike, {own:.3f} of each target's own. Who knew the expected losses would be within {NEAR} "
            f"nats of the best measured share in about {reachable(mine):.0%}.\n"
        )
        rows += [_row(f"{title}: {name}", judgements) for name, judgements in found.items()]
    head = ["tasks", "number", f"best share within {NEAR} nats", "surely further", "mean regret",
            "best share inside its 90 %", "width", "gain inside its 90 %", "gain, expected", "gain, trained",
            "clear orders", "of these right", "all orders right"]  # fmt: skip
    yield markdown_table(head, rows) + "\n"
    yield "Each pair by the curve\n\n" + markdown_table(head, single) + "\n"


def _told(found: np.ndarray) -> list[str]:
    sure, better, inside = found.T
    right, clear = (sure > 0.5) == (better > 0), np.maximum(sure, 1 - sure) >= CLEAR
    share = f"{right[clear].mean():.0%}" if clear.any() else "-"
    return [str(len(found)), f"{clear.mean():.0%}", share, f"{right.mean():.0%}", f"{inside.mean():.0%}"]


def _row(name: str, found: Sequence[dict[str, float]]) -> list[str]:
    if not found:
        return [name, "0", *["-"] * 11]
    of = {key: np.array([each[key] for each in found]) for key in found[0]}
    clear = of["sure"] >= CLEAR
    return [
        name,
        str(len(found)),
        f"{(of['regret'] <= NEAR).mean():.0%}",
        f"{of['missed'].mean():.0%}",
        f"{of['regret'].mean():.4f}",
        f"{of['covered'].mean():.0%}",
        f"{of['width'].mean():.2f}",
        f"{of['gain covered'].mean():.0%}",
        f"{of['gain'].mean():.3f}",
        f"{of['true gain'].mean():.3f}",
        f"{clear.mean():.0%}",
        f"{of['right'][clear].mean():.0%}" if clear.any() else "-",
        f"{of['right'].mean():.0%}",
    ]
