"""The stages after a training on a GPU: scores, gallery, predictions, timing, profile, leases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difnet.config import TimingConfig
from difnet.data import load_prepared
from difnet.evaluation import evaluate_run, predict_images, write_gallery
from difnet.evaluation.segmenter import Segmenter
from difnet.machine.environment import environment
from difnet.machine.gpus import visible_gpus
from difnet.timing import time_networks, time_operators
from difnet.timing.operator_inputs import random_levels
from difnet.timing.protocol import peak_memory
from difnet.timing.training_step import training_step_breakdown
from tests.conftest import PROJECT
from tests.training.conftest import Trainer

VARIANT = "cascade"


@pytest.fixture
def run(train: Trainer, tmp_path: Path) -> Path:
    train(tmp_path / "run", "evaluate.split=val", ablation=VARIANT)
    return tmp_path / "run"


def test_scores_are_those_of_the_cpu(run: Path, train: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    there = evaluate_run(run, data=train.data)["value"].to_numpy()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = evaluate_run(run, data=train.data)["value"].to_numpy()
    assert np.allclose(there, here, atol=0.02, equal_nan=True) and np.isfinite(there).any()


def test_gallery_and_predictions(run: Path, train: Trainer, tmp_path: Path) -> None:
    evaluate_run(run, data=train.data)
    write_gallery([run], reference=VARIANT, data=train.data, out=tmp_path / "gallery.npz")
    with np.load(tmp_path / "gallery.npz") as gallery:
        assert gallery["prediction/0/0"].shape == gallery["truth/0"].shape
    picture = tmp_path / "image.png"
    Image.fromarray(load_prepared(train.data).split("val").image(0)).save(picture)
    segmenter = Segmenter.of_run(run)
    (written,) = predict_images(
        [picture], segmenter=segmenter, out=tmp_path / "out", maps=True, similarity=(3, 4)
    )
    with Image.open(written) as found:
        assert found.size == (32, 32)


def test_what_a_run_was_computed_with_is_recorded(run: Path) -> None:
    record = json.loads((run / "environment.json").read_text())
    assert record["device"] == torch.cuda.get_device_name() and record["tf32"] is False
    assert record["cuda"] == torch.version.cuda and record["cudnn"] == torch.backends.cudnn.version()
    assert record["driver"] and record["device_memory_gb"] > 1
    assert record["device"] == environment("train")["device"]


def test_peak_memory_is_that_of_the_allocator() -> None:
    held = torch.zeros(10**7, device="cuda")
    peak = peak_memory(lambda: (torch.empty(16 * 10**6, device="cuda"), held), "cuda")
    assert peak == pytest.approx(64e6, rel=0.05)


def test_every_operator_is_timed() -> None:
    config = TimingConfig(nodes=(64, 256), classes=(21,), repeats=3, warmup=1)
    table = time_operators(config, {"random": random_levels(config)})
    on_gpu = table[table["device"] == "cuda"].set_index("subject")["status"]
    assert on_gpu["cascade_graph"].tolist() == ["ok"] * 2
    assert set(on_gpu["dense_inverse_graph"]) == {
        "not_run (it looks at its residual, which no CUDA graph can)"
    }
    others = on_gpu.drop(["dense_inverse_graph"])
    assert set(others[~others.index.str.contains("cupy")]) == {"ok"}


def test_the_parts_of_a_step_are_those_of_its_kernels(train: Trainer) -> None:
    config = train.config("train.crop=32", ablation=VARIANT)
    parts = training_step_breakdown([config], data=train.data).set_index("part")
    assert set(parts["device"]) == {"cuda"} and parts["share"].sum() == pytest.approx(1)
    assert (parts.loc[["convolutions", "walks", "rest"], "ms"] > 0).all()
    table = time_networks([config], TimingConfig(repeats=5, warmup=2), data=train.data)
    step = float(table.set_index("metric")["value"]["train_step_ms"])
    kernels = float(parts["ms"].drop("data").sum())
    assert kernels <= 1.2 * step, "kernels that count twice take longer than the step"


def test_a_command_sees_the_gpus_of_its_lease() -> None:
    code = "import torch; print(torch.cuda.device_count(), torch.cuda.get_device_properties(0).uuid)"
    command = [sys.executable, "-m", "difnet", "lease", "--gpus", "1", "--", sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": "."}
    )
    count, uuid = done.stdout.split()
    assert count == "1" and any(uuid in known or known.isdigit() for known in visible_gpus().values())
