"""The parts of a training step: what they add up to, and what must not be in them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent

from difnet.config import resolve_run
from difnet.data import prepare
from difnet.tables import BREAKDOWN
from difnet.timing import training_step
from difnet.timing.training_step import PARTS, STEPS, part_times, training_step_breakdown
from tests.conftest import CATALOGUE

VARIANTS = ("cascade", "seed_only", "deeplab", "pixel_prior")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    data = tmp_path_factory.mktemp("data")
    runs = [resolve_run(CATALOGUE, benchmark="tiny", ablation=name, seed=0) for name in VARIANTS]
    prepare(runs[0].data, data)
    return training_step_breakdown(runs, data=data)


def test_shares_add_up_for_every_variant_that_is_trained(table: pd.DataFrame) -> None:
    assert list(table.columns) == BREAKDOWN.columns
    assert table.groupby("variant")["share"].sum().to_dict() == pytest.approx(
        dict.fromkeys(VARIANTS[:3], 1.0)
    )
    assert table["part"].tolist() == [*PARTS] * 3
    total = table.groupby("variant")["ms"].transform("sum")
    assert (table["ms"] / total).to_numpy() == pytest.approx(table["share"].to_numpy())


def test_only_diffusion_walks_and_every_network_convolves(table: pd.DataFrame) -> None:
    share = table.set_index(["variant", "part"])["share"]
    assert share["cascade", "walks"] > 0.01
    assert share["seed_only", "walks"] == share["deeplab", "walks"] == 0
    assert all(share[name, "convolutions"] > 0.1 for name in VARIANTS[:3])
    assert all(share[name, "data"] > 0 for name in VARIANTS[:3])


@pytest.fixture
def events() -> list[FunctionEvent]:
    """One step on a GPU, in the form in which PyTorch's profiler lists it: with every kernel twice.

    Once under the operation that launched it, once as an event of its own; and the marks of this project also
    as spans of the GPU. The times are made up, in the proportions that an H100 is expected to have.
    """
    recorded = json.loads(Path(__file__).with_name("cuda_events.json").read_text())
    found: dict[int, FunctionEvent] = {}
    listed = []
    for item in recorded:
        span = {"start_us": item["start_us"], "end_us": item["end_us"]}
        where = {"device_type": getattr(DeviceType, item["device"]), "use_device": "cuda", "thread": 1}
        event = FunctionEvent(item["id"], item["name"], sequence_nr=item["sequence_nr"], **span, **where)
        for name, duration in item["kernels"]:
            event.append_kernel(name, 0, duration)
        if item["parent"] is not None:
            event.set_cpu_parent(found[item["parent"]])
            found[item["parent"]].append_cpu_child(event)
        if event.device_type == DeviceType.CPU:
            found[item["id"]] = event
        listed.append(event)
    return listed


def test_kernels_of_a_gpu_count_once(events: list[FunctionEvent]) -> None:
    times = {part: STEPS * ms for part, ms in part_times(events, on_gpu=True).items()}
    assert times == pytest.approx({"data": 0.12, "convolutions": 26.0, "walks": 2.03, "rest": 0.85})


def test_a_profiler_that_sees_no_kernel_costs_its_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As without the right to use CUPTI; the step itself computes on the CPU here."""
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="seed_only", seed=0)
    prepare(run.data, tmp_path)
    on_gpu(monkeypatch, events=[])
    assert training_step_breakdown([run], data=tmp_path).empty
    assert (
        "warning: timing/breakdown.csv lacks seed_only: not_run (the profiler saw no kernel"
        in capsys.readouterr().err
    )


def test_a_gpu_that_waits_for_batches_shows_it(
    events: list[FunctionEvent], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """12 ms from one step to the next batch."""
    run = resolve_run(CATALOGUE, benchmark="tiny", ablation="seed_only", seed=0)
    prepare(run.data, tmp_path)
    on_gpu(monkeypatch, events=events)
    table = training_step_breakdown([run], data=tmp_path).set_index("part")
    assert table["ms"]["data"] == pytest.approx(12 + 0.12 / STEPS)
    assert set(table["device"]) == {"cuda"}


def on_gpu(monkeypatch: pytest.MonkeyPatch, *, events: list[FunctionEvent]) -> None:
    """Let a step on the CPU pass for one on a GPU, of which the profiler tells these events."""

    class Step(training_step.TrainingStep):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.device: Any = SimpleNamespace(type="cuda")

        def inputs(self, batch: Any) -> Any:
            return batch.images, batch.labels

    class Profile:
        def __init__(self, activities: Any) -> None: ...
        def __enter__(self) -> Any:
            return SimpleNamespace(events=lambda: events)

        def __exit__(self, *_: Any) -> None: ...

    monkeypatch.setattr(training_step, "TrainingStep", Step)
    monkeypatch.setattr(training_step, "profile", Profile)
    mark = SimpleNamespace(record=lambda: None, elapsed_time=lambda other: 12.0)
    monkeypatch.setattr(torch.cuda, "Event", lambda enable_timing: mark)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
