"""The summary: sentences made from the numbers; each number carries its full value in a `<data>` element."""

from __future__ import annotations

import math

from markupsafe import Markup

from difnet.metrics import METRICS
from difnet.report.figures.scaling import LEFT_OUT
from difnet.report.load import Results
from difnet.report.numbers import fixed, interval, listing, p_value, signed, significant
from difnet.report.rows import direction, measured, operator_title, setting
from difnet.tables import ComparisonRow


def summary(results: Results) -> list[Markup]:
    """The sentences of the summary paragraph; how far they can be trusted is a section of its own."""
    compared = [metric.name for metric in METRICS.values() if metric.in_table == "compared"]
    sentences = [
        *(_accuracy(results, metric) for metric in compared),
        _comparisons(results),
        _speed(results),
    ]
    return [sentence for sentence in sentences if sentence]


def _data(value: float, text: str) -> Markup:
    return Markup('<data value="{}">{}</data>').format(repr(float(value)), text)


def _accuracy(results: Results, metric: str) -> Markup:
    """The highest mean of those that do not see the truth, and how it stands to the reference."""
    label = METRICS[metric].title
    oracles = {variant.name for variant in results.variants if variant.sees_truth}
    estimates = {
        name: item
        for name, item in results.estimates[metric].items()
        if math.isfinite(item.mean) and name not in oracles
    }
    if not estimates:
        return Markup("There is no {} yet.").format(label)
    best = max(estimates, key=lambda name: estimates[name].mean)
    mean, bounds = estimates[best].mean, interval(estimates[best].ci_low, estimates[best].ci_high)
    text = Markup("The highest mean {} is {}{}, of <b>{}</b>").format(
        label, _data(mean, fixed(mean)), f" {bounds}" if bounds else "", results.title_of(best)
    )
    if len(estimates) == 1:
        return text + Markup(", the only variant scored.")
    if best == results.reference:
        return text + Markup(", the reference.")
    reference = results.title_of(results.reference)
    comparison = results.comparisons[metric].get(best)
    if comparison is None or not math.isfinite(comparison.difference):
        return text + Markup("; its difference from {} was not computed.").format(reference)
    return text + Markup("; its difference from <b>{}</b> is {}").format(reference, _difference(comparison))


def _difference(comparison: ComparisonRow) -> Markup:
    """A difference, its evidence, and what may be made of it."""
    bounds = interval(comparison.ci_low, comparison.ci_high, sign=True)
    evidence = ", ".join(part for part in (bounds, p_value(comparison.p_adjusted)) if part)
    if direction(comparison) != "undecided":
        remark = "which holds after correction for the number of comparisons"
    elif comparison.ci_low <= 0 <= comparison.ci_high:
        remark = "and its interval includes zero: these runs do not tell the two apart"
    else:
        remark = "which does not hold after correction for the number of comparisons"
    return Markup("{}{}, {}.").format(
        _data(comparison.difference, signed(comparison.difference)),
        f" ({evidence})" if evidence else "",
        remark,
    )


def _comparisons(results: Results) -> Markup:
    """How many variants differ from the reference."""
    found: dict[str, list[str]] = {"higher": [], "lower": [], "undecided": []}
    for name, comparison in results.comparisons["miou"].items():
        if math.isfinite(comparison.difference):
            found[direction(comparison)].append(results.title_of(name))
    parts = [
        f"{len(titles)} {'is' if len(titles) == 1 else 'are'} {word} ({listing(titles)})"
        for word, titles in found.items()
        if titles
    ]
    if not parts:
        return Markup("")
    return Markup("Compared with {} in mIoU after correction, {}.").format(
        results.title_of(results.reference), listing(parts)
    )


def _speed(results: Results) -> Markup:
    """One cascade against the fastest dense inverse, at the largest size that both did on one device."""
    done = [item for item in results.timings if item.metric == "latency_ms" and measured(item)]
    pairs = [
        (ours, dense)
        for ours in done
        for dense in done
        if ours.subject == "cascade"
        and dense.subject.startswith("dense_inverse")
        and not dense.subject.endswith(LEFT_OUT)
        and (*setting(ours)[1:], ours.nodes) == (*setting(dense)[1:], dense.nodes)
    ]
    if not pairs:
        return Markup("")
    ours, dense = max(pairs, key=lambda pair: (pair[0].nodes, -pair[1].value))
    return Markup(
        "At N = {} nodes on {}, the largest size that both did, one forward pass takes {} ms by the cascade "
        "of five levels and {} ms by the fastest dense inverse of one level ({})."
    ).format(
        f"{ours.nodes:,}",
        ours.device,
        _data(ours.value, significant(ours.value)),
        _data(dense.value, significant(dense.value)),
        operator_title(dense.subject),
    )
