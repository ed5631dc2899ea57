"""Progress of a training: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import sys
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from difnet.config import RunConfig
from difnet.tables import HistoryRow
from difnet.training.distributed import process_rank

LINES_IN_LOG = 10


class TrainingProgress:
    """Shows step, loss, images/s and the time left on standard error."""

    def __init__(self, config: RunConfig, *, done: int) -> None:
        self.title = f"{config.variant} seed {config.seed}"
        self.steps, self.batch_size = config.train.steps, config.train.batch_size
        self.shown = done
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  {task.fields[speed]:.1f} images/s"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal or process_rank() > 0,
        )
        self.task = self.bar.add_task(
            self.title, total=self.steps, completed=done, loss=float("nan"), speed=0.0
        )

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def update(self, row: HistoryRow) -> None:
        """Show the state after a step."""
        self.bar.update(self.task, completed=row.step, loss=row.loss, speed=row.images_per_s)
        due = row.step * LINES_IN_LOG // self.steps > self.shown * LINES_IN_LOG // self.steps
        if self.bar.disable and due:
            self.shown = row.step
            seconds_left = (self.steps - row.step) * self.batch_size / row.images_per_s
            say(
                f"{self.title}: step {row.step}/{self.steps}, loss {row.loss:.4f}, "
                f"{row.images_per_s:.1f} images/s, {seconds_left:.0f} s left"
            )


def say(line: str) -> None:
    """Write a line to standard error, once; a log that cannot be written any more ends no training."""
    if process_rank() == 0:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)
