"""How far a long work is: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SHORTEST, LONGEST = 10.0, 600.0
"""Seconds before the first line in a log, and at most between two; every pause is twice the one before."""

Item = TypeVar("Item")


def say(line: str, *, quiet: bool = False) -> None:
    """Write a line to standard error, unless `quiet`; a log that cannot be written any more ends no work."""
    if not quiet:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """`75.2` as `1 min 15 s`, `7800` as `2 h 10 min`; a dash where it is not known."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


class Progress:
    """Shows on standard error how much of a work is done, its speed and the time left."""

    def __init__(
        self, title: str, total: float | None, *, unit: str, done: float = 0, quiet: bool = False
    ) -> None:
        """Begin to measure.

        Args:
            title: What is worked on.
            total: How many units it is in all; None if nobody knows.
            unit: What is counted, in the plural: images, steps, MiB.
            done: Units that an earlier process has done; the speed is that of the others.
            quiet: Show nothing, as for all but the first of several processes.
        """
        self.title, self.total, self.unit, self.quiet = title, total, unit, quiet
        self.start = self.done = done
        self.began = self.said = time.monotonic()
        self.pause = SHORTEST
        self.bar = None if quiet or not sys.stderr.isatty() else _bar(title, total)

    def __enter__(self) -> Progress:
        """Show the bar."""
        if self.bar:
            with suppress(OSError):
                self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the bar as it is."""
        if self.bar:
            with suppress(OSError):
                self.bar.stop()

    def update(self, done: float, detail: str = "") -> None:
        """Show that so many units are done, with a remark about the last one."""
        self.done = done
        now = time.monotonic()
        if self.bar:
            (task,) = self.bar.task_ids
            self.bar.update(task, completed=done, state=self._state(now, detail))
        elif now - self.said >= self.pause:
            self.said, self.pause = now, min(2 * self.pause, LONGEST)
            say(f"{self.title}: {self._state(now, detail)}", quiet=self.quiet)

    def track(self, items: Iterable[Item]) -> Iterator[Item]:
        """Some of the units, each counted as done when the next is asked for."""
        for item in items:
            yield item
            self.update(self.done + 1)

    def _state(self, now: float, detail: str) -> str:
        rate = (self.done - self.start) / max(now - self.began, 1e-3)
        whole = left = ""
        if self.total is not None:
            whole = f" of {self.total:.0f}"
            left = f"{duration((self.total - self.done) / rate)} left" if rate else ""
        parts = (f"{self.done:.0f}{whole} {self.unit}", detail, f"{rate:.1f} {self.unit}/s", left)
        return ", ".join(filter(None, parts))


def _bar(title: str, total: float | None) -> Bar:
    from rich.console import Console  # takes a quarter of a second, and a log needs none
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        console=Console(stderr=True),
    )
    bar.add_task(title, total=total, state="")
    return bar
