"""What a run of the workflow has come to, on a terminal: a line a claim, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from difnet.config import read_plan
from difnet.report.load import load_results
from difnet.report.numbers import count
from difnet.report.sections.paper_claims import judged_claims


def closing_lines(folder: Path) -> Iterator[str]:
    """Lines on one benchmark.

    Args:
        folder: Its folder of results, with its plan.

    Raises:
        InputError: If it has no plan of this version.
    """
    results = load_results(folder, read_plan(folder))
    planned = sum(len(variant.runs) for variant in results.variants)
    finished = sum(variant.finished for variant in results.variants)
    yield f"{results.title}: {finished} of {count(planned, 'run')} finished"
    for claim in judged_claims(results):
        command = f"; run it: {claim.command}" if claim.row.verdict == "not run" and claim.command else ""
        yield f"  {claim.symbol} {claim.row.claim} {claim.verdict}: {claim.sentence}{command}"
    if finished < planned:
        yield f"  run again to continue: {results.plan.command}"
