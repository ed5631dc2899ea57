"""Requests to stop: batch systems send SIGTERM or SIGUSR1 before they take the machine back."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType

from difnet.training.distributed import highest

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class StopRequest:
    """While it is entered, these signals are only noted; the training asks for them after each step."""

    def __init__(self) -> None:
        self._number = 0

    def name(self) -> str | None:
        """Name of the signal that came, to any process of the training; all must ask at the same step."""
        number = highest(self._number)
        return signal.Signals(number).name if number else None

    def __enter__(self) -> StopRequest:
        self._former = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._number = number
