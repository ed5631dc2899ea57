"""What every ablation must do. The files of `ablations/` are found by themselves: a new one needs no test."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from difnet.config import RunConfig, TimingConfig, TrainConfig, plan
from difnet.data import load_prepared, prepare
from difnet.data.batches import training_batches
from difnet.evaluation import evaluate_run
from difnet.models import build_from_config, load_network
from difnet.timing import time_networks
from difnet.training import make_optimiser, train_run, training_step, use_threads
from tests.conftest import CATALOGUE, save_weights

CLASSES = 5
OVERFITTING = TrainConfig(steps=20, batch_size=4, learning_rate=0.02, flip=False)
SELECTION = {"benchmarks": ["tiny"], "ablations": ["*"], "seeds": [0], "set": ["train.steps=2"]}
(PLAN,) = plan(CATALOGUE, SELECTION).benchmarks.values()
RUNS = {run.variant: run for run in PLAN.first_runs}
TRAINED = [name for name, run in RUNS.items() if run.weights_of is None and run.model.name != "pixel_prior"]

Finished = Callable[[str], Path]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    use_threads(1)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare(PLAN.data, folder)
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Finished:
    """Trains a variant, and before it the one whose weights it takes; gives its run directory."""
    runs = tmp_path_factory.mktemp("runs")

    @cache
    def train(variant: str) -> Path:
        if source := RUNS[variant].weights_of:
            train(source)
        out = runs / variant / "seed0"
        train_run(RUNS[variant], data=data, out=out, command="test")
        return out

    return train


def network_of(run: RunConfig, classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    return build_from_config(run.model, classes)


def test_all_are_here() -> None:
    assert sorted(RUNS) == CATALOGUE.ablation_names


@pytest.mark.parametrize("variant", RUNS)
def test_odd_sizes(variant: str) -> None:
    """Forward and backward at 33 x 41, every learned parameter with a finite gradient; one image alone."""
    network = network_of(RUNS[variant])
    images = torch.randn(2, 3, 33, 41, generator=torch.Generator().manual_seed(1))
    logits = network.train()(images).logits
    assert logits.shape[:2] == (2, CLASSES)
    learned = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
    if learned:
        logits.square().mean().backward()
    for name, weight in learned.items():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    with torch.inference_mode():
        alone = network.eval()(images[:1]).logits
    assert alone.shape == (1, *logits.shape[1:])
    assert alone.isfinite().all()


@pytest.mark.parametrize("variant", TRAINED)
def test_overfits_four_images(variant: str, data: Path) -> None:
    prepared = load_prepared(data)
    network = network_of(RUNS[variant], len(prepared.index.classes)).train()
    optimiser = make_optimiser(network, OVERFITTING)
    run = RUNS[variant].model_copy(update={"train": OVERFITTING})
    batch = next(training_batches(prepared.split("train"), run))
    losses = [
        float(training_step(network, optimiser, batch.images, batch.labels, step=step, train=OVERFITTING))
        for step in range(OVERFITTING.steps)
    ]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("variant", RUNS)
def test_loads_what_was_saved(variant: str, tmp_path: Path) -> None:
    run = RUNS[variant]
    network = network_of(run).train()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network(images)  # moves the running statistics of the batch norms off their start
    save_weights(network.state_dict(), tmp_path)
    torch.manual_seed(1)
    loaded = load_network(tmp_path, run, num_classes=CLASSES)
    with torch.inference_mode():
        assert torch.equal(loaded(images).logits, network.eval()(images).logits)


@pytest.mark.parametrize("variant", RUNS)
def test_trains_and_scores_twice_the_same(variant: str, data: Path, finished: Finished) -> None:
    run = finished(variant)
    first = evaluate_run(run, data=data)
    files = {name: (run / name).read_bytes() for name in ("scores.csv", "per_image.parquet")}
    evaluate_run(run, data=data)
    assert {name: (run / name).read_bytes() for name in files} == files
    miou = first.loc[(first["metric"] == "miou") & (first["class"] == ""), "value"]
    assert 0.0 <= miou.item() <= 1.0
    parameters = json.loads((run / "environment.json").read_text())["parameters"]
    assert (parameters > 0) == (variant != "pixel_prior")


def test_cost_is_reported(data: Path) -> None:
    """Latency and memory of every network, and its parameters and operations before it is run."""
    runs = [RUNS[variant] for variant in TRAINED]
    timing = time_networks(runs, TimingConfig(repeats=1, warmup=0), data=data)
    latency = timing[timing["metric"] == "latency_ms"].set_index("subject")["value"]
    assert sorted(latency.index) == sorted(f"model:{variant}" for variant in TRAINED)
    assert (latency > 0).all()
