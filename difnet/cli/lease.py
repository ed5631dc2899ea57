"""The command `lease`: any command with GPUs of its own."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from difnet.config import InputError
from difnet.machine.gpus import lease_gpus


def lease(
    command: Annotated[list[str], typer.Argument(help="The command with its arguments.")],
    gpus: Annotated[
        int | None, typer.Option(min=0, help="Number of GPUs [default: 1 where there is any].")
    ] = None,
) -> None:
    """Run a command that sees GPUs which no other job uses: several of them, or for a program of your own.

    train leases a GPU for each of its processes by itself; evaluate, time, gallery and predict lease one.

    Example: difnet lease --gpus 2 torchrun --nproc-per-node 2 -m difnet train --benchmark camvid ...
    """
    for file in lease_gpus(gpus):
        os.set_inheritable(file, True)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be run: {error.strerror}") from error
