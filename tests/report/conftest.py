"""A study made from formulas: the shape of real results, with known answers, and no training."""

import math
import random
from collections.abc import Callable

import pytest

from synthmix.decisions.decide import measured, verdicts_of
from synthmix.decisions.fits import StudyFits
from synthmix.results import (
    CorpusRow,
    Curve,
    Decision,
    Domain,
    DomainFound,
    DomainShare,
    FitSummary,
    HeldOut,
    Interval,
    IsoFlop,
    KindCurve,
    Noise,
    Option,
    ProfileCurve,
    Question,
    Recipe,
    Residual,
    Results,
    RunRow,
    ShareCurve,
    SharePoint,
    Spent,
    Statistic,
    Warn,
)
from synthmix.runs.table import of_rows

SIZES = (100_000, 300_000, 1_000_000)
BUDGETS = (1_000_000, 2_000_000, 4_000_000)
ASKED = (1_000_000_000, 100_000_000_000)
DOMAINS = {"python": 0.0, "sympy": 0.25, "networkx": -0.1, "scipy": 0.1, "torch": 0.3}
WHOLE = ("networkx", "torch")
SD = 0.012
# Per source: slope and curvature of the loss in the share; the best share is -slope / (2 curvature).
SOURCES = {"rephrase": (-0.24, 0.36), "textbook <b>x</b>": (0.3, 0.25)}


def loss(n: float, d: float, source: str | None, share: float, sources: dict[str, tuple[float, float]]) -> float:
    """Chinchilla's law plus a parabola in the share."""
    slope, curve = sources[source] if source else (0.0, 0.0)
    return 1.9 + 38 * n**-0.34 + 260 * d**-0.36 + slope * share + curve * share**2


def recipes_of(sources: dict[str, tuple[float, float]]) -> list[Recipe]:
    found = [Recipe(name="natural", shares={"web": 1.0}, synthetic=None, share=0.0)]
    for name in sources:
        for share in (1 / 3, 2 / 3, 1.0):
            shares = {"web": 1 - share, name: share} if share < 1 else {name: 1.0}
            found.append(Recipe(name=f"{share:.0%} {name}", shares=shares, synthetic=name, share=share))
    return found


def runs_of(recipes: list[Recipe], sources: dict[str, tuple[float, float]], sd: float) -> list[RunRow]:
    rng = random.Random(0)
    runs = []
    for n in SIZES:
        for d in BUDGETS:
            for recipe in recipes:
                for seed in range(2 if d == BUDGETS[-1] and sd else 1):
                    base = loss(n, d, recipe.synthetic, recipe.share, sources) + rng.gauss(0, sd)
                    shift = {k: v * (1 + 0.4 * recipe.share) for k, v in DOMAINS.items()}
                    losses = {k: base + v - sum(shift.values()) / len(shift) for k, v in shift.items()}
                    runs.append(
                        RunRow(
                            id=f"{len(runs):016x}",
                            recipe=recipe.name,
                            synthetic=recipe.synthetic,
                            share=recipe.share,
                            params=n,
                            params_total=n + 2_097_152,
                            tokens=d,
                            seed=seed,
                            loss=base,
                            losses=losses,
                            bits={k: v / math.log(2) / 3.9 for k, v in losses.items()},
                            flops=6.0 * n * d,
                            seconds=d / 40_000,
                            tokens_per_second=40_000.0,
                            epochs={k: 1.3 * v for k, v in recipe.shares.items()},
                            trace=[(d // 4, base + 1.0), (d // 2, base + 0.4), (d, base + 0.1)],
                            heldout=[
                                (d // 2, dict.fromkeys(DOMAINS, base + 0.5)),
                                (d, dict.fromkeys(DOMAINS, base)),
                            ],
                        )
                    )
    return runs


def around(value: float, half: float) -> Interval:
    return Interval(mid=value, low=value - half, high=value + half)


def share_curves(sources: dict[str, tuple[float, float]], runs: list[RunRow]) -> list[ShareCurve]:
    found = []
    grid = [i / 40 for i in range(41)]
    for name, (slope, curve) in sources.items():
        best = min(max(-slope / (2 * curve), 0.0), 1.0) if curve > 0 else (0.0 if slope + curve > 0 else 1.0)
        for n, d in [(SIZES[-1], BUDGETS[-1]), (SIZES[0], BUDGETS[-1])]:
            mean = [loss(n, d, name, s, sources) for s in grid]
            half = [0.012] * len(grid)
            mine = [r for r in runs if (r.params, r.tokens) == (n, d) and r.synthetic in (None, name)]
            found.append(
                ShareCurve(
                    synthetic=name,
                    params=n,
                    tokens=d,
                    measured=[SharePoint(share=r.share, loss=r.loss, seed=r.seed) for r in mine],
                    shares=grid,
                    mean=mean,
                    low=[m - h for m, h in zip(mean, half, strict=True)],
                    high=[m + h for m, h in zip(mean, half, strict=True)],
                    best=Interval(mid=best, low=max(best - 0.12, 0.0), high=min(best + 0.14, 1.0)),
                    flat=(max(best - 0.18, 0.0), min(best + 0.18, 1.0)),
                )
            )
    return found


def curves_of(recipes: list[Recipe], sources: dict[str, tuple[float, float]]) -> list[Curve]:
    found = []
    for recipe in recipes:
        for n in SIZES:
            x = [5e5 * 40 ** (i / 30) for i in range(31)]
            mean = [loss(n, d, recipe.synthetic, recipe.share, sources) for d in x]
            low, high = [m * 0.995 for m in mean], [m * 1.005 for m in mean]
            law = "data law"
            found.append(
                Curve(recipe=recipe.name, law=law, along="tokens", fixed=n, x=x, mean=mean, low=low, high=high)
            )
        x = [5e4 * 40 ** (i / 30) for i in range(31)]
        mean = [loss(n, BUDGETS[-1], recipe.synthetic, recipe.share, sources) for n in x]
        low, high = [m * 0.994 for m in mean], [m * 1.006 for m in mean]
        found.append(
            Curve(
                recipe=recipe.name,
                law="model law",
                along="params",
                fixed=BUDGETS[-1],
                x=x,
                mean=mean,
                low=low,
                high=high,
            )
        )
    return found


def fits_of(recipes: list[Recipe]) -> list[FitSummary]:
    held = HeldOut(
        what="the largest budget",
        fitted=6,
        predicted=3,
        mean_abs_relative_error=0.0043,
        worst_abs_relative_error=0.0091,
    )
    at_bound = Warn(
        code="exponent-at-bound", message="beta is at its upper bound; the curve is not determined.", about="beta"
    )
    found = []
    for i, recipe in enumerate(recipes):
        found.append(
            FitSummary(
                law="chinchilla",
                formula="E + A N^-alpha + B D^-beta",
                recipe=recipe.name,
                params=None,
                tokens=None,
                points=12,
                parameters={
                    "E": around(1.9, 0.2),
                    "A": Interval(mid=38.0, low=20.0, high=71.5),
                    "alpha": around(0.34, 0.05),
                    "B": Interval(mid=260.0, low=110.0, high=1200.0),
                    "beta": around(0.36, 0.06),
                },
                r2=0.9987,
                objective=2.3e-6,
                held_out=held,
                warnings=[at_bound] if i == 1 else [],
            )
        )
    return found


def kinds_of(sources: dict[str, tuple[float, float]]) -> dict[str, str]:
    return {"web": "natural"} | dict.fromkeys(sources, "synthetic")


def kind_curves(sources: dict[str, tuple[float, float]]) -> list[KindCurve]:
    """The curves at the question."""
    grid, found = [i / 40 for i in range(41)], []
    for name, (slope, curve) in sources.items():
        best = min(max(-slope / (2 * curve), 0.0), 1.0) if curve > 0 else (0.0 if slope + curve > 0 else 1.0)
        mean = [loss(*ASKED, name, s, sources) for s in grid]
        half = [0.03 + 0.02 * s for s in grid]
        change = [m - mean[0] for m in mean]
        found.append(
            KindCurve(
                kind=name, law="joint_quadratic", rivals=[], shares=grid, mean=change, extrapolation=0.01,
                best=Interval(mid=best, low=max(best - 0.12, 0.0), high=min(best + 0.14, 1.0)),
                flat=(max(best - 0.18, 0.0), min(best + 0.18, 1.0)),
                low=[c - h for c, h in zip(change, half, strict=True)],
                high=[c + h for c, h in zip(change, half, strict=True)],
                loss=mean,
                loss_low=[m - h for m, h in zip(mean, half, strict=True)],
                loss_high=[m + h for m, h in zip(mean, half, strict=True)],
                measured=[1 / 3, 2 / 3, 1.0],
            )
        )  # fmt: skip
    return found


def decision_of(
    recipes: list[Recipe],
    sources: dict[str, tuple[float, float]],
    runs: list[RunRow],
    *,
    half: float,
    far: tuple[float, float],
    held: float | None,
    undetermined: tuple[str, ...] = (),
    curves: list[KindCurve] | None = None,
) -> Decision:
    """The decision at the question: the formula's losses, with verdicts by the rules of the decisions room.

    ``undetermined``: codes of every mixture, which then has no predictions.
    """
    table = of_rows(runs, recipes, kinds_of(sources))  # type: ignore[arg-type]
    check = None
    if held is not None:
        check = HeldOut(what="D", fitted=6, predicted=3, mean_abs_relative_error=held, worst_abs_relative_error=held)
    fits = StudyFits(table.noise(), 0.9, held_out={recipe.name: check for recipe in recipes})
    seen = {each.recipe: each for each in measured(table, fits)}
    base = loss(*ASKED, None, 0.0, sources)
    nothing = Interval(mid=None, why="not determined")
    options = []
    for recipe in recipes:
        value = loss(*ASKED, recipe.synthetic, recipe.share, sources)
        change = around(value - base, half) if recipe.share else Interval(mid=None, why="this is the yardstick itself")
        faster = Interval(mid=2.4, low=1.3, high=4.9) if value < base else Interval(mid=None, why="never reached")
        blank = bool(undetermined) and recipe.share > 0
        options.append(
            Option(
                recipe=recipe.name, kind=recipe.synthetic, share=recipe.share, shares=recipe.shares, law="chinchilla",
                undetermined=list(undetermined) if blank else [],
                measured=seen.get(recipe.name),
                loss=nothing if blank else around(value, 0.03),
                new_run=nothing if blank else around(value, 0.045),
                difference=nothing if blank else change,
                above_best=nothing,
                sign=0 if blank else change.sign(table.noise().sd or 0.0),
                as_good=not blank,
                speedup=nothing if blank else faster,
                tokens_saved=nothing,
                worth=nothing,
            )
        )  # fmt: skip
    curves = kind_curves(sources) if curves is None else curves
    able = [i for i, option in enumerate(options) if option.loss.mid is not None]
    best = min(able, key=lambda i: options[i].loss.mid or 0.0)
    return Decision(
        study="does-rephrasing-help", basis="laws", question=Question(params=ASKED[0], tokens=ASKED[1]),
        params=ASKED[0], tokens=ASKED[1], level=0.9, decades_params=far[0], decades_tokens=far[1],
        decades_compute=sum(far), two_runs=table.noise().apart(), measured=list(seen.values()), options=options,
        best=best, recommended=best,
        verdicts=verdicts_of(fits, options, (*far, sum(far)), curves, [], asked=True), curves=curves,
    )  # fmt: skip


def domains_of(sources: dict[str, tuple[float, float]]) -> list[DomainFound]:
    """Each domain with a law and two best shares a source, ten points higher a domain."""
    found = []
    for i, domain in enumerate(DOMAINS):
        shares = [
            DomainShare(synthetic=name, params=params, tokens=tokens, law=law, best=around(0.3 + 0.1 * i, 0.05),
                        gain=around(0.02, 0.01), flat=(0.2, 0.5))
            for name in sources
            for params, tokens, law in ((1_000_000, 4_000_000, None), (1_000_000_000, 100_000_000_000, "joint"))
        ]  # fmt: skip
        laws = [
            FitSummary(law="joint", formula="E + A N^-alpha", recipe=None, synthetic=name, params=None, tokens=None,
                       points=84, parameters={"E": around(1.9 + 0.1 * i, 0.2)}, r2=0.99, objective=1e-6, held_out=None,
                       warnings=[])
            for name in sources
        ]  # fmt: skip
        found.append(DomainFound(domain=domain, laws=laws, shares=shares))
    return found


def make_results(
    sources: dict[str, tuple[float, float]] | None = None,
    *,
    sd: float = SD,
    half: float = 0.012,
    far: tuple[float, float] = (3.0, 4.4),
    held: float | None = 0.0043,
    undetermined: tuple[str, ...] = (),
    **change: object,
) -> Results:
    """The study; ``sd`` 0: no replicates; ``half``: of the differences' intervals; ``far``: decades of the question
    beyond the runs; ``held``: error of the laws held out; ``change``: other fields."""
    sources = SOURCES if sources is None else sources
    recipes = recipes_of(sources)
    runs = runs_of(recipes, sources, sd)
    cells = len(SIZES) * len(recipes)
    fields: dict[str, object] = {
        "study": "does-rephrasing-help",
        "version": "0.1.0",
        "averaging": "plain mean over the held-out domains",
        "context": 128,
        "domains": [Domain(name=k, whole=k in WHOLE, documents=240, tokens=61_000, bytes=238_000) for k in DOMAINS],
        "corpora": [
            CorpusRow(
                name="web",
                kind="natural",
                documents=18_230,
                train_tokens=5_120_000,
                bytes=20_100_000,
                origin="data/web/*.jsonl.gz",
                license="CC-BY-4.0",
                removed={"near-duplicate": 131, "empty": 4},
            ),
            *(
                CorpusRow(
                    name=name,
                    kind="synthetic",
                    documents=9_000,
                    train_tokens=4_200_000,
                    bytes=17_000_000,
                    origin="sampled from a 1.1M Llama, temperature 0.9, top-p 0.95",
                    license="as web",
                    removed={},
                )
                for name in sources
            ),
        ],
        "recipes": recipes,
        "runs": runs,
        "noise": Noise(sd=sd or None, cells=cells if sd else 0, runs=2 * cells if sd else 0),
        "fits": fits_of(recipes),
        "curves": curves_of(recipes, sources),
        "share_curves": share_curves(sources, runs),
        "decision": decision_of(recipes, sources, runs, half=half, far=far, held=held, undetermined=undetermined),
        "statistics": [
            Statistic(
                recipe=recipe.name,
                domain=name,
                coverage_mass=0.995 - 0.01 * i - 0.02 * recipe.share - 0.001 * k,
                coverage_types=0.97 - 0.03 * i - 0.1 * recipe.share,
                kl_test_train=0.3 + 0.2 * i + 0.15 * recipe.share,
                smoothing="add 0.5",
                train_tokens=4_000_000,
                test_tokens=61_000,
            )
            for k, recipe in enumerate(recipes)
            for i, name in enumerate(DOMAINS)
        ],
        "by_domain": domains_of(sources),
        "residuals": [
            Residual(
                recipe=r.recipe,
                params=r.params,
                tokens=r.tokens,
                seed=r.seed,
                residual=math.log(r.loss / loss(r.params, r.tokens, r.synthetic, r.share, sources)),
            )
            for r in runs
        ],
        "profiles": [
            ProfileCurve(
                recipe=recipe.name,
                law="chinchilla",
                parameter=name,
                values=[middle * (0.8 + 0.05 * i) for i in range(9)],
                excess=[0.5 * (i - 4) ** 2 for i in range(9)],
                threshold=1.35,
                interval=Interval(mid=middle, low=middle * 0.92, high=middle * 1.08),
            )
            for recipe in recipes
            for name, middle in (("E", 1.9), ("alpha", 0.34), ("beta", 0.36))
        ],
        "isoflops": [
            IsoFlop(
                recipe=recipe.name,
                flops=flops,
                params=[1e5, 1e6, 1e7],
                loss=[loss(n, flops / 6 / n, recipe.synthetic, recipe.share, sources) for n in (1e5, 1e6, 1e7)],
                best_params=Interval(mid=1e6, low=8e5, high=1.3e6),
                best_tokens=Interval(mid=flops / 6e6, low=flops / 8e6, high=flops / 5e6),
                best_loss=Interval(mid=loss(1e6, flops / 6e6, recipe.synthetic, recipe.share, sources)),
            )
            for recipe in recipes
            for flops in (1e13, 1e15)
        ],
        "spent": Spent(
            runs=len(runs),
            tokens=sum(r.tokens for r in runs),
            flops=sum(r.flops for r in runs),
            run_seconds=sum(r.seconds for r in runs),
            stage_seconds={"corpus": 14.2, "generation": 61.0, "training": 2110.0, "fit": 3.4},
            device="CPU, 2 threads",
        ),
        "versions": {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0"},
        "protocol": {"optimizer": "AdamW, weight decay 0.1 on matrices", "batch": "4096 tokens, 32 sequences of 128"},
        "warnings": [
            Warn(code="few-decades", message="The budgets span 0.6 decades; use two or more.", about="tokens"),
            Warn(code="repeated", message="web was read 1.3 times over in the largest runs.", about="web"),
        ],
    }
    return Results.model_validate({**fields, **change})


@pytest.fixture
def make() -> Callable[..., Results]:
    """:func:`make_results`, for tests (which cannot import a conftest)."""
    return make_results
