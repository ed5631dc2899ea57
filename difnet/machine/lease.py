"""Leases of GPUs: each job on a machine gets devices that no other job uses.

Snakemake counts GPUs but does not say which one a job is to take. A leased device is a file that the job
keeps locked; the kernel releases the lock when the process ends, however it ends. The files lie in a folder
of the user, so that jobs of several Snakemake processes and commands by hand respect each other.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
import time
from pathlib import Path

from difnet.config.errors import InputError
from difnet.machine.gpus import visible_gpus

LEASED = "DIFNET_LEASED_GPUS"
"""Set in a process that has a lease, and in its children: they share it."""
RETRY_S = 0.2


def lease_gpus(count: int | None = None) -> list[int]:
    """Wait for free devices and make them the only ones that this process sees, until it ends.

    Must come before CUDA starts, which reads `CUDA_VISIBLE_DEVICES` once. Does nothing without GPUs, inside
    another lease, and in a process of `torchrun`, where the launcher shares out the devices.

    Args:
        count: Number of devices; None for one where there is any.

    Returns:
        The open files that hold the lease.

    Raises:
        InputError: If fewer devices are visible, or the lock files cannot be written.
    """
    if LEASED in os.environ or "LOCAL_RANK" in os.environ:
        return []
    devices = visible_gpus()
    if count is None:
        count = min(1, len(devices))
    if count > len(devices):
        raise InputError(
            f"{count} GPUs asked for, {len(devices)} visible; ask for fewer or widen CUDA_VISIBLE_DEVICES"
        )
    if not devices:
        return []
    folder = _folder()
    taken = _take(folder, devices, count)
    if taken is None:
        print(
            f"difnet: waiting for {count} of {len(devices)} GPUs that other jobs use",
            file=sys.stderr,
            flush=True,
        )
    while taken is None:
        time.sleep(RETRY_S)
        taken = _take(folder, devices, count)
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ[LEASED] = ",".join(taken)
    return list(taken.values())


def _folder() -> Path:
    """The folder of the lock files: one a user, and one a Slurm job, whose device numbers are its own."""
    job = os.environ.get("SLURM_JOB_ID")
    folder = Path(tempfile.gettempdir()) / f"difnet-gpus-{os.getuid()}{f'-slurm-{job}' if job else ''}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        os.close(_open(folder / "turn"))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written: {error.strerror}; delete it or set TMPDIR to another folder"
        ) from error
    return folder


def _take(folder: Path, devices: dict[str, str], count: int) -> dict[str, int] | None:
    """Lock `count` of the devices, or none; one process at a time tries.

    Returns:
        The locked file of each, by the device's name; None where too few are free.
    """
    turn = _open(folder / "turn")
    fcntl.flock(turn, fcntl.LOCK_EX)
    taken: dict[str, int] = {}
    for name, uuid in devices.items():
        if len(taken) < count:
            file = _open(folder / uuid.replace("/", "-"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                taken[name] = file
            except BlockingIOError:
                os.close(file)
    if len(taken) < count:
        for file in taken.values():
            os.close(file)
    os.close(turn)
    return taken if len(taken) == count else None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
