"""Where every number comes from, and how to repeat it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from difnet.report.load import Results, Run, Variant
from difnet.report.numbers import MISSING, duration, listing, number
from difnet.report.section import Section

CONSTANT = {
    "code_sha256": "versions of the code",
    "data_sha256": "versions of the data",
    "device": "devices",
    "torch": "versions of PyTorch",
    "threads": "numbers of threads",
}
"""What must be the same in all runs for their numbers to be comparable."""


@dataclass(frozen=True)
class Record:
    """One run as the provenance table shows it."""

    run: Run
    wall: str
    command: str
    facts: dict[str, str]
    environment: str


@dataclass(frozen=True)
class Group:
    """All runs of a variant."""

    variant: Variant
    records: tuple[Record, ...]


def build(results: Results) -> Section:
    """Configuration, environment, wall time and command of every run, with a warning where they are mixed."""
    groups = [Group(variant, tuple(map(_record, variant.runs))) for variant in results.variants]
    return Section(
        key="provenance",
        title="How to repeat it",
        content={
            "groups": groups,
            "data_sha256": str(results.data.get("sha256", "")) or MISSING,
            "warnings": _warnings(results),
            "problems": results.problems,
        },
    )


def _record(run: Run) -> Record:
    environment = run.environment
    facts = {
        "device": _text(environment.get("device")),
        "code": _text(environment.get("code_sha256"))[:12],
        "commit": _text(environment.get("commit"))[:12],
        "data": _text(environment.get("data_sha256"))[:12],
        "weights": _text(environment.get("weights_sha256"))[:12],
    }
    return Record(
        run=run,
        wall=duration(number(environment.get("wall_s"))),
        command=_text(environment.get("command"), missing=""),
        facts=facts,
        environment=json.dumps(environment, indent=2, ensure_ascii=False) if environment else "",
    )


def _text(value: Any, missing: str = MISSING) -> str:
    return missing if value in (None, "") else str(value)


def _warnings(results: Results) -> list[str]:
    """One sentence for each thing that differs between runs but should not."""
    runs = [run for variant in results.variants for run in variant.runs if run.environment]
    warnings = []
    for key, noun in CONSTANT.items():
        values = sorted({_text(run.environment.get(key)) for run in runs} - {MISSING})
        if len(values) > 1:
            warnings.append(
                f"These runs mix {len(values)} {noun}: {listing([value[:12] for value in values])}."
            )
    stated = str(results.data.get("sha256", ""))
    used = {_text(run.environment.get("data_sha256"), "") for run in runs} - {""}
    if stated and used and used != {stated}:
        warnings.append("Some runs used data with another hash than the data set described here.")
    return warnings
