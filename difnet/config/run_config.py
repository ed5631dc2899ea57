"""One run, resolved and complete: its configuration, and the hashes by which it is told from others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from difnet.config.base_schema import Section, Seed
from difnet.config.schema import DataConfig, EvaluateConfig, ModelConfig
from difnet.config.train_schema import TrainConfig

WITHOUT_EFFECT = {"train": ("checkpoint_every", "logger", "workers"), "evaluate": ("gallery",)}
"""Keys that change neither weights nor scores, by section."""


NOT_TRAINED = {"benchmark", "variant", "changes", "evaluate"}
"""Keys of a run that its weights do not depend on."""


def training_identity(values: Mapping[str, Any]) -> str:
    """Hash of the values of a run's file that its weights depend on.

    Of the file as it is, since a later version may know more keys.
    """
    kept = {key: value for key, value in values.items() if key not in NOT_TRAINED}
    kept["train"] = {
        key: value for key, value in values["train"].items() if key not in WITHOUT_EFFECT["train"]
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


class RunConfig(Section):
    """One run, resolved and complete: all that its result depends on."""

    benchmark: str
    variant: str
    seed: Seed
    weights_of: str | None = None
    """Variant whose trained weights are taken; null for a training of its own."""
    diffusion_sha256: str | None = None
    """Hash of what `ablations/NAME.py` says where `model.diffusion` names it."""
    changes: tuple[str, ...] = ()
    """Keys that the ablation and the sweep name: in these alone may it differ from the other variants."""
    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    evaluate: EvaluateConfig

    def training_identity(self) -> str:
        """Hash of every value that the trained weights depend on, whatever the order of the keys."""
        return training_identity(self.model_dump(mode="json"))

    def pretext_identity(self) -> str | None:
        """Hash of all that pretext weights depend on, the name of their file; None where it has others."""
        if self.model.weights != "pretext":
            return None
        values = {
            "data": self.data.model_dump(mode="json"),
            "pretext": self.model.pretext.model_dump(mode="json"),
            "depth": self.model.name.partition("-")[2],
            "width": self.model.width,
        }
        if self.model.width == "equal_parameters":  # follows from the rest of the network
            values["model"] = self.model.model_dump(mode="json")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def difference(self, other: RunConfig) -> str | None:
        """What makes another run one of another recipe: in words, with its key; None where nothing does.

        Seeds may differ, and between two variants what either of them names.
        """
        free = set() if self.variant == other.variant else {*self.changes, *other.changes}
        if "model.name" in free:
            free.add("model.weights")  # follows the name
        for section in ("data", "model", "train", "evaluate"):
            mine, theirs = getattr(self, section), getattr(other, section)
            for key in type(mine).model_fields:
                own, their = getattr(mine, key), getattr(theirs, key)
                if (
                    own != their
                    and f"{section}.{key}" not in free
                    and key not in WITHOUT_EFFECT.get(section, ())
                ):
                    return f"{section}.{key} ({own} and {their})"
        if self.variant == other.variant and self.diffusion_sha256 != other.diffusion_sha256:
            return f"ablations/{self.model.diffusion}.py"
        return None


def training_steps(run: RunConfig) -> int:
    """Steps that a run trains: none where it takes the weights of another, or counts pixels."""
    return 0 if run.weights_of or run.model.name == "pixel_prior" else run.train.steps
