"""Regenerate the calibration tables in docs/statistics.md (about five minutes on one core).

Example: python scripts/calibration.py --studies 2000
"""

from __future__ import annotations

import argparse
from pathlib import Path

from difnet.analysis.calibration import coverage, family_wise_error
from difnet.config.files import write_text

DOCUMENT = Path(__file__).parents[1] / "docs" / "statistics.md"
START, END = "<!-- calibration: start -->", "<!-- calibration: end -->"
SEEDS, RATIOS = (3, 5, 10), (0.0, 0.5, 2.0)


def tables(studies: int) -> str:
    """Both tables in Markdown."""
    lines = [
        "| seeds | ratio | coverage | mean width | Satterthwaite | t over seeds only | images only |",
        "|---|---|---|---|---|---|---|",
    ]
    for seeds in SEEDS:
        for ratio in RATIOS:
            row = coverage(seeds, ratio, studies)
            lines.append(
                f"| {seeds} | {ratio:g} | {row.covered:.1%} | {row.width:.4f} | {row.satterthwaite:.1%} "
                f"| {row.seeds_only:.1%} | {row.images_only:.1%} |"
            )
    lines += [
        "",
        "Under no difference, share of studies in which at least one of 6 variants differs from the",
        "reference by its Holm-adjusted p-value at 5%:",
        "",
        "| seeds | ratio 0 | ratio 0.5 | ratio 2 |",
        "|---|---|---|---|",
    ]
    for seeds in SEEDS:
        errors = (family_wise_error(seeds, ratio, studies=studies) for ratio in RATIOS)
        lines.append(f"| {seeds} | " + " | ".join(f"{error:.1%}" for error in errors) + " |")
    return "\n".join([*lines, "", f"{studies} simulated studies a cell."])


def main() -> None:
    """Replace what is between the markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies a cell")
    studies = parser.parse_args().studies
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    write_text(DOCUMENT, f"{before}{START}\n{tables(studies)}\n{END}{after}")


if __name__ == "__main__":
    main()
