"""What the workflow must know of the machine before any job starts."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

DEVICES = Path("/dev")
DRIVER = Path("/proc/driver/nvidia/gpus")


def visible_gpus() -> dict[str, str]:
    """The NVIDIA devices that this process may use, without importing PyTorch.

    Returns:
        UUID of each device by its name in `CUDA_VISIBLE_DEVICES`, in that order. Without the variable these
        are all devices, by number. Where the driver does not tell the UUID, the name stands for it.
    """
    count = len(list(DEVICES.glob("nvidia[0-9]*")))
    if not count:
        return {}
    uuids = _uuids()
    numbered = dict(enumerate(uuids if len(uuids) == count else map(str, range(count))))
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, numbered))).split(",")
    found: dict[str, str] = {}
    for name in map(str.strip, names):
        if name.isdigit() and int(name) in numbered:
            found[name] = numbered[int(name)]
        elif name.startswith(("GPU-", "MIG-")):
            found[name] = next((uuid for uuid in uuids if uuid.startswith(name)), name)
        else:
            break  # CUDA ignores a name that is not valid, and all that follow
    return found


def gpu_count() -> int:
    """Number of NVIDIA devices that jobs may use, without importing PyTorch."""
    return len(visible_gpus())


def shell_prefix() -> str:
    """Start of every shell command: stop at the first error, and find `difnet` beside this Python."""
    # Snakemake formats the command, so that a brace in the path must stand twice.
    folder = shlex.quote(str(Path(sys.executable).parent)).replace("{", "{{").replace("}", "}}")
    return f'set -euo pipefail; export PATH={folder}:"$PATH"; '


def _uuids() -> list[str]:
    """UUIDs of all devices in the order of their bus addresses, as far as the driver tells them."""
    texts = [path.read_text(errors="replace") for path in sorted(DRIVER.glob("*/information"))]
    return re.findall(r"GPU UUID:\s*(GPU-[0-9a-f-]+)", "\n".join(texts))
