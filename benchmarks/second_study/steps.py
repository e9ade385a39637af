"""Records of the second study from its folders, its predictions, and the study file that tests them."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.second_study.records import (
    BEST,
    LAW,
    NATURAL,
    OTHER,
    RECORDS,
    SEEDS,
    SINGLE,
    VALUED,
    Fitted,
    asked,
    fitted,
    ladder,
    read,
    rows,
    write,
    write_rows,
)
from synthmix import __version__
from synthmix.decisions.optimize import decide_mixture
from synthmix.files import content_hash
from synthmix.reading import parse_yaml
from synthmix.results.mixtures import MixtureQuestion
from synthmix.scaling.mixtures import MixtureFit, MixturePoints

RANDOM = 20261129  # seed of the random mixtures


def record(folder: Path) -> None:
    """ladder.csv, and of the study what the page says beside its runs."""
    from synthmix.runs.load import read_results

    write_rows(folder, RECORDS / "ladder.csv")
    results = read_results(folder / "results.json")
    own = results.mixture
    if own is None:
        raise SystemExit(f"{folder}: no best mixture was found")
    choices = None if results.choices is None else results.choices.model_dump(mode="json", exclude_none=True)
    about = {
        "version": __version__,
        "question": own.question.model_dump(mode="json", exclude_none=True),
        "corpora": [corpus.model_dump(mode="json", exclude_none=True) for corpus in results.corpora],
        "spent": results.spent.model_dump(mode="json", exclude_none=True),
        "choices": choices,
    }
    write("study.json", about)


def random_mixtures(question: MixtureQuestion, sources: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Two, uniform on the simplex inside of the study's bounds, in whole hundredths."""
    rng, found = np.random.default_rng(RANDOM), dict[str, dict[str, float]]()
    while len(found) < 2:
        shares = dict(zip(sources, rng.dirichlet(np.ones(len(sources))).tolist(), strict=True))
        if all(share <= question.most.get(name, 1.0) for name, share in shares.items()):
            found[f"random {len(found) + 1}"] = rounded(shares)
    return found


def rounded(shares: dict[str, float]) -> dict[str, float]:
    """In hundredths that add up to one: largest remainders."""
    whole = {name: int(100 * share + 1e-9) for name, share in shares.items()}
    for name in sorted(shares, key=lambda name: whole[name] - 100 * shares[name])[: 100 - sum(whole.values())]:
        whole[name] += 1
    return {name: count / 100 for name, count in whole.items() if count}


def at(question: MixtureQuestion, fit: MixtureFit, mixtures: dict[str, dict[str, float]]) -> MixturePoints:
    """Mixtures at the question's size, budget and supply."""
    shares = np.array([[each.get(name, 0.0) for name in fit.sources] for each in mixtures.values()])
    count, supply = len(shares), [float(question.supply.get(name, np.inf)) for name in fit.sources]
    unique = None if fit.runs.points.unique is None else np.broadcast_to(np.array(supply), shares.shape)
    return MixturePoints(
        sources=fit.sources, shares=shares, N=np.full(count, float(question.params or 0)),
        D=np.full(count, float(question.tokens or 0)), unique=unique,
    )  # fmt: skip


def of_seeds(mean: tuple[float, float], new: tuple[float, float], mid: float) -> list[float]:
    """The interval of a mean of three seeds from that of the expected loss and that of one run: variances add."""
    ends = []
    for one, other in zip(mean, new, strict=True):
        own, noise = (one - mid) ** 2, max((other - mid) ** 2 - (one - mid) ** 2, 0.0)
        ends.append(float(np.sqrt(own + noise / SEEDS)))
    return [mid, mid - ends[0], mid + ends[1]]


def predict() -> None:
    """What will be trained, and what it is expected to give."""
    question = asked()
    first = fitted(ladder(), question, LAW)
    single = first.decision.single
    assert single is not None
    named = {NATURAL: dict(question.natural), BEST: rounded(first.decision.mixture), SINGLE: rounded(single.shares)}
    named |= random_mixtures(question, first.fit.sources)
    if (RECORDS / "value.json").exists():  # what `synthmix value --mix` would choose, before any run
        named[VALUED] = rounded({source: share for source, (share, *_) in read("value.json")["shares"].items()})
    if named[BEST] == named[SINGLE]:
        raise SystemExit("the best mixture is of one source: name another one to compare it with")
    write("predictions.json", predicted(first, named))


def again() -> None:
    """What the law that is best on held-out mixtures says of the same ones, from the same runs."""
    said, found = read("predictions.json"), fitted(ladder(), asked(), OTHER)
    write("predictions-again.json", predicted(found, {each["name"]: each["shares"] for each in said["mixtures"]}))


def predicted(first: Fitted, named: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Losses of mixtures, by domain and averaged, and differences from the best one, as means of three seeds."""
    question = first.question
    beside = {name: shares for name, shares in named.items() if name != BEST}
    decision = decide_mixture(first.fit, question.model_copy(update={"beside": beside}))
    points = at(question, first.fit, named)
    mid, *mean = first.fit.average(points, None, "mean")
    _, *new = first.fit.average(points, None, "new-run")
    by_domain = first.fit.predict(points)
    domain_mean, domain_new = (first.fit.interval(points, kind) for kind in ("mean", "new-run"))
    compared = {each.name: each.gain for each in decision.beside}
    noise = 1.645 * decision.noise * float(np.sqrt(2 / SEEDS))
    mixtures = []
    for i, (name, shares) in enumerate(named.items()):
        gain, more = compared.get(name), None
        if gain is not None:
            low, high, mid_gain = gain.low or 0.0, gain.high or 0.0, gain.mid or 0.0
            down, up = (float(np.hypot(mid_gain - end, noise)) for end in (low, high))
            more = [mid_gain, mid_gain - down, mid_gain + up]
        domains = {}
        for t, domain in enumerate(first.fit.domains):
            expected, one = ((each[0][i, t], each[1][i, t]) for each in (domain_mean, domain_new))
            domains[domain] = of_seeds(expected, one, float(by_domain[i, t]))
        loss = of_seeds((mean[0][i], mean[1][i]), (new[0][i], new[1][i]), float(mid[i]))
        mixtures.append({"name": name, "shares": shares, "loss": loss, "domains": domains, "more": more})
    held = {each.what: [each.error, each.covered] for each in first.fit.held_out}
    return {
        "law": decision.law, "formula": decision.formula, "runs": decision.runs,
        "ladder": content_hash(rows("ladder.csv")), "params": question.params, "tokens": question.tokens,
        "seeds": SEEDS, "level": decision.level, "held_out": held, "noise": decision.noise, "mixtures": mixtures,
        "best_shares": {s.source: [s.share, s.interval.low, s.interval.high, s.verdict] for s in decision.shares},
    }  # fmt: skip


def confirm(study: Path) -> None:
    """The study file of the runs that test the predictions, on standard output."""
    import sys

    import yaml

    about, said = parse_yaml(study.read_text("utf-8"), where=study), read("predictions.json")
    recipes = {
        each["name"]: {name: f"{100 * share:g}%" for name, share in each["shares"].items()} for each in said["mixtures"]
    }
    about |= {
        "study": f"{about['study']}-confirmed",
        "mix": {"natural": about["mix"]["natural"], "recipes": recipes, "simulated_epochs": True},
        "ladder": {"params": [said["params"]], "budgets": [said["tokens"]], "seeds": said["seeds"]},
    }
    yaml.safe_dump(about, sys.stdout, sort_keys=False, allow_unicode=True)


KINDS = {"textbook_a": "textbook", "textbook_b": "textbook", "answers": "qa", "rewritten": "hq"}  # as published


def before(folder: Path) -> None:
    """before.json: each rule's own choice, of the designed mixtures or of all."""
    from synthmix.evidence import kind_prior
    from synthmix.study.finished_study import read_study
    from synthmix.study.text_measures import largest_groups, loss_groups, measures_of_study

    study, question = read_study(folder), asked()
    _, groups = loss_groups(study)
    largest, names, whole = largest_groups(study, groups), list(study.recipes), set(study.table.uncut.recipes)
    found: list[dict[str, Any]] = []

    def add(rule: str, of: str, shares: dict[str, float], recipe: str | None = None) -> None:
        found.append({"rule": rule, "of": of, "recipe": recipe, "shares": shares})

    for rule, measure in measures_of_study(study, groups).items():
        mean = np.nanmean(measure.values[largest], axis=0)
        order = np.argsort(-mean if measure.higher else mean)
        best = next(names[i] for i in order.tolist() if names[i] in whole)
        add(rule, "designed mixtures", study.table.shares(best), best)
    if (RECORDS / "value.json").exists():
        shares = {name: share for name, (share, *_) in read("value.json")["shares"].items() if share}
        add("`synthmix value --mix`", "all mixtures", {name: s / sum(shares.values()) for name, s in shares.items()})
    priors = []
    for name, like in KINDS.items():
        most = question.most.get(name, 1.0)
        prior = kind_prior(name, question.params or 0, question.tokens or 0, like=like, most=most)
        loss = next(each for each in prior.metrics if each.unit == "nats")
        priors.append((float(loss.effect.mid or 0.0), name, float(loss.share.mid or 0.0)))
    _, name, share = min(priors)
    natural = {source: (1 - share) * part for source, part in question.natural.items()}
    add("published effects", "one kind and natural text", natural | {name: share})
    write("before.json", {"choices": found, "params": question.params, "tokens": question.tokens})
