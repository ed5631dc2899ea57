"""Show that a change leaves results equal to the bit: weights, and every score that both sides have.

Trains and scores the headline variants of `tiny`, and one run of `shapes`, in a temporary folder. Run it with
`write` before a change and with `check` after it, on one machine, in the folder of the checkout to try;
it uses the command line alone, so that any two versions can be compared.

Example: python scripts/compare_bits.py write before.json
Example: python scripts/compare_bits.py check before.json
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TINY = ("cascade", "deeplab", "dense_inverse", "pixel_prior", "seed_only", "similarity_only")
RUNS = [("tiny", ablation, seed) for ablation in TINY for seed in (0, 1)]
SHAPES = ("shapes", "cascade", 0)

Result = dict[str, str]
"""What is compared: the hash of the weights, and the text of every score."""


def difnet(*arguments: str) -> None:
    """Call the command line of the checkout in the current folder."""
    subprocess.run([sys.executable, "-m", "difnet", *arguments], check=True, stdout=subprocess.DEVNULL)


def result(benchmark: str, ablation: str, seed: int, folder: Path) -> Result:
    """Train and score one run."""
    out, data = folder / benchmark / ablation / f"seed{seed}", folder / benchmark / "data"
    names = ["--benchmark", benchmark, "--ablation", ablation, "--seed", str(seed)]
    difnet("train", *names, "--out", str(out), "--data", str(data))
    difnet("evaluate", str(out), "--data", str(data))
    found = {"weights": hashlib.sha256((out / "weights.safetensors").read_bytes()).hexdigest()}
    with (out / "scores.csv").open(newline="") as file:
        found |= {f"{row['metric']} {row['class']}".strip(): row["value"] for row in csv.DictReader(file)}
    return found


def all_results(*, shapes: bool) -> dict[str, Result]:
    """Every run by name."""
    found: dict[str, Result] = {}
    with tempfile.TemporaryDirectory() as folder:
        for benchmark, ablation, seed in [*RUNS, *([SHAPES] if shapes else [])]:
            name = f"{benchmark}/{ablation}/seed{seed}"
            found[name] = result(benchmark, ablation, seed, Path(folder))
            print(f"{name}: {found[name]['weights'][:16]}, mIoU {found[name]['miou']}", flush=True)
    return found


def differences(before: dict[str, Result], after: dict[str, Result]) -> list[str]:
    """A line for every value that both sides have and that differs."""
    return [
        f"{name}: {key} was {value} and is {after[name][key]}"
        for name, values in before.items()
        for key, value in values.items()
        if key in after.get(name, {}) and after[name][key] != value
    ]


def main() -> int:
    """Write, or check; 0 where all is equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=["write", "check"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--tiny-only", action="store_true", help="leave out the run of shapes (two minutes)")
    arguments = parser.parse_args()
    found = all_results(shapes=not arguments.tiny_only)
    if arguments.task == "write":
        arguments.file.write_text(json.dumps(found, indent=1) + "\n")
        return 0
    before = json.loads(arguments.file.read_text())
    lines = differences(before, found)
    compared = sum(key in found.get(name, {}) for name, values in before.items() for key in values)
    print("\n".join(lines) if lines else f"{compared} values of {len(found)} runs are equal")
    return 1 if lines or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
