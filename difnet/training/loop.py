"""The steps of a training, from where its state stands to the last."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from pathlib import Path

from difnet.config import PreemptedError, RunConfig, RunFolder
from difnet.data import PreparedData
from difnet.data.batches import training_batches
from difnet.machine.progress import Progress
from difnet.machine.signals import StopRequest
from difnet.models.weight_file import write_weights
from difnet.training.best_weights import keep_if_best
from difnet.training.checkpoint import check_there, save_checkpoint
from difnet.training.device import memory_format
from difnet.training.distributed import by_first, highest, process_count, process_rank, shared_network
from difnet.training.failures import CONTINUES, say_void_batch, stop_if_not_finite
from difnet.training.history import MOST_ROWS
from difnet.training.loggers import open_loggers
from difnet.training.recipe import learning_rate, training_step
from difnet.training.state import TrainingState


def quarters(steps: int) -> list[int]:
    """The steps after which a quarter, half and three quarters of a training are done.

    None where there are fewer than four steps.
    """
    return [steps * part // 4 for part in (1, 2, 3)] if steps >= 4 else []


def run_steps(
    state: TrainingState, config: RunConfig, prepared: PreparedData, *, identity: str, out: Path
) -> None:
    """Run the steps that are left, with a checkpoint every `train.checkpoint_every` steps and at the end.

    The weights after each quarter of the steps are kept beside those at the end.

    Raises:
        RunError: If the loss is no longer finite.
        PreemptedError: If Ctrl-C, SIGTERM or SIGUSR1 asked to stop, or the workflow that started it is gone;
            the checkpoint is written.
    """
    train = config.train
    split = prepared.split("train")
    device = next(state.network.parameters()).device
    layout = memory_format(train)
    network = shared_network(state.network.to(memory_format=layout).train())
    every = max(1, train.steps // MOST_ROWS)
    clock = Clock(state.step)
    part = process_rank(), process_count()
    title = f"{config.variant} seed {config.seed}"
    kept = quarters(train.steps)
    void_said = False

    def look_at_losses() -> None:
        nonlocal void_said
        stop_if_not_finite(state.history, step=state.step, config=config, split=split, out=out)
        void_said = void_said or say_void_batch(state.history, step=state.step, config=config, split=split)

    def checkpoint(stopped_by: str | None) -> None:
        look_at_losses()
        state.wall_s += clock.lap()
        save_checkpoint(out, identity=identity, steps=train.steps, contents=state.contents())
        state.history.write(out / "history.csv")
        if stopped_by and state.step < train.steps:
            raise PreemptedError(f"{out}: {stopped_by} after step {state.step} of {train.steps}; {CONTINUES}")

    def keep_weights() -> None:
        check_there(out)
        state.along[state.step] = write_weights(state.network, RunFolder(out).weights_file(state.step))

    with (
        StopRequest(highest) as stop,
        open_loggers(config, out, step=state.step) as write_scalars,
        Progress(title, train.steps, unit="steps", done=state.step, quiet=part[0] > 0) as progress,
        closing(training_batches(split, config, state.step, part)) as batches,
    ):
        for step, batch in zip(range(state.step, train.steps), batches, strict=False):
            moved = batch.to(device)
            images, labels = moved.images.to(memory_format=layout), moved.labels
            try:
                state.history.add(
                    training_step(network, state.optimiser, images, labels, step=step, train=train)
                )
            except Exception:
                # What failed may follow from a loss that was not finite, which is then told instead.
                if process_rank() == 0:
                    look_at_losses()
                raise
            state.step = step + 1
            finished = state.step == train.steps
            if state.step % every == 0 or finished:
                by_first(look_at_losses)
                row = state.history.close_row(
                    state.step,
                    learning_rate=learning_rate(step, train),
                    images_per_s=clock.steps_per_s(state.step) * train.batch_size,
                )
                write_scalars(row)
                progress.update(row.step, f"loss {row.loss:.4f}")
            if train.select != "last" and (state.step % train.select_every == 0 or finished):
                keep_if_best(state, config, prepared)
            if state.step in kept:
                by_first(keep_weights)
            stopped_by = stop.reason()
            if state.step % train.checkpoint_every == 0 or finished or stopped_by:
                by_first(partial(checkpoint, stopped_by))


class Clock:
    """Time since the last look, for the speed of a row and for the time of the whole training."""

    def __init__(self, step: int) -> None:
        self._started = self._row_started = time.perf_counter()
        self._row_step = step

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        seconds, self._started = now - self._started, now
        return seconds

    def steps_per_s(self, step: int) -> float:
        """Speed since the last row, with `step` steps done."""
        now = time.perf_counter()
        speed = (step - self._row_step) / (now - self._row_started)
        self._row_started, self._row_step = now, step
        return speed
