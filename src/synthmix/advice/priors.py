"""Published findings about synthetic kinds: priors for who has no study yet. None was measured on the asker's text."""

from synthmix.advice.asked import KEY, Kind
from synthmix.advice.found import Finding
from synthmix.errors import BadInput

KANG = "Kang et al., arXiv 2510.01631"
FINEPHRASE = "FinePhrase, arXiv 2604.13977"
MUENNIGHOFF = "Muennighoff et al., arXiv 2305.16264"
PUBLISHED_PARAMS = (100e6, 3e9)
PUBLISHED_TOKENS = (1e9, 200e9)
ANY = "all kinds"
SPEED = (5.0, 10.0)  # at large budgets, at a third of rephrased text

FINDINGS = (
    Finding(
        kind="hq", says="best share about 30 % at every scale; a third or two thirds hardly differ",
        source=KANG, mark="FOUND", share=(0.3, 0.3),
    ),
    Finding(
        kind="hq", says="a third reaches natural text's loss with 5 to 10 times fewer tokens at large budgets",
        source=KANG, mark="FOUND", speedup=SPEED,
    ),
    Finding(kind="hq", says="alone it is not faster than natural text", source=KANG, mark="FOUND"),
    Finding(
        kind="qa", says="best share about 50 % at small scale, falling to about 30 % at large scale",
        source=KANG, mark="FOUND", share=(0.3, 0.5),
    ),
    Finding(
        kind="qa", says="a third reaches natural text's loss with 5 to 10 times fewer tokens at large budgets",
        source=KANG, mark="FOUND", speedup=SPEED,
    ),
    Finding(
        kind="textbook", says="best share below 5 % at small scale, rising with scale; 33 % is better than 67 %",
        source=KANG, mark="FOUND", share=(0.0, 0.33),
    ),
    Finding(
        kind="textbook", says="alone it is clearly worse, most at small budgets; mixtures show the pattern of collapse",
        source=KANG, mark="FOUND",
    ),
    Finding(kind="table", says="best share 70 %", source=FINEPHRASE, mark="FOUND", share=(0.7, 0.7)),
    Finding(kind="math", says="best share 80 %", source=FINEPHRASE, mark="FOUND", share=(0.8, 0.8)),
    Finding(kind="faq", says="best share 60 %", source=FINEPHRASE, mark="FOUND", share=(0.6, 0.6)),
    Finding(kind="tutorial", says="best share 60 %", source=FINEPHRASE, mark="FOUND", share=(0.6, 0.6)),
    Finding(
        kind=ANY, says="mixtures beat pure synthetic text; at large sizes and one budget rephrased mixtures are "
        "slightly worse than natural text", source=KANG, mark="FOUND",
    ),
    Finding(
        kind=ANY, says="an 8B generator was better than a 3B one, a 70B one was not better than 8B",
        source=KANG, mark="FOUND",
    ),
    Finding(
        kind=ANY, says="the sources disagree: the best share depends on format, base data and metric, so measure it",
        source=f"{KANG}; {FINEPHRASE}", mark="FOUND",
    ),
    Finding(
        kind=ANY, says="up to four epochs of repeated text cost next to nothing against as much new text",
        source=MUENNIGHOFF, mark="FOUND",
    ),
)  # fmt: skip
KINDS = tuple(dict.fromkeys(finding.kind for finding in FINDINGS if finding.kind != ANY))


def published_kind(kind: Kind) -> str:
    """The published kind that a kind is, or is said to be like.

    Raises:
        BadInput: neither is published.
    """
    name = kind.like or kind.name
    if name not in KINDS:
        remedy = f"published are {', '.join(KINDS)}; add like=KIND to '{kind.name}', or give a finished --study"
        raise BadInput(f"nothing is published about '{name}'", key=KEY, remedy=remedy)
    return name


def findings(kinds: tuple[Kind, ...]) -> list[Finding]:
    """What is published about these kinds, then about all.

    Raises:
        BadInput: a kind that nothing is published about.
    """
    named = list(dict.fromkeys(published_kind(kind) for kind in kinds))
    return [finding for name in [*named, ANY] for finding in FINDINGS if finding.kind == name]


def prior_share(kind: str) -> tuple[float, float]:
    """Published best share of a kind, from and to."""
    return next(finding.share for finding in FINDINGS if finding.kind == kind and finding.share is not None)


def prior_speedup(kind: str) -> tuple[float, float] | None:
    """Published speed-up of a kind at a third; None: none is published."""
    return next((f.speedup for f in FINDINGS if f.kind == kind and f.speedup is not None), None)
