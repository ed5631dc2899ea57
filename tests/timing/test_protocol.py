"""How one number is measured: median and interval, peak memory, and what becomes of a call that fails."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from difnet.tables import TimingRow
from difnet.timing import protocol
from difnet.timing.protocol import Measurement, median_interval, peak_memory


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 1, 1), (3, 1, 3), (5, 1, 5), (6, 1, 6), (9, 2, 8), (20, 6, 15)]
)
def test_median_interval(count: int, low: int, high: int) -> None:
    """The ranks are those of tables of the sign test's confidence interval."""
    values = list(np.random.default_rng(0).permutation(np.arange(1.0, count + 1)))
    assert median_interval(values) == ((count + 1) / 2, low, high)


def test_peak_memory_sees_an_array_that_is_gone_afterwards() -> None:
    size = 80_000_000
    peak = peak_memory(lambda: np.ones(size // 8).sum(), "cpu")
    if peak is None:
        pytest.skip("no peak memory counter on this system")
    assert 0.9 * size < peak < 1.3 * size


def measurement(metric: str, call: Callable[[], object]) -> Measurement:
    place = {"device": "cpu", "dtype": torch.float32, "nodes": 16, "classes": 3, "batch": 2}
    return Measurement(name="walk", **place, metric=metric, call=call)


@pytest.mark.parametrize(
    ("metric", "value"), [("latency_ms", 250.0), ("train_step_ms", 250.0), ("images_per_s", 8.0)]
)
def test_samples_are_in_the_unit_of_the_metric(
    monkeypatch: pytest.MonkeyPatch, metric: str, value: float
) -> None:
    """A call of a quarter of a second on two images; what warms up is not counted."""
    times = iter([9.0, 0.25])
    monkeypatch.setattr(protocol, "seconds", lambda call, device: next(times))
    found = measurement(metric, lambda: None)
    found.take(record=False)
    found.take()
    assert found.row() == TimingRow(
        "walk", "cpu", "float32", 16, 3, 2, metric, value, ci_low=value, ci_high=value, status="ok"
    )


def test_memory_is_in_millions_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "peak_memory", lambda call, device: 2.5e6)
    found = measurement("peak_memory_mb", lambda: None)
    found.take()
    assert found.row().value == 2.5
    monkeypatch.setattr(protocol, "peak_memory", lambda call, device: None)
    found.take()
    assert found.row().status == "not_run (no peak memory counter on this system)"
    assert math.isnan(found.row().value)


def test_what_does_not_fit_has_no_value_and_is_not_tried_again() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError

    found = measurement("latency_ms", call)
    for _ in range(4):
        found.take()
    assert len(calls) == 2
    assert found.row().status == "does_not_fit" and math.isnan(found.row().ci_high)
