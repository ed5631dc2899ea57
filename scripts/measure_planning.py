"""Time and memory of planning by the number of runs: the table of docs/scaling.md.

Processor time, so that other jobs count little: python scripts/measure_planning.py
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "workflow", "ablations", "profiles", "difnet", "pyproject.toml")
VARIANTS = {60: 12, 500: 100, 5000: 1000}
"""Of the reference at so many restart weights, by the number of runs; each has five seeds."""


def dry_run(project: Path, variants: int) -> tuple[float, float]:
    """Processor seconds and GB of `snakemake -n` in a copy of the project, for five seeds of each variant."""
    values = ",".join(f"{(number + 1) / (variants + 1):.6f}" for number in range(variants - 1))
    command = [
        *(sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--quiet", "all", "--config"),
        *("benchmarks=[tiny]", "ablations=[cascade]", "seeds=[0,1,2,3,4]"),
        f"sweep={{model.restart: [{values}]}}",
    ]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("the dry run failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="*", choices=VARIANTS, default=list(VARIANTS))
    sizes = parser.parse_args().runs
    print("| runs | processor seconds | exponent from the row above | GB |\n|---|---|---|---|")
    former: tuple[int, float] | None = None
    for runs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for part in PARTS:
                source = ROOT / part
                (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(folder) / part)
            seconds, memory = dry_run(Path(folder), VARIANTS[runs])
        exponent = f"{math.log(seconds / former[1]) / math.log(runs / former[0]):.2f}" if former else ""
        print(f"| {runs:,} | {seconds:.1f} | {exponent} | {memory:.2f} |", flush=True)
        former = runs, seconds


if __name__ == "__main__":
    main()
