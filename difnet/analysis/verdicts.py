"""From intervals to verdicts: the rules, apart from where the numbers come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from difnet.analysis.estimates import Estimate

Verdict = Literal["reproduced", "not reproduced", "inconclusive", "not run"]


@dataclass(frozen=True)
class Part:
    """One test of a claim.

    Attributes:
        label: what is compared, for the evidence.
        estimate: the number, so oriented that the claim says ``value > null``; None when not run.
        null: the bound that the claim says is exceeded.
        equivalence: half-width of the band around ``null`` within which the claim counts as not reproduced.
        optional: left out where it was not run.
        logarithmic: the number is the logarithm of a ratio; shown as the ratio.
    """

    label: str
    estimate: Estimate | None
    null: float
    equivalence: float = 0.0
    optional: bool = False
    logarithmic: bool = False


def part_verdict(part: Part, confidence: float) -> Verdict:
    """Verdict on one test from its interval at the corrected confidence.

    Reproduced when the interval is above ``null``; not reproduced when it is below, or within the band of
    equivalence; inconclusive otherwise, also when the interval is undefined.
    """
    if part.estimate is None:
        return "not run"
    low, high = part.estimate.interval(confidence)
    if low > part.null:
        return "reproduced"
    if high < part.null or (part.null - part.equivalence <= low and high <= part.null + part.equivalence):
        return "not reproduced"
    return "inconclusive"


def claim_verdict(parts: Sequence[Part], confidence: float) -> Verdict:
    """Verdict on a claim of which all parts must hold.

    One part that fails decides against it, even where another was not run; otherwise a part that was not
    run leaves the claim not run.
    """
    needed = [part for part in parts if part.estimate is not None or not part.optional]
    verdicts = [part_verdict(part, confidence) for part in needed]
    for outcome in ("not reproduced", "not run", "inconclusive"):
        if outcome in verdicts:
            return outcome
    return "reproduced" if verdicts else "not run"


def claim_p_value(parts: Sequence[Part]) -> float:
    """Largest p-value of the parts that were run, since all must hold (Berger, 1982); nan when none was."""
    p_values = [part.estimate.p_value(part.null) for part in parts if part.estimate is not None]
    return max(p_values, default=float("nan"))
