"""Learned weights are read from the weights of a run."""

from __future__ import annotations

import math

import pytest
from safetensors.numpy import load_file

from difnet.report.figures.level_weights import learned_weights
from tests.report.conftest import Rendered
from tests.report.project import LEVELS


def test_weights_are_sigmoids_by_level(rendered: Rendered) -> None:
    variant = rendered.results.variants[0]
    (run,) = [run for run in variant.runs if run.seed == 1]
    weights = learned_weights(run, variant.plan.config.model, "alpha")
    stored = load_file(run.folder / "weights.safetensors")
    assert list(weights) == list(LEVELS)
    for place, level in enumerate(LEVELS):
        logit = float(stored[f"diffusion.alpha.{place}"][0])
        assert weights[level] == pytest.approx(1 / (1 + math.exp(-logit)))


def test_a_variant_that_learns_none_has_none(rendered: Rendered) -> None:
    variant = rendered.results.variants[0]
    model = variant.plan.config.model.model_copy(update={"restart": 0.5})
    assert learned_weights(variant.runs[0], model, "alpha") == {}
    assert len(learned_weights(variant.runs[0], model, "beta")) == 5
