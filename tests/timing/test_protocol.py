"""How one number is measured: median and interval, peak memory, and what becomes of a call that fails."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from difnet.config import InputError
from difnet.tables import TimingRow
from difnet.timing import protocol
from difnet.timing.protocol import Measurement, log_mean, median_interval, peak_memory


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 1, 1), (3, 1, 3), (5, 1, 5), (6, 1, 6), (9, 2, 8), (20, 6, 15)]
)
def test_median_interval(count: int, low: int, high: int) -> None:
    """The ranks are those of tables of the sign test's confidence interval."""
    values = list(np.random.default_rng(0).permutation(np.arange(1.0, count + 1)))
    assert median_interval(values) == ((count + 1) / 2, low, high)


def test_peak_memory_is_of_what_is_held_at_once() -> None:
    """NumPy's and torch's, of arrays that are gone afterwards, whatever is held already."""
    held = [torch.ones(10**6) for _ in range(3)]

    def call() -> None:
        for size in range(10**6, 2 * 10**6, 10**5):  # 58 MB in all
            torch.ones(size)
        array = np.ones(10**6)
        array.sum()
        held.pop()

    for _ in range(2):
        assert peak_memory(call, "cpu") == pytest.approx(4 * 1.9e6 + 8e6, rel=0.01)


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
    row = found.row()
    assert row == TimingRow(
        *("walk", "cpu", "float32", 16, 3, 2, metric, value),
        ci_low=value,
        ci_high=value,
        status="ok",
        features="",
        log_value=pytest.approx(math.log(value)),
        standard_error=row.standard_error,
        degrees=0,
        foreign_share=row.foreign_share,
    )
    assert math.isnan(row.standard_error) and math.isnan(row.foreign_share)


def test_memory_is_in_millions_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "peak_memory", lambda call, device: 2.5e6)
    found = measurement("peak_memory_mb", lambda: None)
    found.take()
    assert found.row().value == 2.5


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


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED"), "does_not_fit"),
        (RuntimeError("misaligned address\nmore"), "not_run (misaligned address)"),
        (RuntimeError(), "not_run (RuntimeError)"),
        (InputError("features hold nan"), "not_run (features hold nan)"),
    ],
)
def test_what_fails_says_why(error: Exception, status: str) -> None:
    def call() -> None:
        raise error

    found = measurement("latency_ms", call)
    found.take()
    assert found.row().status == status and found.samples == []


def test_a_mistake_in_the_code_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        measurement("latency_ms", lambda: 1 / 0).take()


def test_what_makes_ready_is_not_timed() -> None:
    order: list[str] = []
    found = measurement("latency_ms", lambda: order.append("call"))
    found.ready = lambda: (order.append("ready"), time.sleep(0.05))
    found.take()
    assert order == ["ready", "call"] and found.samples[0] < 25


def test_log_mean_leaves_out_a_fifth_at_each_end() -> None:
    """Seven logarithms: the middle five, the ends Winsorised (Yuen, 1974)."""
    log = log_mean([math.exp(x) for x in (9.0, 1, 2, 3, 4, 5, -7)])
    winsorised = [1.0, 1, 2, 3, 4, 5, 5]
    assert log.value == pytest.approx(3.0) and log.degrees == 4
    assert log.standard_error == pytest.approx(math.sqrt(6 * np.var(winsorised, ddof=1) / (5 * 4)))
    single = log_mean([2.0])
    assert single.value == math.log(2) and math.isnan(single.standard_error) and single.degrees == 0
    assert log_mean([5.1e6] * 4) == (pytest.approx(math.log(5.1e6)), 0.0, 3)
    assert math.isnan(log_mean([0.0, 1.0, 2.0]).value)
