"""Restart and skip weights that a run has learned, one a level."""

from __future__ import annotations

import math
import re

import yaml
from safetensors import SafetensorError, safe_open

from difnet.report.variants import Run

KINDS = {"alpha": "restart", "beta": "skip"}
"""Names of the pre-sigmoid parameters, and of the keys of `model` that say whether they are learned."""


def learned_weights(run: Run, kind: str) -> dict[str, float]:
    """Weights of one kind (`alpha` or `beta`) by level; empty where none are learned one a level."""
    model = _model(run)
    levels, path = model.get("levels"), run.folder / "weights.safetensors"
    if model.get(KINDS[kind]) != "learned" or not isinstance(levels, list) or not path.is_file():
        return {}
    weights = {}
    try:
        with safe_open(path, framework="np") as stored:
            for name in stored.keys():  # noqa: SIM118
                match = re.search(rf"(?:^|\.){kind}\.(\d+)$", name)
                if match and int(match[1]) < len(levels):
                    logit = float(stored.get_tensor(name).item())
                    weights[int(match[1])] = 1 / (1 + math.exp(-logit))
    except (SafetensorError, OSError, ValueError, OverflowError):
        return {}
    return {str(levels[place]): weights[place] for place in sorted(weights)}


def _model(run: Run) -> dict[str, object]:
    """The section `model` of the run's configuration, empty if it cannot be read."""
    try:
        config = yaml.safe_load(run.config)
    except yaml.YAMLError:
        return {}
    model = config.get("model") if isinstance(config, dict) else None
    return model if isinstance(model, dict) else {}
