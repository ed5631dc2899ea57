"""Requests to stop: batch systems send SIGTERM or SIGUSR1 before they take the machine back."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class StopRequest:
    """While it is entered, these signals are only noted; the training asks for them after each step.

    Args:
        agree: The highest of the numbers that the processes of the training have.
    """

    def __init__(self, agree: Callable[[int], int]) -> None:
        self._agree = agree
        self._number = 0

    def name(self) -> str | None:
        """Name of the signal that came, to any process of the training; all must ask at the same step."""
        number = self._agree(self._number)
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
