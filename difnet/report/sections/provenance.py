"""Where every number comes from, and how to repeat it."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from difnet.machine.progress import duration
from difnet.report.load import Results
from difnet.report.numbers import MISSING, fixed, number
from difnet.report.run_records import RunRecord
from difnet.report.section import Section


@dataclass(frozen=True)
class RepeatedRun:
    """One run as this section shows it."""

    run: RunRecord
    command: str
    """Repeats it with the workflow."""
    wall: str
    facts: dict[str, str]
    environment: str


def build(results: Results) -> Section:
    """Configuration, environment, wall time, code and command of every run, and the runs it replaced."""
    runs = [(variant, [_repeated(results, run) for run in variant.runs]) for variant in results.variants]
    return Section(
        key="provenance",
        title="Repeat it",
        content={
            "command": results.plan.command,
            "runs": runs,
            "data_sha256": results.data.sha256 or MISSING,
            "problems": results.problems,
            "replaced": [(run, fixed(run.miou)) for run in results.replaced],
        },
    )


def _repeated(results: Results, run: RunRecord) -> RepeatedRun:
    scores = results.plan.run_folder(Path("results"), run.variant, run.seed).path / "scores.csv"
    environment = run.environment
    facts = {name: str(environment.get(name) or MISSING) for name in ("device", "identity", "commit")}
    hashes = {"code": "code_sha256", "data": "data_sha256", "weights": "weights_sha256"}
    facts |= {name: str(environment.get(key) or MISSING)[:12] for name, key in hashes.items()}
    uncommitted = environment.get("uncommitted")
    if isinstance(uncommitted, list) and uncommitted:
        facts["uncommitted files"] = ", ".join(map(str, uncommitted))
    return RepeatedRun(
        run=run,
        command=f"{results.plan.command} -- {shlex.quote(scores.as_posix())}",
        wall=duration(number(environment.get("wall_s"))),
        facts=facts,
        environment=json.dumps(environment, indent=2, ensure_ascii=False) if environment else "",
    )
