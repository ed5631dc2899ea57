"""Which source files each stage of the pipeline reaches, and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

Stage = Literal["prepare", "train", "evaluate", "time", "analyse", "report"]

LAYERS_OF_STAGE: dict[Stage, tuple[str, ...]] = {
    "prepare": ("config", "data"),
    "train": ("config", "diffusion", "models", "data", "training"),
    "evaluate": ("config", "diffusion", "models", "data", "metrics", "training", "evaluation"),
    "time": ("config", "diffusion", "models", "data", "training", "timing"),
    "analyse": ("config", "metrics", "analysis"),
    "report": ("config", "report"),
}


def sources(stage: Stage) -> list[Path]:
    """The source files (templates and styles included) of every layer that a stage reaches."""
    package = Path(__file__).resolve().parents[1]
    return sorted(
        path
        for layer in LAYERS_OF_STAGE[stage]
        for path in (package / layer).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


def code_sha256(stage: Stage) -> str:
    """Hash of the sources of a stage."""
    digest = hashlib.sha256()
    for path in sources(stage):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
