"""Whether the numbers of all runs may be compared: same code, data, machine and recipe."""

from __future__ import annotations

from difnet.report.load import Results
from difnet.report.numbers import listing

CONSTANT = {
    "code_sha256": "versions of the code",
    "data_sha256": "versions of the data",
    "device": "devices",
    "torch": "versions of PyTorch",
    "threads": "numbers of threads",
    "precision": "precisions",
}
"""What must be the same in all runs for their numbers to be comparable."""


def comparability_warnings(results: Results) -> list[str]:
    """One sentence for each thing that differs between runs but should not."""
    runs = [run for variant in results.variants for run in variant.runs if run.environment]
    warnings = []
    for key, noun in CONSTANT.items():
        values = sorted({str(run.environment.get(key) or "") for run in runs} - {""})
        if len(values) > 1:
            warnings.append(
                f"These runs mix {len(values)} {noun}: {listing([value[:12] for value in values])}."
            )
    stale = [f"{run.variant} seed {run.seed}" for run in runs if not run.current]
    if stale:
        warnings.append(
            f"Trained with another configuration than the one described here: {listing(stale)}; "
            "each run's own configuration is in the last section."
        )
    stated = str(results.data.get("sha256", ""))
    used = {str(run.environment.get("data_sha256") or "") for run in runs} - {""}
    if stated and used and used != {stated}:
        warnings.append("Some runs used data with another hash than the data set described here.")
    return warnings
