"""The analysis stage: run folders and cost tables in, four tables out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from difnet.analysis.claim_schema import read_claims
from difnet.analysis.claims import judge
from difnet.analysis.comparisons import compare, summarise
from difnet.analysis.runs import Run, read_runs
from difnet.analysis.study import Study
from difnet.analysis.tables import CLAIMS, COMPARISONS, RUNS, SCORES, SUMMARY, write_csv


def analyse(
    run_directories: Sequence[Path],
    *,
    reference: str,
    claims: Path,
    timing: Path | None,
    growth: Path | None,
    out: Path,
) -> None:
    """Write `scores.csv`, `runs.csv`, `summary.csv`, `comparisons.csv` and `claims.csv`.

    All are computed before the first is written.

    Args:
        run_directories: folders `runs/<variant>/seed<k>`, from one or several results folders; copies of
            one run are merged, and `runs.csv` keeps where each was found.
        reference: the variant that every other one is compared with.
        claims: `workflow/claims.yaml`.
        timing: `timing.csv`, None when nothing was timed.
        growth: `growth.csv`, None when nothing was timed.
        out: folder for the tables.

    Raises:
        InputError: bad input, in one line that names the file and the remedy.
    """
    claim_file = read_claims(claims)
    runs = read_runs([Path(directory) for directory in run_directories])
    study = Study(runs)
    tables = (
        ("scores.csv", SCORES, pd.concat([run.scores for run in runs], ignore_index=True)),
        ("runs.csv", RUNS, _origins(runs)),
        ("summary.csv", SUMMARY, summarise(study)),
        ("comparisons.csv", COMPARISONS, compare(study, reference)),
        ("claims.csv", CLAIMS, judge(claim_file, study, timing, growth)),
    )
    for name, columns, table in tables:
        write_csv(table, columns, out / name)


def _origins(runs: Sequence[Run]) -> pd.DataFrame:
    """Identity and origin of every run."""
    rows = [(run.config.variant, run.config.seed, run.identity, ";".join(run.origins)) for run in runs]
    return pd.DataFrame(rows, columns=list(RUNS))
