"""Designs before they are run: simulated studies, the check before spending, ladders that answer best."""

from synthmix.design.check import DesignCheck, Proposal, SeedWorth, check_design, design_for
from synthmix.design.design import Design, DesignRun
from synthmix.design.simulate import Answer, Simulated, simulate
from synthmix.design.worlds import World, known_worlds, public_worlds

__all__ = [
    "Answer",
    "Design",
    "DesignCheck",
    "DesignRun",
    "Proposal",
    "SeedWorth",
    "Simulated",
    "World",
    "check_design",
    "design_for",
    "known_worlds",
    "public_worlds",
    "simulate",
]
