"""How long a GPU was held below its clock, from the counters of a driver that is played."""

from __future__ import annotations

import math
import sys
import types

import pytest
import torch

from difnet.timing import throttling
from difnet.timing.throttling import LIMITS, Throttling


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Its counters in nanoseconds, which a test moves on; a second passes between two looks."""
    counters = dict.fromkeys(LIMITS, 10**9)
    module = types.ModuleType("pynvml")
    module.nvmlInit = lambda: None
    module.nvmlDeviceGetHandleByUUID = {"GPU-12ab": "handle"}.__getitem__
    module.nvmlDeviceGetViolationStatus = lambda device, policy: types.SimpleNamespace(
        violationTime=counters[policy]
    )
    for limit in LIMITS:
        setattr(module, f"NVML_PERF_POLICY_{limit}", limit)
    monkeypatch.setitem(sys.modules, "pynvml", module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    properties = types.SimpleNamespace(uuid="12ab")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda: properties)
    clock = iter([100.0, 101.0])
    monkeypatch.setattr(throttling.time, "monotonic", lambda: next(clock))
    return counters


def test_share_of_the_limit_that_held_longest(driver: dict[str, int]) -> None:
    held = Throttling()
    driver["POWER"] += 2 * 10**8
    driver["THERMAL"] += 10**8
    assert held.share() == pytest.approx(0.2)


def test_a_full_clock(driver: dict[str, int]) -> None:
    assert Throttling().share() == 0


def test_what_no_driver_tells_is_not_known(driver: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as where it is not installed
    assert math.isnan(Throttling().share())
