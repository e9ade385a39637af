"""Bad input: the study file and its ladder."""

from typing import Any

from .mistakes import GONE, Case, World, change, one_recipe, said, yaml


def designed(runs: int = 12, **changes: Any) -> Any:
    """The study with mixtures of three sources by design; ``changes`` of ``mix``."""
    sources = {"web": {}, "hq": {}, "sampled": {}}

    def prepare(world: World) -> None:
        world.set(corpora__hq={"files": "hq.jsonl", "kind": "synthetic"})
        world.set(mix={"sources": sources, "design": {"runs": runs}, **changes})

    return prepare


def asked(runs: int = 12, epochs_simulated: int = 0, **changes: Any) -> Any:
    """The same with ``changes`` of the question."""

    def prepare(world: World) -> None:
        designed(runs, design={"runs": runs, "simulated_epochs": epochs_simulated})(world)
        world.raw["question"].update(changes)

    return prepare


STUDY_FILE = [
    Case("no study file", ("none.yaml: no such study file",), ("study", "run", "none.yaml")),
    Case("a folder for a study file", (".: is a folder, not a study file",), ("study", "run", ".")),
    Case("not YAML", ("study.yaml: line 2: is not YAML",), prepare=yaml("study: a\n  b: [c")),
    Case("a key twice", ("study.yaml: line 2: is not YAML: key 'study' twice",), prepare=yaml("study: a\nstudy: b\n")),
    Case("a list", ("study.yaml: is not a study: it has no keys",), prepare=yaml("- a\n- b\n")),
    Case("an empty file", ("study.yaml: is not a study",), prepare=yaml("")),
    Case("not UTF-8", ("study.yaml: not UTF-8",), prepare=yaml(b"study: \xff\xfe")),
    Case("a Python object", ("study.yaml", "is not YAML"), prepare=yaml("study: !!python/object:os.system {}")),
    Case("a key of a list", ("study.yaml", "is not YAML"), prepare=yaml("? [a, b]\n: 1\n")),
    Case("an unknown key", ("evalute: unknown key; did you mean 'evaluate'?",), prepare=change(evalute={})),
    Case("in training", ("training.bacth: unknown key; did you mean 'batch'",), prepare=change(training__bacth=1)),
    Case("in a corpus", ("corpora.web.held_out", "'heldout'"), prepare=change(corpora__web__held_out="2%")),
    Case("in a sampled one", ("corpora.sampled.topp", "'top_p'"), prepare=change(corpora__sampled__topp=0.9)),
    Case("in the ladder", ("ladder.budget", "'budgets'"), prepare=change(ladder__budget=[1])),
    Case("in mix", ("mix.share: unknown key; did you mean 'shares'",), prepare=change(mix__share=1)),
    Case(
        "in evaluate", ("study.yaml: evaluate.other.file: ", "'files'"), prepare=change(evaluate__other={"file": "x"})
    ),
    Case("in the question", ("question.tokes", "'tokens'"), prepare=change(question__tokes=1)),
    Case("in fit", ("fit.bootstraps", "'bootstrap'"), prepare=change(fit__bootstraps=1)),
    Case("in replicates", ("replicates.0.seed", "'seeds'"), prepare=change(ladder__replicates__0__seed=2)),
    Case("a key missing", ("study.yaml: ladder: is missing; add it",), prepare=change(ladder=GONE)),
    Case("no corpora", ("study.yaml: corpora",), prepare=change(corpora={})),
    Case("a name with a slash", ("study.yaml: study: ",), prepare=change(study="a/b")),
    Case("a study called as a device", ("study: the name 'NUL' is reserved",), prepare=change(study="NUL")),
    Case("a study of 300 letters", ("study: the name", "300 characters"), prepare=change(study="n" * 300)),
    Case(
        "a corpus with a slash",
        ("study.yaml: corpora", "the name 'a/b' holds /; use letters"),
        prepare=change(corpora={"a/b": "web.jsonl"}),
    ),
    Case(
        "a corpus with an escape",
        ("corpora", r"'a\x1b[31m' holds \x1b"),
        prepare=change(corpora={"a\x1b[31m": "web.jsonl"}),
    ),
    Case("a corpus above it", ("'..' begins or ends with a dot",), prepare=change(corpora={"..": "web.jsonl"})),
    Case("a domain of lines", (r"evaluate", r"'a\nb' holds \n"), prepare=change(evaluate={"a\nb": "other.jsonl"})),
    Case(
        "a recipe of 300 letters",
        ("mix.recipes", "300 characters"),
        prepare=change(mix={"natural": "web", "recipes": {"n" * 300: {"web": 1}}}),
    ),
    Case("a share above 1", ("mix.shares", "'150%' is not between 0 and 1"), prepare=change(mix__shares=[0, "150%"])),
    Case("no share", ("mix.shares", "'third' is not a share"), prepare=change(mix__shares=["third"])),
    Case("no count", ("ladder.budgets", "'lots' is not a count"), prepare=change(ladder__budgets=["lots"])),
    Case("one replicate", ("replicates", "seeds"), prepare=change(ladder__replicates__0__seeds=1)),
    Case("a temperature of 0", ("corpora.sampled.temperature",), prepare=change(corpora__sampled__temperature=0)),
    Case("few resamples", ("fit.bootstrap",), prepare=change(fit__bootstrap=3)),
    Case("limit without unit", ("web.limit", "write '10k documents'"), prepare=change(corpora__web__limit="10k")),
    Case("two origins", ("corpora.web", "files and sample"), prepare=change(corpora__web__sample="all")),
    Case("path and vocab", ("tokenizer", "drop vocab and on"), prepare=change(tokenizer__path="t.json")),
    Case("unknown natural", ("mix.natural: no corpus 'wob'", "web, sampled"), prepare=change(mix__natural="wob")),
    Case("natural twice", ("mix.synthetic: 'web' is the natural",), prepare=change(mix__synthetic=["web"])),
    Case("unknown in recipe", ("mix.recipes.half: no corpus 'wob'",), prepare=one_recipe(wob=1)),
    Case(
        "unknown from",
        ("sampled.from: no corpus 'wob'",),
        prepare=lambda w: w.raw["corpora"]["sampled"].update({"from": "wob"}),
    ),
    Case(
        "generated from generated",
        ("corpora.again.from: 'sampled' is generated itself; name a natural corpus",),
        prepare=lambda w: w.set(corpora__again=w.raw["corpora"]["sampled"] | {"from": "sampled"}),
    ),
    Case(
        "nothing held out",
        ("evaluate.web: corpus 'web' holds nothing out; give it heldout: 2%",),
        prepare=change(corpora__web__heldout=GONE),
    ),
    Case("held out of none", ("evaluate.wob: 'heldout' needs a corpus",), prepare=change(evaluate__wob="heldout")),
    Case("a name clash", ("evaluate.web: a corpus has this name",), prepare=change(evaluate__web="other.jsonl")),
    Case("nothing to evaluate", ("study.yaml: evaluate",), prepare=change(evaluate={})),
    Case("tokenizer on generated", ("tokenizer.on", "name a natural corpus"), prepare=change(tokenizer__on="sampled")),
]

DESIGN = [
    Case("sources without a design", ("mix: sources without design: write",), prepare=designed(design=None)),
    Case("a design without sources", ("mix: design without sources",), prepare=designed(sources={}, natural="web")),
    Case("one source", ("mix: sources: one source alone",), prepare=designed(sources={"web": {}})),
    Case("a source of no corpus", ("mix.sources: no corpus 'wob'",), prepare=designed(sources=["web", "wob"])),
    Case(
        "a synthetic yardstick",
        ("mix.natural: corpus 'hq' is synthetic; name the natural one",),
        prepare=designed(sources=["hq", "web"]),
    ),
    Case(
        "a bound's key",
        ("mix.sources.hq.maximum: unknown key; ", "max"),
        prepare=designed(sources={"web": {}, "hq": {"maximum": 1}}),
    ),
    Case(
        "natural shares that miss",
        ("mix.sources: the natural mixture web 50% makes 50%, not 100%; make the shares under 'natural'",),
        prepare=designed(sources={"web": {"natural": "50%"}, "hq": {}, "sampled": {}}),
    ),
    Case(
        "bounds that exclude everything",
        ("mix.sources: no mixture adds up to 100%: the max of all sources make 80%; raise a max",),
        prepare=designed(sources={"web": {"max": "40%"}, "hq": {"max": "20%"}, "sampled": {"max": "20%"}}),
    ),
    Case(
        "groups that exclude everything",
        ("mix.groups: no mixture keeps the bounds of the sources and of synthetic; ",),
        prepare=designed(
            sources={"web": {"max": "30%"}, "hq": {}, "sampled": {}},
            groups={"synthetic": {"sources": ["hq", "sampled"], "max": "60%"}},
        ),
    ),
    Case(
        "a group of no source",
        ("mix: groups.all: 'wob' is not among sources: web, hq, sampled",),
        prepare=designed(groups={"all": {"sources": ["hq", "wob"], "max": "60%"}}),
    ),
    Case(
        "a source always at 0",
        ("mix.sources.hq: 'hq' is at 0 in every mixture that the bounds allow; raise its max",),
        prepare=designed(sources={"web": {}, "hq": {"max": 0}, "sampled": {}}),
    ),
    Case(
        "few runs for a law",
        ("mix.design.runs: 5 runs of 3 sources are fewer than a law of mixtures can bear; 6 would do",),
        prepare=designed(5),
    ),
    Case(
        "a source without supply",
        ("question.supply: 'sampled' has none; write its unique tokens, or unlimited",),
        prepare=asked(supply={"web": "unlimited", "hq": "5B"}),
    ),
    Case(
        "a supply of no source",
        ("question.supply: no recipe holds 'wob'; they hold web, hq, sampled",),
        prepare=asked(supply={"wob": "5B"}),
    ),
    Case(
        "a supply that is no count",
        ("question.supply.hq: 'some' is not a count",),
        prepare=asked(supply={"web": "unlimited", "hq": "some", "sampled": "5B"}),
    ),
    Case("half an epoch", ("question.epochs.hq: ", "greater than or equal to 1"), prepare=asked(epochs={"hq": 0.5})),
    Case("a price below zero", ("question.prices.hq: -1 is not",), prepare=asked(prices={"hq": -1})),
    Case(
        "a key of a price list",
        ("question.prices.gpu_hours: unknown key; did you mean 'gpu_hour'?",),
        prepare=asked(prices={"gpu_hours": 2, "flops": "1e12", "mfu": "40%"}),
    ),
    Case("half a price list", ("question.prices.flops: is missing",), prepare=asked(prices={"gpu_hour": 2})),
    Case(
        "simulated epochs of no supply",
        ("mix.design.simulated_epochs: how often text repeats is not known; write question.supply",),
        prepare=designed(design={"runs": 12, "simulated_epochs": 2}),
    ),
    Case(
        "recipes cut to no supply",
        ("mix.simulated_epochs: how often text repeats is not known; write question.supply",),
        prepare=change(mix={"natural": "web", "recipes": {"all": {"web": 1}}, "simulated_epochs": True}),
    ),
    Case(
        "simulated epochs where nothing repeats",
        ("mix.design.simulated_epochs: 2 are asked for, and 0 mixtures", "leave it out: the supply is enough"),
        prepare=asked(12, 2, supply={"web": "unlimited", "hq": "unlimited", "sampled": "5B"}),
    ),
    Case("many runs", ("mix.design.runs: 2000 is not from 1 to 1,000",), prepare=designed(2000)),
]

LADDER = [
    Case("batch no multiple", ("training", "100 tokens are not a whole number"), prepare=change(training__batch=100)),
    Case("shares that miss", ("half", "make 90%, not 100%"), prepare=one_recipe(web="50%", sampled="40%")),
    Case(
        "few steps",
        ("study.yaml: ladder.budgets: 2k tokens are 8 steps of 256",),
        prepare=change(ladder__budgets=["2k"]),
    ),
    Case("a tiny size", ("params: 1000 parameters are too few",), prepare=change(ladder__params=["1k"])),
    Case(
        "a tiny generator",
        ("study.yaml: corpora.sampled.params: ", "parameters are too few"),
        prepare=change(corpora__sampled__params="1k"),
    ),
    Case(
        "few sampled",
        ("study.yaml: corpora.sampled.tokens: 5k tokens are to be",),
        prepare=change(corpora__sampled__tokens="5k"),
    ),
    Case(
        "a short generator",
        ("study.yaml: corpora.sampled.train: ", "steps"),
        prepare=change(corpora__sampled__train="1k"),
    ),
    Case(
        "a small vocabulary", ("study.yaml: tokenizer.vocab: 100 is too small",), prepare=change(tokenizer__vocab=100)
    ),
]


def _without_question(world: World) -> None:
    world.set(question=GONE)


CHOSEN = [
    said(
        'study run study.yaml --quiet --until "wide < 0.03"',
        "--until: 'wide < 0.03' is no condition",
        "width < 0.03 nats",
    ),
    said('study run study.yaml --quiet --until "width > 0.03"', "--until: 'width > 0.03' never ends"),
    said("study run study.yaml --quiet --cost soon", "--cost: 'soon' is no cost", "write a time (2h, 90min, 30s)"),
    said("study run study.yaml --quiet --cost 0s", "--cost: '0s' is not above 0"),
    said(
        "study run study.yaml --quiet --cost 1h",
        "study.yaml: question: is missing: runs are chosen by what they tell of it",
        prepare=_without_question,
    ),
    said(
        "study run study.yaml --quiet --cost 5",
        "study.yaml: --cost: 5 pays for no run: the cheapest costs",
        may_write="out",
    ),
    said(
        'study run study.yaml --quiet --until "width < 1e-6"',
        "study.yaml: --until: no design reaches width < 1e-6: all 21 runs of the study file would leave about",
        may_write="out",
    ),
]
