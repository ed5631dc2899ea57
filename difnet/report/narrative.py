"""The summary: sentences made from the numbers; each number carries its full value in a `<data>` element."""

from __future__ import annotations

import math

from markupsafe import Markup

from difnet.metrics import METRICS
from difnet.report.definitions import VERDICTS
from difnet.report.figures.scaling import LEFT_OUT
from difnet.report.load import Results
from difnet.report.numbers import count, fixed, interval, listing, p_value, signed, significant
from difnet.report.published import published
from difnet.report.records import Comparison


def summary(results: Results) -> list[Markup]:
    """The sentences of the summary paragraph, in the order a reader asks."""
    sentences = [
        _runs(results),
        _accuracy(results, "miou"),
        _accuracy(results, "boundary_f"),
        _comparisons(results),
        _paper(results),
        _claims(results),
        _speed(results),
    ]
    return [sentence for sentence in sentences if sentence]


def _data(value: float, text: str) -> Markup:
    return Markup('<data value="{}">{}</data>').format(repr(float(value)), text)


def _runs(results: Results) -> Markup:
    runs = [run for variant in results.variants for run in variant.runs]
    finished = sum(run.scored for run in runs)
    images = results.images.get(results.split)
    text = Markup("{} of {} {} finished and scored on {} of {}{}").format(
        finished,
        count(len(runs), "run"),
        "is" if finished == 1 else "are",
        f"the {count(images, 'image')} of split {results.split}" if images else f"split {results.split}",
        results.data_title,
        " (synthetic)" if results.synthetic and "synthetic" not in results.data_title.lower() else "",
    )
    if started := sum(run.state == "started, not scored" for run in runs):
        text += Markup("; {} started without being scored").format(count(started, "run"))
    if waiting := [variant.title for variant in results.variants if variant.finished == 0]:
        text += Markup("; nothing is known yet of {}").format(listing(waiting))
    return text + Markup(".")


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
    mean, bounds = estimates[best].mean, interval(estimates[best].low, estimates[best].high)
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


def _difference(comparison: Comparison) -> Markup:
    """A difference, its evidence, and what may be made of it."""
    bounds = interval(comparison.low, comparison.high, sign=True)
    evidence = ", ".join(part for part in (bounds, p_value(comparison.p_adjusted)) if part)
    if comparison.direction != "undecided":
        remark = "which holds after correction for the number of comparisons"
    elif comparison.low <= 0 <= comparison.high:
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
            found[comparison.direction].append(results.title_of(name))
    parts = [
        f"{len(titles)} {'is' if len(titles) == 1 else 'are'} {word} ({listing(titles)})"
        for word, titles in found.items()
        if titles
    ]
    if not parts:
        return Markup("")
    text = Markup("Compared with {} in mIoU after correction, {}.").format(
        results.title_of(results.reference), listing(parts)
    )
    limits = [item.detectable for item in results.comparisons["miou"].values()]
    limits = [limit for limit in limits if math.isfinite(limit)]
    if not limits:
        return text
    low, high = (_data(limit, fixed(limit)) for limit in (min(limits), max(limits)))
    size = low if low == high else Markup("{} to {}, depending on the variant,").format(low, high)
    return text + Markup(
        " With runs like these a true difference must be {} to be found four times in five."
    ).format(size)


def _paper(results: Results) -> Markup:
    """The paper's figures beside ours, on the data set that they belong to."""
    parts = []
    for variant in results.variants:
        figure = published(str(results.data.get("name", "")), variant, "miou")
        estimate = results.estimates["miou"].get(variant.name)
        if figure is not None and estimate is not None and math.isfinite(estimate.mean):
            ours = _data(estimate.mean, fixed(estimate.mean, 4))
            parts.append(Markup("{} for {} (here {})").format(fixed(figure, 4), variant.title, ours))
    if not parts:
        return Markup("")
    return Markup("On these data the paper reports an mIoU of {}.").format(Markup("; ").join(parts))


def _claims(results: Results) -> Markup:
    if not results.judgements:
        return Markup("No claim of the paper has been judged yet.")
    claims: dict[str, list[str]] = {}
    for verdict in VERDICTS:
        for item in results.judgements:
            if item.verdict == verdict:
                claims.setdefault(item.words, []).append(item.claim)
    parts = [f"{len(names)} {words} ({listing(names, limit=9)})" for words, names in claims.items()]
    return Markup("Of {} of the paper: {}.").format(count(len(results.judgements), "claim"), listing(parts))


def _speed(results: Results) -> Markup:
    """One cascade against the fastest dense inverse, at the largest size that both did on one device."""
    done = [item for item in results.timings if item.metric == "latency_ms" and item.measured]
    pairs = [
        (ours, dense)
        for ours in done
        for dense in done
        if ours.setting.subject == "cascade"
        and dense.setting.subject.startswith("dense_inverse")
        and not dense.setting.subject.endswith(LEFT_OUT)
        and (ours.setting.device, ours.setting.dtype, ours.setting.classes, ours.setting.batch, ours.nodes)
        == (
            dense.setting.device,
            dense.setting.dtype,
            dense.setting.classes,
            dense.setting.batch,
            dense.nodes,
        )
    ]
    if not pairs:
        return Markup("")
    ours, dense = max(pairs, key=lambda pair: (pair[0].nodes, -pair[1].value))
    return Markup(
        "At N = {} nodes on {}, the largest size that both did, one forward pass takes {} ms by the cascade "
        "of five levels and {} ms by the fastest dense inverse of one level ({})."
    ).format(
        f"{ours.nodes:,.0f}",
        ours.setting.device,
        _data(ours.value, significant(ours.value)),
        _data(dense.value, significant(dense.value)),
        dense.setting.subject,
    )
