"""Looks at a study that grows: verdicts after some seeds, and again after more, at one error in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from difnet.analysis.estimates import CONFIDENCE


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        seeds: The seeds that it sees, ascending.
        alpha: Its part of the error of 5%.
        words: Which look it is; empty where one look was planned.
        limit: Why no verdict rests on it; empty where one may.
    """

    seeds: tuple[int, ...]
    alpha: float
    words: str = ""
    limit: str = ""


def planned_looks(seeds: Sequence[int], looks: Sequence[int]) -> list[Look]:
    """The looks that so many seeds allow.

    Each look spends the share of the error by which the number of seeds has grown (a linear spending
    function, Lan and DeMets, Biometrika 1983, without use of the dependence between looks), so that together
    they err no more often than one look would.

    Args:
        seeds: All that were run.
        looks: Numbers of seeds after which verdicts were planned, ascending; empty for one look at all.
    """
    everything, alpha = tuple(sorted(seeds)), 1 - CONFIDENCE
    if not looks:
        return [Look(everything, alpha)]
    shares = [(now - before) / looks[-1] for before, now in zip((0, *looks), looks, strict=False)]
    reached = [
        Look(everything[:count], alpha * share, f"look {place} of {len(looks)}, at {count} seeds")
        for place, (count, share) in enumerate(zip(looks, shares, strict=True), start=1)
        if count <= len(everything)
    ]
    waiting = f"before the first look, at {looks[0]} seeds"
    return reached or [Look(everything, alpha * shares[0], limit=waiting)]
