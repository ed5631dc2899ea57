"""Learned weights are read from the weights of a run."""

from __future__ import annotations

import math

import pytest
from safetensors.numpy import load_file

from difnet.report.load import load_results
from difnet.report.weights import learned_weights
from tests.report.conftest import Rendered
from tests.report.project import LEVELS


def test_weights_are_sigmoids_by_level(rendered: Rendered) -> None:
    results = load_results(rendered.root, rendered.results, "toy")
    (run,) = [run for run in results.variants[0].runs if run.seed == 1]
    weights = learned_weights(run, "alpha")
    stored = load_file(run.folder / "weights.safetensors")
    assert list(weights) == list(LEVELS)
    for place, level in enumerate(LEVELS):
        logit = float(stored[f"diffusion.alpha.{place}"][0])
        assert weights[level] == pytest.approx(1 / (1 + math.exp(-logit)))


def test_a_variant_that_learns_none_has_none(rendered: Rendered) -> None:
    results = load_results(rendered.root, rendered.results, "toy")
    (variant,) = [variant for variant in results.variants if variant.name == "seed_only"]
    assert learned_weights(variant.runs[0], "alpha") == {}
