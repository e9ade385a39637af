"""Warnings of a study for its page: grouped by code, those that bear on the answer first."""

from dataclasses import dataclass

from synthmix.results import Results

FIRST = 5  # groups that are shown; the others are folded
_LINES = 3  # messages of a group that are shown
# What changes the answer or its confidence, the gravest first; then codes that are not named here; then what only says
# how something was done (CHOSEN).
_GRAVE = (
    "unfinished", "diverged", "lost_text", "unseen_tokens", "not_identified", "collinear_shares", "no_interval",
    "no_best_mixture", "no_joint_law", "no_share_curve", "no_replicates", "held_out", "not_tested", "no_minimum",
    "best_share_at_edge", "flat_profile", "exponent_at_bound", "too_few_points", "few_decades", "far_extrapolation",
    "repeated", "other_natural_text", "rows_left_out", "task_changed", "task_missing", "no_held_out_check",
)  # fmt: skip
_MILD = ("not_fitted", "unverified", "law_choice")


@dataclass(frozen=True)
class WarningGroup:
    """Warnings of one code: (about, message) each, a message once with all that it is about."""

    code: str
    lines: list[tuple[str, str]]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The lines that stand open."""
        return self.lines[:_LINES]

    @property
    def folded(self) -> list[tuple[str, str]]:
        """The others."""
        return self.lines[_LINES:]


def grouped(results: Results) -> list[WarningGroup]:
    """The study's and the fits' warnings, the gravest group first."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for warning in results.warnings:
        found.setdefault(warning.code, {}).setdefault(warning.message, {}).setdefault(warning.about or "", [])
    for fit in results.fits:
        for warning in fit.warnings:
            about = found.setdefault(warning.code, {}).setdefault(warning.message, {})
            about.setdefault(f"{fit.law} law", []).append(fit.recipe or "all recipes")
    for domain in results.by_domain:
        for warning in domain.warnings:
            about = found.setdefault(warning.code, {}).setdefault(warning.message, {})
            about.setdefault(warning.about or domain.domain, [])
    return [
        WarningGroup(code, [(_about(about, len(results.recipes)), message) for message, about in messages.items()])
        for code, messages in sorted(found.items(), key=lambda item: (_rank(item[0]), item[0]))
    ]


def _rank(code: str) -> int:
    if code in _GRAVE:
        return _GRAVE.index(code)
    return len(_GRAVE) + (1 + _MILD.index(code) if code in _MILD else 0)


def _about(about: dict[str, list[str]], recipes: int) -> str:
    """``chinchilla law (docs, hq); data law``: the recipes are named unless they are all there are."""
    named = {law: dict.fromkeys(names) for law, names in about.items() if law}
    return "; ".join(f"{law} ({', '.join(names)})" if 0 < len(names) < recipes else law for law, names in named.items())
