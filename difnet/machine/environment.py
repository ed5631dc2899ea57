"""What a result was obtained with: versions, machine, code, data and command."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import difnet
from difnet.config.source_code import Stage, code_sha256

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "snakemake")


def environment(stage: Stage) -> dict[str, Any]:
    """Versions, machine and code of this process.

    Args:
        stage: The stage of the pipeline whose sources are hashed.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "version": difnet.__version__,
        "commit": _git("describe", "--always", "--dirty", "--abbrev=12") or None,
        "uncommitted": _git("status", "--porcelain").splitlines(),
        "code_sha256": code_sha256(stage),
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
    }


def _git(*arguments: str) -> str:
    """What git says of the checkout that this package lies in; nothing outside a checkout."""
    command = ["git", *arguments]
    try:
        said = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return said.stdout.strip("\n")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
