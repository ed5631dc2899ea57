"""The rows of history.csv for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from difnet.training.distributed import process_rank
from difnet.training.history import Row


@contextmanager
def scalars(out: Path, *, step: int) -> Iterator[Callable[[Row], None]]:
    """A function that writes a row to `out/tensorboard`; without TensorBoard it does nothing.

    Args:
        out: Run directory.
        step: Steps done; what an interrupted sitting wrote after them is dropped.
    """
    if process_rank() > 0 or find_spec("tensorboard") is None:
        yield lambda row: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(out / "tensorboard"), purge_step=step + 1) as writer:

        def write(row: Row) -> None:
            for name, value in zip(row._fields[1:], row[1:], strict=True):
                writer.add_scalar(name, value, row.step)

        yield write
