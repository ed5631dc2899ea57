"""What a result is recorded with, on a GPU that is played and on a machine that lacks a package."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from difnet.machine import environment as module
from difnet.machine.environment import environment
from difnet.training import choose_device

OLD = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U16)"


@pytest.mark.parametrize(("text", "driver"), [(OLD, "535.129.03"), (OPEN, "570.86.15"), ("", None)])
def test_what_a_result_of_a_gpu_depends_on(
    text: str, driver: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cards of one name with 40 and 80 GB differ."""
    name = "NVIDIA A100-SXM4-80GB"
    properties = SimpleNamespace(name=name, total_memory=85_100_000_000, L2_cache_size=41_943_040)
    if text:
        (tmp_path / "version").write_text(text)
    monkeypatch.setattr(module, "DRIVER", tmp_path / "version")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: properties)
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 92600)
    monkeypatch.setattr(module, "_version", {"cupy-cuda12x": "13.6.0"}.get)
    choose_device()
    found = environment("time")
    assert {key: found[key] for key in ("device", "device_memory_gb", "l2_cache_mb", "driver", "cudnn")} == {
        "device": name,
        "device_memory_gb": 85.1,
        "l2_cache_mb": 41.9,
        "driver": driver,
        "cudnn": 92600,
    }
    assert found["cupy"] == "13.6.0" and found["cuda"] == torch.version.cuda


def test_single_precision_is_that_of_ieee_once_a_device_is_chosen() -> None:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    choose_device()
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.conv.fp32_precision != "tf32"


def test_a_machine_without_snakemake_has_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("torch", "a-package-that-nobody-has"))
    found = environment("train")
    assert found["torch"] and found["a-package-that-nobody-has"] is None
