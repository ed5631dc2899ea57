"""Estimated cost of runs: operations of a batch, minutes in proportion, none where nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from difnet.config import plan
from difnet.data import load_prepared, prepare
from difnet.data.batches import training_batches
from difnet.models import build_from_config, parameter_count
from difnet.timing.estimate import estimate_costs
from difnet.training import make_optimiser, training_step
from tests.conftest import PROJECT

PLAN = plan(
    PROJECT, {"benchmarks": ["tiny"], "ablations": ["walks_2", "oracle_1", "pixel_prior"], "seeds": [0]}
)
RUNS = {variant: PLAN.runs["tiny", variant, "0"] for variant in PLAN.variants("tiny")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    prepare(PLAN.benchmarks["tiny"].data, folder)
    return folder


def test_costs(data: Path) -> None:
    cost = dict(zip(RUNS, estimate_costs(list(RUNS.values()), data=data), strict=True))
    run, prepared = RUNS["walks_2"], load_prepared(data)
    network = build_from_config(run.model, len(prepared.index.classes)).to(memory_format=torch.channels_last)
    batch = next(training_batches(prepared.split("train"), run))
    optimiser = make_optimiser(network, run.train)
    with FlopCounterMode(display=False) as counter:
        training_step(network, optimiser, batch.images, batch.labels, step=0, train=run.train)
    assert cost["walks_2"].gflop_step == pytest.approx(counter.get_total_flops() / 1e9, rel=0.01)
    assert cost["walks_2"].parameters == parameter_count(network)
    assert cost["walks_2"].minutes / cost["cascade"].minutes == pytest.approx(
        cost["walks_2"].gflop_step / cost["cascade"].gflop_step
    )
    assert cost["oracle_1"].minutes == cost["pixel_prior"].minutes == 0.0


def test_benchmark_that_trains_nothing(data: Path) -> None:
    (cost,) = estimate_costs([RUNS["pixel_prior"]], data=data)
    assert (cost.parameters, cost.gflop_step, cost.minutes) == (0, 0.0, 0.0)
