"""Where every number comes from, and how to repeat it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from difnet.report.comparability import comparability_warnings
from difnet.report.load import Results
from difnet.report.numbers import MISSING, duration, number
from difnet.report.section import Section
from difnet.report.variants import Run, Variant


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
            "warnings": comparability_warnings(results),
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
