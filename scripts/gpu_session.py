"""Measure on a GPU what no machine without one could tell, within a time that is given.

    python scripts/gpu_session.py --budget 900      # on a host with a GPU; the same again continues
    python scripts/gpu_session.py --dry-run         # every part on a CPU, on the smallest size

The parts (`scripts/gpu_parts.py`) run one after another, the most telling first, each in a process of its own
with a time limit. Each leaves `OUT/PART.json` (status, seconds, values) and `OUT/PART.log`; one that is ended
keeps the values that it had told. A part that was done is not run again. All but the last take at most eight
minutes together; the last, the workflow on real images, takes what is left.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
LIMITS = {
    "environment": 15,
    "tests": 80,
    "parity": 20,
    "walks": 25,
    "operators": 25,
    "step": 35,
    "deterministic": 30,
    "training": 65,
    "workflow": 80,
    "timing": 105,
}
"""Seconds of every part but the last, in their order."""
LAST = "seeds"
ON_A_CPU = 10
"""In a dry run limits are so many times longer, since a CPU may be busy."""
UNHURRIED = 7200
"""Seconds of a dry run."""
SHORTEST = 60
"""Seconds for which the last part is worth a start."""
GRACE = 15
"""Seconds that a part has to end after it was asked to."""
MEASURED = "measured "
"""Start of a line of a part's log that holds a name and a value."""
EXPECTED = (
    # what, part, value, floor, expected (on an H100: bf16 convolutions, walks in single precision)
    ("step, difnet-50, 16 x 321 x 321, ms", "step", "step", "30", "55 to 62"),
    ("images/s", "step", "images/s", "", "260 to 290"),
    ("step, peak GB (expected without cuDNN's workspace)", "step", "step, peak GB", "", "8.1"),
    ("of it convolutions, ms", "step", "step, convolutions", "10", "24 to 30"),
    ("of it norm, elementwise and the rest, ms", "step", "step, rest", "17", "20 to 22"),
    ("of it five walks, ms", "step", "step, walks", "3.4", "5 to 10"),
    ("plain fp32 step, ms", "step", "plain step", "", "at least 4 times the step"),
    ("cascade, N = 4,225, ms", "operators", "cascade, N = 4225", "", "2 to 2.5"),
    ("cascade, N = 9,216, ms", "operators", "cascade, N = 9216", "", "4 to 5"),
    ("cascade, N = 16,384, ms", "operators", "cascade, N = 16384", "", "8"),
    ("CuPy dense inverse, N = 4,225, ms", "operators", "dense_inverse_cupy, N = 4225", "", "16 to 22"),
    ("CuPy dense inverse, N = 9,216, ms", "operators", "dense_inverse_cupy, N = 9216", "", "60 to 75"),
    ("CuPy dense inverse, N = 16,384, ms", "operators", "dense_inverse_cupy, N = 16384", "", "200 to 250"),
    (
        "its peak at N = 16,384, N x N floats",
        "operators",
        "dense_inverse_cupy, N = 16384, peak in N x N floats",
        "",
        "2.05",
    ),
)


def main() -> None:
    """Run the parts that are left and fit, and print what they found against what was expected."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=PROJECT / "results" / "gpu", help="folder of the results")
    parser.add_argument("--budget", type=float, help="seconds; what does not fit is left out [default: 900]")
    parser.add_argument("--dry-run", action="store_true", help="on a CPU, on the smallest size")
    options = parser.parse_args()
    if not options.dry_run and not has_gpu():
        sys.exit("gpu_session: no GPU that PyTorch can use; --dry-run tries every part on a CPU")
    options.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + (options.budget or (UNHURRIED if options.dry_run else 900))
    for part in (*LIMITS, LAST):
        before = read(options.out, part)
        if (before.get("status"), before.get("dry_run")) == ("ok", options.dry_run):
            print(f"{part}: done before", flush=True)
            continue
        left = end - time.monotonic()
        limit = LIMITS.get(part, left - GRACE) * (ON_A_CPU if options.dry_run and part in LIMITS else 1)
        if left < limit + GRACE or (part == LAST and limit < SHORTEST):
            print(f"{part} and what follows: left out, {left:.0f} s are left", flush=True)
            break
        result = run_part(part, options.out, limit=limit, dry=options.dry_run)
        print(f"{part}: {result['status']}, {result['seconds']:.0f} s (limit {limit:.0f} s)", flush=True)
    print(table(options.out, on_gpu=not options.dry_run))


def has_gpu() -> bool:
    """Whether PyTorch can use one; asked in another process, which leaves the device alone afterwards."""
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def run_part(part: str, out: Path, *, limit: float, dry: bool) -> dict[str, Any]:
    """Run one part in a process group of its own, and write and return what came of it."""
    script = PROJECT / "scripts" / "gpu_parts.py"
    command = [sys.executable, str(script), part, str(out.resolve()), *(["--dry-run"] if dry else [])]
    environment = with_project(PROJECT) | {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    log = out / f"{part}.log"
    started = time.monotonic()
    with log.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            code = process.wait(limit)
            status = "ok" if code == 0 else f"failed with exit code {code}; see {log}"
        except subprocess.TimeoutExpired:
            status = "time is up"
            end_group(process)
        except KeyboardInterrupt:
            end_group(process)
            raise
    lines = log.read_text(errors="replace").splitlines()
    values = dict(json.loads(line.removeprefix(MEASURED)) for line in lines if line.startswith(MEASURED))
    seconds = round(time.monotonic() - started, 1)
    result = {"part": part, "status": status, "seconds": seconds, "limit": limit, "values": values}
    unfinished = out / f".{part}.json"
    unfinished.write_text(json.dumps(result | {"dry_run": dry}, indent=1) + "\n")
    unfinished.replace(out / f"{part}.json")
    return result


def with_project(folder: Path) -> dict[str, str]:
    """The variables of this process, with which Python imports from this copy of the project first."""
    others = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *([others] if others else [])])}


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask a part and all that it started to end, which a training answers by a checkpoint; then insist."""
    with suppress(ProcessLookupError):  # nobody is left
        os.killpg(process.pid, signal.SIGTERM)
        last = time.monotonic() + GRACE
        while time.monotonic() < last:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def read(out: Path, part: str) -> dict[str, Any]:
    """What a part left; nothing where it did not run."""
    path = out / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def table(out: Path, *, on_gpu: bool) -> str:
    """Expected against measured."""
    rows = [("what", "floor", "expected", "measured")]
    for what, part, name, floor, expected in EXPECTED:
        result = read(out, part)
        value = result.get("values", {}).get(name)
        if not on_gpu:
            found = "not run: no GPU"
        elif value is None:
            found = f"not run: {result.get('status', 'left out')}"
        else:
            found = f"{value:,g}"
        rows.append((what, floor, expected, found))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    main()
