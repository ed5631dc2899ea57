"""The rows of history.csv for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from difnet.tables import HistoryRow
from difnet.training.distributed import process_rank


@contextmanager
def scalars(out: Path, *, step: int) -> Iterator[Callable[[HistoryRow], None]]:
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

        def write(row: HistoryRow) -> None:
            for name, value in asdict(row).items():
                if name != "step":
                    writer.add_scalar(name, value, row.step)

        yield write
