"""Requests to stop: Ctrl-C, and SIGTERM or SIGUSR1 of batch systems that take the machine back.

A workflow that is gone counts as one: its next start would meet the old job in its folder.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType, TracebackType

import psutil

from difnet.config.errors import PreemptedError
from difnet.machine.progress import say

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
GONE = signal.SIGHUP
"""Stands for the end of the workflow; its process has nobody to send it."""
GRACE_S = 8
"""Seconds that a step may go on after SIGTERM, the last word of a batch system."""
WORKFLOW = "DIFNET_WORKFLOW"
"""Environment variable: the process of the workflow that a job is of; none for a command by hand."""


class StopRequest:
    """While it is entered, these signals are only noted; the training asks for them after each step.

    A second Ctrl-C is not: it ends the process at once.

    Args:
        agree: The highest of the numbers that the processes of the training have.
    """

    def __init__(self, agree: Callable[[int], int]) -> None:
        self._agree = agree
        self._number = 0
        self._workflow = int(os.environ.get(WORKFLOW, "0"))

    def reason(self) -> str | None:
        """What asked to stop, any process of the training; all must ask at the same step."""
        if self._workflow and not _is_alive(self._workflow):
            self._number = self._number or GONE
        number = self._agree(self._number)
        if number:
            signal.alarm(0)
        return _words(number) if number else None

    def __enter__(self) -> StopRequest:
        # What a shell starts in the background ignores Ctrl-C, and goes on ignoring it.
        heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        self._former = {number: signal.signal(number, self._note) for number in heard}
        self._former[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._give_up)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.alarm(0)
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._number = number
        if number == signal.SIGTERM:
            signal.alarm(GRACE_S)
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
            say("stops after this step, with a checkpoint; Ctrl-C again stops at once")

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        raise PreemptedError(
            f"SIGTERM, and the step did not end within {GRACE_S} s; the same command continues from the last "
            "checkpoint"
        )


def _words(number: int) -> str:
    """What asked to stop."""
    words = {GONE: "its workflow ended", signal.SIGINT: "Ctrl-C"}
    return words.get(signal.Signals(number)) or signal.Signals(number).name


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
