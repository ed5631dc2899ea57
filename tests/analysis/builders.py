"""Constructed studies and run folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from difnet.analysis import Study
from difnet.analysis.runs import Run
from difnet.config.run_config import RunConfig
from difnet.metrics import image_statistics, scores_from_statistics
from difnet.tables import SCORES

CLASSES = ["road", "sky", "tree", "car"]
CLAIM_FILE = Path(__file__).parents[2] / "workflow" / "claims.yaml"


def run_config(variant, seed, data="shapes"):
    values = {"benchmark": "b", "variant": variant, "seed": seed, "data": {"name": data}}
    return RunConfig(**values, model={}, train={}, evaluate={})


def statistics(variant, seed, error, images=8, truth_seed=0):
    """Per-image statistics of a run that errs on this share of the pixels."""
    source = np.random.default_rng(truth_seed)
    noise = np.random.default_rng([seed, *variant.encode()])
    pairs = []
    for _ in range(images):
        truth = source.integers(0, len(CLASSES), (4, 5)).repeat(6, 0).repeat(6, 1)
        truth[:2] = 255
        wrong = noise.random(truth.shape) < error
        prediction = np.where(wrong, noise.integers(0, len(CLASSES), truth.shape), truth)
        pairs.append((prediction, truth))
    return image_statistics([f"image{index:03d}" for index in range(images)], pairs, len(CLASSES))


def run_folder(root, variant, seed, error=0.1, data="shapes", **options):
    """A run folder as evaluation leaves it."""
    folder = root / "runs" / variant / f"seed{seed}"
    folder.mkdir(parents=True)
    table = statistics(variant, seed, error, **options)
    table.write(folder / "per_image.parquet")
    scores = scores_from_statistics(table, CLASSES)
    for place, (name, value) in enumerate({"variant": variant, "seed": seed, "split": "val"}.items()):
        scores.insert(place, name, value)
    SCORES.write(scores, folder / "scores.csv")
    (folder / "config.yaml").write_text(
        yaml.safe_dump(run_config(variant, seed, data).model_dump(mode="json"))
    )
    return folder


def study(errors, seeds=3, data="shapes", **options):
    """A study of variants that err on these shares of the pixels."""
    runs = []
    for variant, error in errors.items():
        for seed in range(seeds):
            table = statistics(variant, seed, error, **options)
            scores = scores_from_statistics(table, CLASSES).assign(split="val")
            runs.append(Run(run_config(variant, seed, data), scores, table, ("here",)))
    return Study(runs)
