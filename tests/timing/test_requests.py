"""What trainings ask a batch system for: by the operations and memory of a step, with room."""

from __future__ import annotations

from pathlib import Path

import pytest

from difnet.config import plan
from difnet.timing import requests
from difnet.timing.estimate import Cost
from difnet.timing.requests import Request, training_requests
from tests.conftest import CATALOGUE

PLANNED = plan(
    CATALOGUE, {"benchmarks": ["tiny"], "ablations": ["pixel_prior"], "set": ["train.steps=600"]}
).benchmarks.popitem()[1]
COSTS = {
    "cascade": Cost(parameters=10**6, gflop_step=100.0, memory_gb=2.0, minutes=0.0, gpu_hours=1.5),
    "pixel_prior": Cost(0, 0.0, 0.0, 0.0, 0.0),
}


@pytest.fixture(autouse=True)
def known_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "estimate_costs", lambda runs, **_: [COSTS[run.variant] for run in runs])


@pytest.mark.parametrize(
    ("gpus", "processes", "expected"),
    [
        (2, 1, Request(mem_mb=6000, minutes=20 + 180)),
        (2, 2, Request(mem_mb=12000, minutes=20 + 180)),
        # 600 steps of 100 GFLOP at 10 GFLOP/s are 100 minutes; a step of 2 GB
        (0, 1, Request(mem_mb=1500 + 3000, minutes=20 + 200)),
        (0, 2, Request(mem_mb=2 * (1500 + 1500), minutes=20 + 200)),
    ],
)
def test_trainings_ask_for_the_estimate_and_more(gpus: int, processes: int, expected: Request) -> None:
    found = training_requests(PLANNED, results=Path("/nowhere"), gpus=gpus, processes=processes)
    assert found["cascade"] == expected
    assert found["pixel_prior"].minutes == 20, "no step is taken"
