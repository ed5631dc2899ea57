"""Progress of a training: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINES_IN_LOG = 10


class TrainingProgress:
    """Shows step, loss, images/s and the time left on standard error."""

    def __init__(self, title: str, *, steps: int, done: int) -> None:
        self.steps = steps
        self.title = title
        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}  {task.fields[speed]:.1f} images/s"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(title, total=steps, completed=done, loss=float("nan"), speed=0.0)

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def update(self, step: int, *, loss: float, images_per_s: float, seconds_left: float) -> None:
        """Show the state after a step."""
        self.bar.update(self.task, completed=step, loss=loss, speed=images_per_s)
        decile = step * LINES_IN_LOG // self.steps
        if not self.console.is_terminal and decile > (step - 1) * LINES_IN_LOG // self.steps:
            self.console.print(
                f"{self.title}: step {step}/{self.steps}, loss {loss:.4f}, "
                f"{images_per_s:.1f} images/s, {seconds_left:.0f} s left"
            )
