"""The verdict on a claim as a sentence, made of the typed columns of its tests and the titles of the plan."""

from __future__ import annotations

import math
from collections.abc import Sequence

from difnet.metrics import METRICS
from difnet.report.load import Results
from difnet.report.numbers import count, fixed, interval, listing, significant, significant_interval
from difnet.report.rows import operator_title, status_words
from difnet.tables import ClaimRow, ClaimTestRow

COSTS = {"latency_ms": "time", "peak_memory_mb": "memory"}
"""Measured costs as a sentence calls them."""


def verdict_sentence(results: Results, row: ClaimRow, tests: Sequence[ClaimTestRow]) -> str:
    """What the test that decides has found, in words, and how the others stand to it.

    Args:
        results: Has the titles of the variants.
        row: The claim with its verdict.
        tests: Its tests, in their order.

    Returns:
        `DifNet scores 0.035 mIoU above Sim-DeepLab [0.010, 0.066]`; what is missing where nothing decides.
    """
    decisive = deciding_test(row, tests)
    if decisive is None:
        return f"{row.statement}: {_why_not_run(results, row, tests)}"
    sentence = _difference(results, decisive) if decisive.quantity == "difference" else _cost(decisive)
    return sentence + _others(row, tests)


def is_out_of_scope(row: ClaimRow, tests: Sequence[ClaimTestRow]) -> bool:
    """Whether a claim is not judged on these data, whatever is run: its limit is why its tests were not."""
    return any(row.remark and row.remark in test.status for test in tests)


def needs_a_twin(results: Results, tests: Sequence[ClaimTestRow]) -> str:
    """Which variant of the tests is the network of another on this benchmark; empty where none is."""
    names = {name for test in tests for name in (test.variant, test.reference)}
    return next(
        (
            f"{twin} is the network of {results.title_of(other)} here"
            for twin, other in results.plan.twins.items()
            if twin in names
        ),
        "",
    )


def _why_not_run(results: Results, row: ClaimRow, tests: Sequence[ClaimTestRow]) -> str:
    """What keeps a claim from a verdict."""
    if twin := needs_a_twin(results, tests):
        return twin
    lacking = list(dict.fromkeys(name for test in tests for name in _missing(results, test)))
    if lacking and not is_out_of_scope(row, tests):
        return f"no run of {listing(lacking, 3)}"
    reasons = [status_words(test.status).removeprefix("not run: ") for test in tests if not is_known(test)]
    return row.remark or next(iter(reasons), "nothing was measured")


def deciding_test(row: ClaimRow, tests: Sequence[ClaimTestRow]) -> ClaimTestRow | None:
    """The test nearest to its bound, or the first that does not hold; None where nothing was decided."""
    agreeing = [test for test in tests if test.verdict == row.verdict and is_known(test)]
    if not agreeing:
        return None
    return min(agreeing, key=_clearance) if row.verdict == "reproduced" else agreeing[0]


def is_known(test: ClaimTestRow) -> bool:
    """Whether a test has a value."""
    return test.status == "ok" and math.isfinite(test.value)


def _difference(results: Results, test: ClaimTestRow) -> str:
    metric = METRICS[test.metric].title if test.metric in METRICS else test.metric
    # A fourth digit where three would hide on which side of zero something lies.
    numbers = (test.value, test.ci_low, test.ci_high)
    digits = 4 if any(0 < abs(number) < 0.0005 for number in numbers) else 3
    size = fixed(abs(test.value), digits)
    place = "above" if test.value > 0 else "below"
    reading = f"{size} {metric} {place}" if float(size) else f"the same {metric} as"
    sentence = (
        f"{results.title_of(test.variant)} scores {reading} {results.title_of(test.reference)} "
        f"{interval(test.ci_low, test.ci_high, digits)}"
    ).rstrip()
    if test.bound < 0:
        return f"{sentence}, at most {-test.bound:g} below being claimed"
    return f"{sentence}, more than {test.bound:g} being claimed" if test.bound else sentence


def _cost(test: ClaimTestRow) -> str:
    cost = COSTS.get(test.metric, test.metric)
    ours, theirs = operator_title(test.variant), operator_title(test.reference)
    place = f" on {test.device}" if test.device else ""
    if test.quantity == "ratio":
        return (
            f"The {theirs} takes {significant(test.value)} times the {cost} of the {ours} "
            f"at N = {test.nodes:,}{place} {significant_interval(test.ci_low, test.ci_high)}"
        )
    more = "faster" if test.value > 0 else "slower"
    return (
        f"The {cost} of the {theirs} grows {more} with N than that of the {ours}{place}, its exponent "
        f"{'higher' if test.value > 0 else 'lower'} by {fixed(abs(test.value))} "
        f"{interval(test.ci_low, test.ci_high)}, {test.bound:g} being claimed"
    )


def _others(row: ClaimRow, tests: Sequence[ClaimTestRow]) -> str:
    """How many other tests a claim has, and which way they went."""
    known = [test for test in tests if is_known(test)]
    words = []
    if len(known) > 1:
        holding = sum(test.verdict == "reproduced" for test in known)
        whole = count(len(known), "comparison")
        reproduced = row.verdict == "reproduced"
        words.append(f"the least clear of {whole}" if reproduced else f"{holding} of {whole} hold")
    if any(test.optional and not is_known(test) for test in tests):
        words.append("the optional matched pair was not run")
    return f" ({'; '.join(words)})" if words else ""


def _missing(results: Results, test: ClaimTestRow) -> list[str]:
    """The sides of a test that have no score, as far as they are variants."""
    if test.quantity != "difference":
        return []
    scored = results.estimates.get(test.metric, {})
    return [results.title_of(name) for name in (test.variant, test.reference) if name not in scored]


def _clearance(test: ClaimTestRow) -> float:
    """How far the interval lies above its bound, in lengths of the interval."""
    return (test.ci_low - test.bound) / max(test.ci_high - test.ci_low, 1e-12)
