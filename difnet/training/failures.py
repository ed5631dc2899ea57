"""What stops a training, each on one line: what happened, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors.torch

from difnet.config import InputError, RunConfig, RunError, atomic_path
from difnet.data import VOID, Split
from difnet.data.batches import training_batch
from difnet.machine.memory import ran_out, shortage
from difnet.machine.progress import say
from difnet.training.history import History
from difnet.training.recipe import learning_rate

BAD_BATCH = "not_finite.safetensors"
CONTINUES = "the same command continues from the last checkpoint"
ONE_VALUE = "Expected more than 1 value per channel"
LESS = "lower train.batch_size, train.crop, data.size or model.width"
"""What makes a training take less memory."""


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn the failures that a training may meet into one line each.

    Args:
        out: Run directory.

    Raises:
        InputError: If `train.deterministic` asks for a kernel that does not exist, or a batch is too small
            for batch norm.
        RunError: If memory ran out, or a file cannot be read or written.
    """
    try:
        yield
    except (RuntimeError, ValueError, MemoryError, OSError) as error:
        if isinstance(error, (InputError, RunError)):
            raise
        if ran_out(error):
            raise RunError(f"{out}: {shortage(error)}; {LESS}") from error
        text = str(error)
        if ONE_VALUE in text:
            raise InputError(
                f"{out}: a batch norm sees one value a channel: one image on a grid of one node; raise "
                "train.batch_size or train.crop, or lower train.accumulate"
            ) from error
        if "does not have a deterministic implementation" in text:
            raise InputError(
                f"{out}: {text.split(maxsplit=1)[0]} has no deterministic kernel on this device; set "
                "train.deterministic to false"
            ) from error
        if isinstance(error, OSError):
            reason = error.strerror or text
            where = error.filename or out
            raise RunError(f"{where}: {reason}; once that is mended, {CONTINUES}") from error
        raise


def stop_if_not_finite(history: History, *, step: int, config: RunConfig, split: Split, out: Path) -> None:
    """Look at the losses since the last row.

    Args:
        history: Holds them.
        step: Steps done.
        config: Of the run.
        split: Training images.
        out: Run directory; takes the batch of the first loss that is not finite.

    Raises:
        RunError: If there is one.
    """
    place = history.first_not_finite()
    if place is None:
        return
    loss, bad = history.losses()[place], step - len(history.losses()) + place
    batch = training_batch(split, config, bad)
    tensors = {"images": batch.images, "labels": batch.labels}
    with atomic_path(out / BAD_BATCH) as temporary:
        temporary.write_bytes(safetensors.torch.save(tensors, metadata={"names": ", ".join(batch.names)}))
    raise RunError(
        f"{out}: the loss is {loss} at step {bad + 1} (learning rate {learning_rate(bad, config.train):.3g}, "
        f"images {', '.join(batch.names)}; the batch is kept in {BAD_BATCH}); lower train.learning_rate"
    )


def require_labels(split: Split, name: str) -> None:
    """Refuse a split in which every pixel is void: nothing can be learned from it, or chosen on it.

    Raises:
        InputError: If it is one.
    """
    if all((split.label(place) == VOID).all() for place in range(len(split))):
        raise InputError(f"every pixel of '{name}' is void; check the labels of the data set")


def say_void_batch(history: History, *, step: int, config: RunConfig, split: Split) -> bool:
    """Say which of the losses since the last row, if any, is 0 because its batch is void everywhere.

    Args:
        history: Holds them.
        step: Steps done.
        config: Of the run.
        split: Training images.

    Returns:
        Whether there is one.
    """
    losses = history.losses()
    for place in (place for place, loss in enumerate(losses) if loss == 0):
        number = step - len(losses) + place
        batch = training_batch(split, config, number)
        if bool((batch.truth == VOID).all()):
            say(
                f"{config.variant} seed {config.seed}: every pixel of step {number + 1} is void (images "
                f"{', '.join(batch.names)}): it and others like it train nothing, at loss 0; check the "
                "labels, or raise train.crop"
            )
            return True
    return False
