"""DifNet-Bench: reproducibility and ablation benchmark suite for DifNet (Jiang et al., NeurIPS 2018).

network = difnet.load("results/shapes/runs/cascade/seed0")    # predicts images
frames = difnet.study("results/shapes")                       # scores, comparisons, claims, timing
table = difnet.compare("results/shapes/runs/cascade", "results/shapes/runs/deeplab")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from difnet.api import compare, load, study

__version__ = "0.2.0"
__all__ = ["compare", "load", "study"]


def __getattr__(name: str) -> Any:
    """Import the library when it is asked for: PyTorch takes seconds, and most commands need none of it."""
    if name in __all__:
        return getattr(importlib.import_module("difnet.api"), name)
    raise AttributeError(f"module 'difnet' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What completion offers."""
    return [*__all__, "__version__"]
