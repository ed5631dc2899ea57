"""Tests that need a CUDA device; elsewhere they are skipped.

Nothing here imports what a host with a GPU may lack: snakemake, playwright, hypothesis, pytest-xdist.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from difnet.training import choose_device
from difnet.training.device import use_deterministic
from tests.training.conftest import before_step, train  # noqa: F401

FOLDER = Path(__file__).parent
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it once, at its first use


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it without a device."""
    missing = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("gpu")
            if not torch.cuda.is_available():
                item.add_marker(missing)


@pytest.fixture(autouse=True)
def as_a_stage_computes() -> Iterator[None]:
    """Single precision is IEEE's, as every stage sets it; memory of the test before is handed back."""
    choose_device()
    yield
    use_deterministic(False)
    torch.cuda.empty_cache()


def host_bytes(call: Callable[[], object], folder: Path) -> int:
    """Bytes that a call copies between host and device, whoever asks CUDA for it."""
    call()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as record:
        call()
        torch.cuda.synchronize()
    record.export_chrome_trace(str(folder / "trace.json"))
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    copies = [event for event in events if event.get("cat") == "gpu_memcpy"]
    assert any(event.get("cat") == "kernel" for event in events), "the profiler sees nothing here"
    return sum(int(copy["args"]["bytes"]) for copy in copies if "DtoD" not in copy["name"])


def peak_above(call: Callable[[], object]) -> int:
    """Bytes that a call holds at most, above what was held before."""
    torch.cuda.synchronize()
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - held
