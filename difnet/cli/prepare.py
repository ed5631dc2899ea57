"""The command `prepare`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from difnet.cli.options import DataFolder
from difnet.config import DataConfig, Project

if TYPE_CHECKING:
    from difnet.data import SplitIndex


def prepare(
    name: Annotated[str, typer.Argument(help="A benchmark, or a data set.")],
    root: Annotated[
        str | None, typer.Option("--root", help="Folder of a user's own images and labels.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download and unpack what is published and not there yet.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Check and decode a data set.

    Example: difnet prepare shapes
    Example: difnet prepare voc2012 --download
    Example: difnet prepare folder --root ~/my-images
    """
    from difnet.data import open_dataset
    from difnet.data import prepare as prepare_data
    from difnet.data.download.obtain import obtain

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)
    config = _config(name, root)
    if download:
        obtain(open_dataset(config))
    index = prepare_data(config, data or Project().results / name / "data", verify=True)
    counts = ", ".join(f"{len(split.names)} {part}{_groups(split)}" for part, split in index.splits.items())
    typer.echo(f"{index.title}: {counts}; {len(index.classes)} classes; content {index.sha256[:16]}")


def _groups(split: SplitIndex) -> str:
    """How many shots or scenes there are, where images of one depend on each other."""
    count = len(set(split.groups) - {""})
    return f" ({count} group{'s' * (count > 1)})" if count else ""


def _stop(number: int, _: object) -> None:
    """End the process, but let it clear away what is half-written."""
    os.write(2, f"difnet: stopped by {signal.Signals(number).name}\n".encode())
    sys.exit(128 + number)


def _config(name: str, root: str | None) -> DataConfig:
    """The data of the benchmark of this name, else the data set of this name with its default options."""
    from difnet.data import dataset_names

    if root is not None:
        return DataConfig(name=name, options={"root": root})
    project = Project()
    if name in dataset_names() and name not in project.benchmark_names:
        return DataConfig(name=name)
    return project.benchmark(name).data
