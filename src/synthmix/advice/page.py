"""Advice as sections of figures and tables: the page and the terminal show the same ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from synthmix.advice.figures import money_figure, next_figure, prior_figure, score_figure, share_figure
from synthmix.advice.priors import UNITS, effect_text
from synthmix.advice.schema import Advice, SourceValue
from synthmix.advice.valuation import score_lines
from synthmix.interval import Interval, format_interval
from synthmix.quantities import format_count, format_seconds, percent, signed_text
from synthmix.report import sentences
from synthmix.report.html import Section, write_page
from synthmix.report.mixture_page import COLOURS as MIXTURE_COLOURS
from synthmix.report.mixture_page import sections as mixture_sections
from synthmix.report.study_statistics import value_table
from synthmix.report.tables import option_table, priced
from synthmix.results import Decision
from synthmix.results.evidence import BreakEven, Combined, KindPrior
from synthmix.results.mixtures import MixtureDecision
from synthmix.table import Column, Table, facts

# Two kinds have a law each, and the laws put natural text at different losses.
OWN_LAWS = "losses are each kind's own law's; compare recipes by the difference from natural text, which is by one law"
NO_RUN = "no run of this ladder's form fits in the cost allowed, or the noise is unknown"


def write_advice(advice: Advice, path: Path) -> None:
    """Write the page, atomically.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    write_page(
        path,
        title="Advice",
        eyebrow=". ".join(part for part in (eyebrow(advice), advice.measured) if part),
        lead=advice.headline,
        under=[advice.confidence, advice.recommendation],
        sections=sections(advice),
        facts=_facts(advice),
        colours=max(len(advice.question.kinds) + 1, 0 if advice.mixture is None else MIXTURE_COLOURS),
    )


def eyebrow(advice: Advice) -> str:
    """The question, and what the answer rests on."""
    question = advice.question
    there = question.natural
    natural = "enough natural text" if there is None else f"{format_count(there)} natural tokens"
    basis = f"from the study {advice.study}" if advice.basis == "study" else "no study: published priors only"
    return f"{sentences.place(question.params, question.tokens)}, {natural}; {basis}"


def sections(advice: Advice) -> list[Section]:
    """Everything, in the order of the page."""
    decision = advice.decision
    if decision is None:
        return _of_priors(advice)
    mixture = [] if advice.mixture is None else [_mixture(advice.mixture)]
    scores = _lines("Rank correlation with the measured losses", score_lines(advice.scores, advice.scores_note))
    return [
        *mixture,
        Section("shares", "Shares", "Recipes", share_figure(advice), [_options(decision)]),
        Section("good", "As good", "As good as the best within the noise", money_figure(advice), _others(decision)),
        Section("sensitivity", "Sensitivity", "What would change the answer", tables=[_sensitivity(decision)]),
        Section(
            "next", "Next runs", "The runs that would narrow the answer most", next_figure(advice), _next(decision)
        ),
        Section("scores", "Scores", "Valuation scores", score_figure(advice), [scores, *_scores(advice)]),
        *_published(advice),
        Section("caveats", "Caveats", "Caveats", tables=[_lines("Caveat", advice.caveats)]),
        Section("else", "Evidence", "What was measured", tables=[_lines("Measured", advice.evidence)]),
    ]


def _published(advice: Advice) -> list[Section]:
    if not advice.together:
        return []
    tables = [together_table(advice.together), break_even_table(advice.break_even)]
    return [Section("published", "Published", "With published effects", tables=tables)]


def _mixture(found: MixtureDecision) -> Section:
    parts = mixture_sections(found)
    figures = [each for part in parts for each in part.figures]
    tables = [each for part in parts for each in part.tables]
    return Section("mixture", "Mixture", "The best mixture of the sources", figures, tables)


def _of_priors(advice: Advice) -> list[Section]:
    study = advice.pilot_study
    tables = []
    if study is not None:
        workers = f"{study.workers} worker(s) of {study.device}, text not counted"
        about = [
            ("Runs", study.runs),
            ("Tokens", format_count(study.tokens)),
            ("FLOPs", f"{study.flops:.2g}"),
            ("Time", f"{format_seconds(study.seconds)} on {workers}"),
            *(("Replace first", what) for what in study.to_replace),
            ("Its file", "--write-study FILE writes it; then synthmix study run FILE"),
        ]
        tables = [facts("", about)]
    return [
        Section(
            "priors",
            "Priors",
            "What published effects say",
            prior_figure(advice),
            [prior_table(advice.priors), source_table(advice.priors), statement_table(advice.priors)],
        ),
        Section("here", "Here", "What that means here", tables=[_lines("Arithmetic", advice.evidence)]),
        Section("ways", "Ways", "Generating, buying, repeating", tables=[break_even_table(advice.break_even)]),
        Section("caveats", "Caveats", "Caveats", tables=[_lines("Caveat", advice.caveats)]),
        Section("study", "Pilot study", "The study that would replace them", tables=tables),
    ]


def prior_table(priors: Sequence[KindPrior]) -> Table:
    """A row a kind and metric."""
    columns = [
        Column("kind", "Kind"),
        Column("metric", "Metric"),
        Column("share", "Best share"),
        Column("effect", "Against natural text"),
        Column("helps", "Helps", percent, kind=float),
        Column("rows", "Effects of the kind", kind=int),
        Column("studies", "Studies of it", kind=int),
    ]
    rows = [
        (
            prior.kind,
            UNITS[one.unit],
            format_interval(one.share, percent, level=False),
            effect_text(one).replace("90% interval ", ""),
            one.helps,
            sum(says.rows for says in one.says),
            len(one.says),
        )
        for prior in priors
        for one in prior.metrics
    ]
    return Table("priors", columns, rows, note="one new study with a new text, 90% intervals")


def source_table(priors: Sequence[KindPrior]) -> Table:
    """What each study found of the kinds, so that their disagreement is seen."""
    columns = [
        Column("kind", "Kind"),
        Column("metric", "Metric"),
        Column("source", "Source"),
        Column("rows", "Effects", kind=int),
        Column("range", "Least to greatest"),
        Column("shares", "Shares"),
        Column("params", "Parameters"),
        Column("link", "Link"),
    ]
    rows = []
    for prior in priors:
        for one in prior.metrics:
            for says in one.says:
                scale, unit = (1.0, "nats") if one.unit == "nats" else (100.0, "points")
                span = f"{signed_text(f'{scale * says.low:+.3g}')} to {signed_text(f'{scale * says.high:+.3g}')} {unit}"
                shares = "not said" if says.shares is None else _span(*map(percent, says.shares))
                params = "not said" if says.params is None else _span(*map(format_count, says.params))
                rows.append((prior.kind, UNITS[one.unit], says.source, says.rows, span, shares, params, says.link))
    return Table("sources", columns, rows, "Which effects")


def statement_table(priors: Sequence[KindPrior]) -> Table:
    """Best shares and speed-ups as their sources state them; the prior does not use them."""
    columns = [
        Column("kind", "Kind"),
        Column("source", "Source"),
        Column("said", "States"),
        Column("place", "At"),
        Column("obtained", "How"),
    ]
    rows = [
        (
            prior.kind,
            each.source,
            f"best share {percent(each.value)}"
            if each.unit == "share"
            else f"{each.recipe}: {each.value:g} times as fast",
            ""
            if each.params is None or each.tokens is None
            else sentences.place(round(each.params), round(each.tokens)),
            each.obtained,
        )
        for prior in priors
        for each in prior.statements
    ]
    return Table("statements", columns, rows, "Stated, without an effect that could be used")


def together_table(found: Sequence[Combined]) -> Table:
    """The runs, the published effects, and both."""
    columns = [
        Column("recipe", "Recipe"),
        Column("own", "These runs"),
        Column("prior", "Published effects"),
        Column("both", "Together"),
        Column("weight", "Weight of these runs", percent, kind=float),
        Column("apart", "The two"),
    ]
    rows = [
        (
            one.recipe,
            *(format_interval(each, signed=True, level=False) for each in (one.own, one.prior, one.both)),
            one.weight,
            "disagree" if one.apart else "agree within their intervals",
        )
        for one in found
    ]
    note = "difference from natural text alone, nats per token, 90% intervals"
    return Table("together", columns, rows, note=note)


def break_even_table(found: Sequence[BreakEven]) -> Table:
    """Generating beside more natural text and beside more epochs."""
    columns = [
        Column("recipe", "Mixed in"),
        Column("hours", "GPU-hours to generate"),
        Column("hours_money", "At the GPU's price"),
        Column("money", "At the price said", sentences.amount, kind=float),
        Column("natural", "New natural tokens for the same loss"),
        Column("price", "Break-even price a million"),
        Column("more", "More training tokens instead"),
        Column("more_money", "Their price"),
    ]
    rows = [
        (
            f"{percent(one.share)} {one.kind}",
            format_interval(one.hours, sentences.amount, level=False),
            "no price list"
            if one.hours_money is None
            else format_interval(one.hours_money, sentences.amount, level=False),
            one.money,
            format_interval(one.natural_tokens, format_count, level=False),
            format_interval(one.natural_price, sentences.amount, level=False),
            format_interval(one.more_tokens, format_count, level=False),
            _priced(one.more_money, "no price of training"),
        )
        for one in found
    ]
    note = (
        "by loss, 90% intervals; ? : out of natural text's reach. Generation as published runs took it; tokens by a "
        "published law of natural text and the law of repetition (docs/advise.md)"
    )
    return Table("ways", columns, rows, "Generating, buying, repeating", note=note)


def _priced(money: Interval | None, otherwise: str) -> str:
    return otherwise if money is None else format_interval(money, sentences.amount, level=False)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _options(decision: Decision) -> Table:
    keys = ["recipe", "measured", "loss", "difference", "as_good", "speedup", "tokens_saved", "money"]
    return option_table(decision).only(*keys, *priced(decision), "epochs")


def _others(decision: Decision) -> list[Table]:
    return [_lines("Alternative", [sentences.alternative(each) for each in decision.alternatives])]


def _sensitivity(decision: Decision) -> Table:
    columns = [
        Column("what", "What"),
        Column("now", "Now", _number, kind=float, missing="-"),
        Column("value", "Changes at", _number, kind=float, missing="-"),
        Column("then", "Then"),
    ]
    rows = [(sentences.sensitive_to(each), each.now, each.value, sentences.then(each)) for each in decision.sensitivity]
    return Table("sensitivity", columns, rows)


def _number(value: float) -> str:
    return format_count(value) if value >= 1e4 else f"{value:.3g}"


def _next(decision: Decision) -> list[Table]:
    columns = [
        Column("run", "Run"),
        Column("params", "N", format_count),
        Column("tokens", "D", format_count),
        Column("flops", "FLOPs", ".2g"),
        Column("seconds", "Time, one worker", format_seconds, kind=float, missing="-"),
        Column("sd_before", "Gain known to", ".3g"),
        Column("sd_after", "then to", ".3g"),
        Column("epochs", "Epochs of the study's text", ".2g"),
    ]
    rows = [
        (
            f"{at}. {run.recipe}",
            run.params,
            run.tokens,
            run.flops,
            run.seconds,
            run.sd_before,
            run.sd_after,
            run.repeats,
        )
        for at, run in enumerate(decision.next_runs, 1)
    ]
    natural = decision.natural
    source = next(iter(natural.shares), "natural") if natural is not None else "natural"
    note = sentences.to_mix(decision, source) if rows else NO_RUN
    return [*([Table("next_runs", columns, rows)] if rows else []), *([_lines("Beside them", [note])] if note else [])]


def _scores(advice: Advice) -> list[Table]:
    if advice.scores is not None and advice.scores.mixture is not None:
        return [_sources(advice.scores.sources), value_table(advice.scores.mixture)]
    if advice.scores is None or not advice.scores.kinds:
        return []
    columns = [
        Column("kind", "Kind"),
        Column("by_score", "Best share by score", percent, kind=Interval),
        Column("by_laws", "By the laws, at the question", percent, kind=Interval),
        Column("verdict", "Verdict"),
        Column("domains", "By held-out domain"),
    ]
    rows = [
        (
            kind.kind,
            kind.best,
            kind.by_laws,
            f"{kind.verdict}: {kind.reason}",
            ", ".join(f"{name} {percent(share)}" for name, share in kind.domains.items()),
        )
        for kind in advice.scores.kinds
    ]
    return [Table("scores", columns, rows)]


def _sources(sources: list[SourceValue]) -> Table:
    columns = [
        Column("source", "Source"),
        Column("by_score", "Of the best mixture by score", percent, kind=Interval),
        Column("by_laws", "By the laws, at the question", percent, kind=Interval),
        Column("verdict", "Verdict"),
    ]
    rows = [(each.source, each.share, each.by_laws, f"{each.verdict}: {each.reason}") for each in sources]
    return Table("score_sources", columns, rows)


def _lines(head: str, lines: list[str]) -> Table:
    return Table("", [Column("line", head)], [(line,) for line in lines])


def _facts(advice: Advice) -> Mapping[str, str]:
    decision = advice.decision
    if decision is None:
        return {
            "Priors": "a hierarchical model of published effects, spread between studies included (docs/advise.md); "
            "nothing was measured on the text asked about",
            **sentences.training_cost(advice.question),
            "Study": "sized by the planner: it times this machine's workers on the ladder's models",
        }
    laws = "; ".join(f"{c.kind}: {c.law}, beside {', '.join(c.rivals) or 'no other'}" for c in decision.curves)
    return {
        "How far": sentences.distance(decision),
        **({"Losses": OWN_LAWS} if len(decision.curves) > 1 else {}),
        "Speed-up": "natural text's budget over the tokens that reach its loss; charged: in FLOPs, with generation",
        **sentences.training_cost(advice.question),
        "Epochs": "how often the natural and the synthetic text are gone through",
        **({"Laws": laws} if laws else {}),
        "Intervals": f"{decision.level:.0%}, of the bootstrap, widened to every law; a law's own error is not in them",
        "As good": "not clearly worse than the best: the difference's interval holds 0, or it is within a seed's noise",
        "Recommended": "of natural text and each kind's best share, the cheapest that is as good as the best; "
        "where natural text is, nothing is generated for a gain that is not shown",
        "Repeats": "U + U R* (1 - exp(-R / R*)) effective tokens, R* = 15.39 (arXiv 2305.16264), 7 to 100 in the draws",
        "Scores": "those of synthmix value, averaged over the held-out domains; best shares by the losses that they "
        "and the runs of the largest budget let expect, with the error of that",
        "Next runs": "expected variance of the gain at the question after each run, by regression over the laws' draws",
    }
