"""What other processes take of the processors while something is timed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from difnet.timing import foreign_load
from difnet.timing.foreign_load import ForeignLoad


class Machine:
    """Four processors, of which this process may use two; seconds are set by the test."""

    def __init__(self) -> None:
        self.clock = 0.0
        self.own = 0.0
        self.busy = [0.0] * 4

    def cpu_times(self, percpu: bool = False) -> list[SimpleNamespace]:
        assert percpu
        return [SimpleNamespace(user=busy, system=0.0, steal=0.0, idle=9.0) for busy in self.busy]

    def Process(self) -> SimpleNamespace:  # noqa: N802
        own = SimpleNamespace(user=self.own, system=0.0)
        return SimpleNamespace(cpu_affinity=lambda: [0, 1], cpu_times=lambda: own)


@pytest.mark.parametrize(
    ("busy", "own", "share"),
    [
        ([10, 10, 0, 0], 20.0, 0.0),  # alone
        ([10, 10, 0, 0], 15.0, 0.25),
        ([10, 0, 10, 10], 10.0, 0.0),  # others elsewhere
        ([10, 9, 0, 0], 19.5, 0.0),  # counters that lag behind
        ([10, 10, 0, 0], 0.0, 1.0),
    ],
)
def test_share(monkeypatch: pytest.MonkeyPatch, busy: list[float], own: float, share: float) -> None:
    machine = Machine()
    monkeypatch.setattr(foreign_load, "psutil", machine)
    monkeypatch.setattr(foreign_load.time, "monotonic", lambda: machine.clock)
    load = ForeignLoad()
    assert load.share() == 0.0
    machine.clock, machine.own, machine.busy = 10.0, own, busy
    assert load.share() == pytest.approx(share)
