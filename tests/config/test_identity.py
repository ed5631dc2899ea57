"""The training identity: the same for the same training, another for any other."""

from __future__ import annotations

from typing import Any

import pytest

from difnet.config import RunConfig, resolve_run
from tests.conftest import PROJECT

RUN = resolve_run(PROJECT, benchmark="shapes", ablation="cascade", seed=0)
OTHER_VALUE: dict[str, Any] = {
    "name": "difnet-18",
    "size": [32, 32],
    "options": {"noise": 0.5},
    "diffusion": "none",
    "levels": ["layer4"],
    "restart": 0.25,
    "skip": 0.25,
    "seeds": "similarity_branch",
    "transition": {"kind": "cosine", "temperature": None, "k": None},
    "weights": "ResNet18_Weights.IMAGENET1K_V1",
    "scale": [0.5, 1.4],
    "crop": 33,
    "precision": "bf16",
    "seed": 1,
}


def changed(section: str | None, key: str) -> RunConfig:
    values = RUN.model_dump(mode="json")
    target = values[section] if section else values
    old = target[key]
    if key in OTHER_VALUE:
        target[key] = OTHER_VALUE[key]
    else:
        target[key] = (not old) if isinstance(old, bool) else old / 2 if isinstance(old, float) else old + 1
    return RunConfig.model_validate(values)


def keys(section: str) -> list[tuple[str, str]]:
    return [(section, key) for key in getattr(RUN, section).model_dump()]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        (None, "seed"),
        *keys("data"),
        *keys("model"),
        *(k for k in keys("train") if k[1] != "checkpoint_every"),
    ],
)
def test_every_value_that_matters_changes_it(section: str | None, key: str) -> None:
    assert changed(section, key).training_identity() != RUN.training_identity()


@pytest.mark.parametrize(("section", "key"), [("train", "checkpoint_every"), ("evaluate", "gallery")])
def test_values_that_do_not_matter_leave_it(section: str, key: str) -> None:
    assert changed(section, key).training_identity() == RUN.training_identity()


def test_order_of_keys_does_not_matter() -> None:
    values = RUN.model_dump(mode="json")
    shuffled = {section: values[section] for section in reversed(values)}
    shuffled["train"] = dict(reversed(values["train"].items()))
    assert RunConfig.model_validate(shuffled).training_identity() == RUN.training_identity()
