"""The remark on a misspelt key names what it was likely meant to be, with its section."""

from __future__ import annotations

import pytest

from difnet.config import AblationConfig, BenchmarkConfig, RunConfig
from difnet.config.suggestions import dotted_keys, nearest_key

RUN = [key for key in dotted_keys(RunConfig) if "." in key]


@pytest.mark.parametrize(
    ("key", "remark"),
    [
        ("steps", "; did you mean 'train.steps' or 'model.pretext.steps'?"),
        ("model.steps", "; did you mean 'train.steps' or 'model.pretext.steps'?"),
        ("train.step", "; did you mean 'train.steps'?"),
        ("trian.crop", "; did you mean 'train.crop'?"),
        ("model.difusion", "; did you mean 'model.diffusion'?"),
        ("model.transition.temprature", "; did you mean 'model.transition.temperature'?"),
        (
            "evaluate.lr",
            f"; known are {', '.join(sorted(key for key in RUN if key.startswith('evaluate.')))}",
        ),
        ("lr", "; its sections are data, evaluate, model, train"),
    ],
)
def test_keys_of_a_run(key: str, remark: str) -> None:
    assert nearest_key(key, RUN) == remark


def test_where_nothing_is_known() -> None:
    assert nearest_key("claims.0.margn", ["effect", "claims"]) == "; remove or rename it"


def test_keys_of_sections_and_of_what_may_be_false() -> None:
    keys = dotted_keys(BenchmarkConfig)
    assert {"title", "model.transition.k", "timing", "timing.nodes", "limits.runs"} <= set(keys)
    assert len(keys) == len(set(keys))
    assert "model" in dotted_keys(AblationConfig)
