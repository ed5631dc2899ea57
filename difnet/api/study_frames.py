"""The tables of a finished study as data frames, and the comparison of two variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from difnet.analysis import Study, read_runs
from difnet.analysis.analyse_runs import compare as compare_with
from difnet.config import InputError
from difnet.config.run_folder import CONFIG
from difnet.report.archive import is_archive, unpack
from difnet.tables import (
    CLAIM_TESTS,
    CLAIMS,
    COMPARISONS,
    GROWTH,
    ORIGINS,
    SCORES,
    SUMMARY,
    TIMING,
    Table,
)

TABLES: dict[str, Table[Any]] = {
    "scores": SCORES,
    "summary": SUMMARY,
    "comparisons": COMPARISONS,
    "claims": CLAIMS,
    "claim_tests": CLAIM_TESTS,
    "timing": TIMING,
    "growth": GROWTH,
    "runs": ORIGINS,
}


@dataclass(frozen=True, repr=False, eq=False)
class StudyFrames:
    """The tables of one folder of results; docs/tables.md says what each column is.

    A table that was not written has its columns and no rows.

    Attributes:
        source: Where they were read.
        scores: One score of one run a row.
        summary: Mean over seeds of a metric and variant, with its 95% interval.
        comparisons: Paired difference of a variant from the reference, with its corrected interval.
        claims: Verdict on one claim of the paper a row.
        claim_tests: The tests that the claims rest on.
        timing: What was measured of operators and networks.
        growth: Exponents of time and memory over the number of nodes.
        runs: The runs that were compared.
    """

    source: str
    scores: pd.DataFrame
    summary: pd.DataFrame
    comparisons: pd.DataFrame
    claims: pd.DataFrame
    claim_tests: pd.DataFrame
    timing: pd.DataFrame
    growth: pd.DataFrame
    runs: pd.DataFrame

    def __repr__(self) -> str:
        """Source, and the numbers of variants, seeds and claims on one line."""
        variants, seeds = self.runs["variant"].nunique(), self.runs["seed"].nunique()
        judged = self.claims["verdict"].value_counts().sort_index()
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in judged.items())
        return f"StudyFrames({self.source}: {variants} variants, {seeds} seeds; claims: {verdicts or 'none'})"

    def _repr_html_(self) -> str:
        """Mean IoU of every variant and the verdicts, as notebooks show them."""
        means = self.summary.query("metric == 'miou'").sort_values("mean", ascending=False)
        shown = (
            means[["variant", "mean", "ci_low", "ci_high", "n_seeds"]],
            self.claims[["claim", "verdict", "statement"]],
        )
        tables = [str(frame.to_html(index=False, float_format="{:.3f}".format)) for frame in shown]
        return "".join(tables)


def study(folder: Path | str) -> StudyFrames:
    """Read the tables of a study.

    >>> import difnet
    >>> frames = difnet.study("results/reference/2026-11-27-amd-epyc-2-cores/shapes")
    >>> frames.claims.set_index("claim").verdict["C1"]
    'reproduced'
    >>> frames.summary.query("metric == 'miou'").n_seeds.unique().tolist()
    [5]

    Args:
        folder: A folder of results (`results/shapes`), or an archive of `difnet publish` with one.

    Raises:
        InputError: If nothing was analysed there, or a table is not what was written.
    """
    path = Path(folder)
    if not is_archive(path):
        return _read(path, shown=str(path))
    with TemporaryDirectory() as unpacked:
        unpack(path, Path(unpacked))
        found = sorted(Path(unpacked).glob(f"*/{SUMMARY.name}"))
        if len(found) > 1:
            names = ", ".join(table.parent.name for table in found)
            raise InputError(
                f"{path}: holds several studies ({names}); unpack it with 'difnet verify --into'"
            )
        return _read(found[0].parent, shown=str(path))


def compare(
    variant: Path | str | Sequence[Path | str], reference: Path | str | Sequence[Path | str]
) -> pd.DataFrame:
    """Compare the runs of two variants, paired by seed and image.

    >>> import difnet
    >>> table = difnet.compare("results/shapes/runs/cascade", "results/shapes/runs/deeplab")  # doctest: +SKIP

    Args:
        variant: Folder of a variant (`results/shapes/runs/cascade`), or its run directories.
        reference: The same of what it is compared with.

    Returns:
        The columns of `comparisons.csv` (docs/tables.md), a row a metric: `difference` is variant less
        reference, over what both chance of images and of seeds leave open.

    Raises:
        InputError: If a side has no scored run, both are one variant, or they saw different images.
    """
    sides = [_runs(side) for side in (variant, reference)]
    names = [{run.config.variant for run in read_runs(side)} for side in sides]
    if len(names[0]) != 1 or len(names[1]) != 1 or names[0] == names[1]:
        found = " and ".join("+".join(sorted(name)) for name in names)
        raise InputError(f"compare: two variants are expected, each side with runs of one, not {found}")
    runs = read_runs([*sides[0], *sides[1]])
    return COMPARISONS.frame(compare_with(Study(runs), reference=names[1].pop()))


def _read(folder: Path, *, shown: str) -> StudyFrames:
    if not (folder / SUMMARY.name).is_file():
        raise InputError(f"{shown}: holds no {SUMMARY.name}; give a folder of results that was analysed")
    frames = {
        name: table.read(folder / table.name) if (folder / table.name).is_file() else table.frame()
        for name, table in TABLES.items()
    }
    return StudyFrames(shown, **frames)


def _runs(side: Path | str | Sequence[Path | str]) -> list[Path]:
    """The run directories of one side."""
    paths = [Path(side)] if isinstance(side, (str, Path)) else [Path(path) for path in side]
    runs = [
        run for path in paths for run in ([path] if (path / CONFIG).is_file() else sorted(path.glob("seed*")))
    ]
    if not runs:
        raise InputError(f"{', '.join(map(str, paths))}: holds no runs; give the folder of a variant")
    return runs
