"""What a result was obtained with: versions, machine, code, data and command."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import difnet
from difnet.config.source_code import Stage, code_sha256

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "snakemake")
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")
"""Names under which CuPy is distributed."""
DRIVER = Path("/proc/driver/nvidia/version")


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
        **{package: _version(package) for package in PACKAGES},
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        **_device(),
    }


def _device() -> dict[str, Any]:
    """What computes, and what a result of a GPU depends on beside its name."""
    if not torch.cuda.is_available():
        return {"device": "cpu", "cuda": None}
    properties = torch.cuda.get_device_properties()
    driver = re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", _text(DRIVER))
    return {
        "device": properties.name,
        "device_memory_gb": round(properties.total_memory / 1e9, 1),
        "l2_cache_mb": round(properties.L2_cache_size / 1e6, 1),
        "driver": driver[1] if driver else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "cupy": next((found for name in CUPY if (found := _version(name))), None),
        "tf32": torch.backends.cudnn.allow_tf32,
    }


def _version(package: str) -> str | None:
    """The version of an installed package; None for one that this machine does without."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str:
    """What git says of the checkout that this package lies in; nothing outside a checkout."""
    command = ["git", *arguments]
    try:
        said = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return said.stdout.strip("\n")


def _cpu() -> str:
    lines = _text(Path("/proc/cpuinfo")).splitlines() or [f"model name: {platform.processor()}"]
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _text(path: Path) -> str:
    """What a file says; nothing where there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""
