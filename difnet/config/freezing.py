"""What `train.freeze` means for runs: branches and variants that are one network, values that stay random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from difnet.config.run_config import RunConfig, training_steps
from difnet.config.schema import BranchWeights

RANDOM_VALUES_STAY = "train.freeze: backbones keep the random values that they start from; set model.weights"


def start_alike(model: dict[str, Any]) -> bool:
    """Whether both branches of a `model` section have one backbone with the same given weights.

    Random ones differ by branch.
    """
    given = model["weights"]
    weights = set(given.values()) if isinstance(given, dict) else {given}
    return len(weights) == 1 and None not in weights and not model["name"].endswith("-18-50")


def same_networks(runs: Mapping[str, RunConfig]) -> dict[str, str]:
    """Variants whose frozen network is that of an earlier one, and which one that is.

    Not one whose weights another variant takes.
    """
    first: dict[str, str] = {}
    same = {}
    taken = {run.weights_of for run in runs.values()}
    for variant, run in runs.items():
        all_but_name = run.model_copy(update={"variant": "", "changes": ()}).model_dump_json()
        other = first.setdefault(all_but_name, variant)
        if other != variant and run.train.freeze == "backbone" and variant not in taken:
            same[variant] = other
    return same


def freezes_random_values(run: RunConfig) -> bool:
    """Whether a backbone that starts from random values is not trained."""
    given = run.model.weights
    values = [value for _, value in given] if isinstance(given, BranchWeights) else [given]
    return run.train.freeze != "none" and training_steps(run) > 0 and None in values
