"""Whether the numbers can be believed: what was run, what is mixed, how small a difference would be seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from difnet.config import ModelConfig
from difnet.metrics import METRICS
from difnet.report.load import Results
from difnet.report.numbers import count, fixed, listing, significant
from difnet.report.page_table import Cell, Column, PageTable, missing
from difnet.report.run_records import VariantRuns
from difnet.report.section import Section

CONSTANT = {
    "code_sha256": "versions of the code",
    "data_sha256": "versions of the data",
    "device": "devices",
    "torch": "versions of PyTorch",
    "threads": "numbers of threads",
    "precision": "precisions",
}
"""What must be the same in all runs for their numbers to be comparable."""
PAPER_DATA = "voc2012"
PAPER: dict[str, dict[str, float]] = {
    "deeplab-50": {"miou": 0.6999, "pixel_accuracy": 0.9327},
    "difnet-50": {"miou": 0.7248, "pixel_accuracy": 0.9378},
    "deeplab-101": {"miou": 0.7100, "pixel_accuracy": 0.9339},
    "difnet-101": {"miou": 0.7344, "pixel_accuracy": 0.9388},
}
"""On PASCAL VOC 2012 val, by network and metric (Jiang et al., NeurIPS 2018)."""


@dataclass(frozen=True)
class Check:
    """One sentence, and whether it is good news."""

    good: bool
    text: str


def build(results: Results) -> Section:
    """One line a check, and the paper's figures beside ours where it has any on these data."""
    table = _paper_table(results)
    return Section(
        key="trust",
        title="Can I trust it?",
        content={"checks": _checks(results)},
        tables=[table] if table.rows else [],
    )


def warnings(results: Results) -> list[str]:
    """One sentence for each thing that differs between runs but should not."""
    runs = [run for variant in results.variants for run in variant.runs]
    found = [f"{run.name} is not as planned: {run.departure}." for run in runs if run.departure]
    for key, noun in CONSTANT.items():
        values = sorted({str(run.environment.get(key) or "") for run in runs} - {""})
        if len(values) > 1:
            shown = [value[:12] for value in values] if key.endswith("sha256") else values
            found.append(f"These runs mix {len(values)} {noun}: {listing(shown)}.")
    stated = results.data.sha256
    used = {str(run.environment.get("data_sha256") or "") for run in runs} - {""}
    if stated and used and used != {stated}:
        found.append("Some runs used data with another hash than the data set described here.")
    return found


def _checks(results: Results) -> list[Check]:
    mixed = warnings(results)
    checks = [_finished(results), *(Check(False, line) for line in (*results.plan.left_out, *mixed))]
    if not mixed and any(run.environment for variant in results.variants for run in variant.runs):
        checks.append(Check(True, "All runs share code, data, device, PyTorch and number of threads."))
    checks += [_seeds(results), *_power(results), _paper(results)]
    if results.problems:
        remarks = count(len(results.problems), "remark")
        checks.append(Check(False, f"{remarks} on missing, damaged or outdated files in the last section."))
    return checks


def _finished(results: Results) -> Check:
    planned = sum(len(variant.runs) for variant in results.variants)
    finished = sum(variant.finished for variant in results.variants)
    waiting = [variant.title for variant in results.variants if variant.finished < len(variant.runs)]
    text = f"{finished} of {count(planned, 'planned run')} finished and scored"
    return Check(not waiting, f"{text}; incomplete: {listing(waiting)}." if waiting else f"{text}.")


def _seeds(results: Results) -> Check:
    seeds = len(results.plan.seeds)
    if seeds == 1:
        text = "One seed a variant: intervals are over images alone and leave out the chance of training."
    else:
        text = (
            f"{seeds} seeds, images, order and recipe are the same for all variants: differences are paired."
        )
    return Check(seeds >= 3, text)


def _power(results: Results) -> list[Check]:
    """How large a difference these runs would find."""
    limits = [item.detectable for item in results.comparisons["miou"].values()]
    limits = [limit for limit in limits if math.isfinite(limit)]
    if not limits:
        return []
    least, most = (significant(limit, 2) for limit in (min(limits), max(limits)))
    text = (
        f"A true difference in mIoU is found four times in five if it is at least {least} (the steadiest "
        f"variant) or {most} (the least steady); smaller ones mostly stay undecided."
    )
    return [Check(True, text)]


def _paper(results: Results) -> Check:
    if results.plan.data.name == PAPER_DATA:
        return Check(True, "The paper reports figures on this data set; they stand beside ours.")
    return Check(
        False,
        "The paper reports no figures on this data set, so its claims are tested here, not its numbers.",
    )


def _paper_table(results: Results) -> PageTable:
    """One row a variant and metric for which the paper has a figure."""
    rows = []
    for variant in results.variants if results.plan.data.name == PAPER_DATA else ():
        for metric, figure in published(variant).items():
            estimate = results.estimates[metric].get(variant.name)
            mean = estimate.mean if estimate else math.nan
            rows.append(
                (
                    Cell(variant.title, detail=variant.name),
                    Cell(METRICS[metric].title),
                    Cell(fixed(figure, 4), value=figure),
                    Cell(fixed(mean, 4), value=mean) if math.isfinite(mean) else missing(),
                    Cell(fixed(mean - figure, 4), value=mean - figure) if math.isfinite(mean) else missing(),
                )
            )
    return PageTable(
        name="paper",
        caption="The paper's figures and ours.",
        columns=(
            Column("Variant", numeric=False),
            Column("Metric", numeric=False),
            Column("Paper"),
            Column("Here"),
            Column("Here − paper"),
        ),
        rows=tuple(rows),
    )


def published(variant: VariantRuns) -> dict[str, float]:
    """What the paper reports by metric, where nothing but the initial weights differs from its network."""
    config = variant.plan.config
    changes = {"weights": None, "normalisation": "imagenet"}
    if config.weights_of or config.model.model_copy(update=changes) != ModelConfig(name=config.model.name):
        return {}
    return PAPER.get(config.model.name, {})
