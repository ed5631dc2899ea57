"""What the workflow must know of the machine before any job starts."""

from __future__ import annotations

import sys
from pathlib import Path


def gpu_count() -> int:
    """Number of NVIDIA devices, without importing PyTorch."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


def shell_prefix() -> str:
    """Start of every shell command: stop at the first error, and find `difnet` beside this Python."""
    return f"set -euo pipefail; export PATH='{Path(sys.executable).parent}':\"$PATH\"; "
