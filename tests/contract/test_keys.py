"""The page on ablations names every key that an ablation may hold."""

from __future__ import annotations

import pytest

from difnet.config import AblationConfig, EvaluateConfig, ModelConfig, TrainConfig
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "adding-an-ablation.md").read_text().partition("## Keys")[2]
OF_THE_BENCHMARK = {"split", "batch_size", "gallery", "checkpoint_every"}
"""Keys that no ablation has a reason to change."""


@pytest.mark.parametrize("schema", [AblationConfig, ModelConfig, TrainConfig, EvaluateConfig])
def test_every_key_is_in_the_table(schema: type[AblationConfig]) -> None:
    sections = {"model", "train", "evaluate"}
    missing = [
        key
        for key in set(schema.model_fields) - OF_THE_BENCHMARK - sections
        if f"`{key}`" not in PAGE and f".{key}`" not in PAGE
    ]
    assert not missing
