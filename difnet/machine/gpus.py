"""GPUs: which of them a process may use, and leases, so that each job gets devices that no other job uses.

Snakemake counts GPUs but does not say which one a job is to take. A leased device is a file that the job
keeps locked; the kernel releases the lock when the process ends, however it ends. The files lie in a folder
of the user, so that jobs of several Snakemake processes and commands by hand respect each other.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import stat
import sys
import tempfile
import time
from pathlib import Path

from difnet.config.errors import InputError
from difnet.machine.signals import WORKFLOW

DEVICES = Path("/dev")
DRIVER = Path("/proc/driver/nvidia/gpus")

LEASED = "DIFNET_LEASED_GPUS"
"""Set in a process that has a lease, and in its children: they share it."""
RETRY_S = 0.2
PATIENCE_S = 1.0
"""Seconds of waiting before a line says so."""


def visible_gpus() -> dict[str, str]:
    """The NVIDIA devices that this process may use, without importing PyTorch.

    Returns:
        UUID of each device by its name in `CUDA_VISIBLE_DEVICES`, in that order. Without the variable these
        are all devices, by number. Where the driver does not tell the UUID, the name stands for it.
    """
    count = len(list(DEVICES.glob("nvidia[0-9]*")))
    if not count:
        return {}
    uuids = _uuids()
    numbered = dict(enumerate(uuids if len(uuids) == count else map(str, range(count))))
    names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, numbered))).split(",")
    found: dict[str, str] = {}
    for name in map(str.strip, names):
        if name.isdigit() and int(name) in numbered:
            found[name] = numbered[int(name)]
        elif name.startswith(("GPU-", "MIG-")):
            found[name] = next((uuid for uuid in uuids if uuid.startswith(name)), name)
        else:
            break  # CUDA ignores a name that is not valid, and all that follow
    return found


def gpu_count() -> int:
    """Number of NVIDIA devices that jobs may use, without importing PyTorch."""
    return len(visible_gpus())


def shell_prefix(*, image: bool = False) -> str:
    """Start of every shell command: stop at an error, find `difnet` beside this Python, name the workflow.

    Args:
        image: Whether commands run in that of a container, which has a `difnet` of its own.
    """
    # Snakemake formats the command, so that a brace in the path must stand twice.
    folder = shlex.quote(str(Path(sys.executable).parent)).replace("{", "{{").replace("}", "}}")
    path = "" if image else f'PATH={folder}:"$PATH" '
    return f"set -euo pipefail; export {path}{WORKFLOW}={os.getpid()}; "


def _uuids() -> list[str]:
    """UUIDs of all devices in the order of their bus addresses, as far as the driver tells them."""
    texts = [path.read_text(errors="replace") for path in sorted(DRIVER.glob("*/information"))]
    return re.findall(r"GPU UUID:\s*(GPU-[0-9a-f-]+)", "\n".join(texts))


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
    began, said = time.monotonic(), False
    while (taken := _take(folder, devices, count)) is None:
        if not said and time.monotonic() - began >= PATIENCE_S:
            line = f"difnet: waiting for {count} of {len(devices)} GPUs that other jobs use"
            print(line, file=sys.stderr, flush=True)
            said = True
        time.sleep(RETRY_S)
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ[LEASED] = ",".join(taken)
    return list(taken.values())


def _folder() -> Path:
    """The folder of the lock files: one a user, and one a Slurm job, whose device numbers are its own.

    Raises:
        InputError: If it cannot be made, or is not the user's alone: its name can be foretold, so another
            user may have put something in its place.
    """
    job = os.environ.get("SLURM_JOB_ID")
    folder = Path(tempfile.gettempdir()) / f"difnet-gpus-{os.getuid()}{f'-slurm-{job}' if job else ''}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise InputError(
                f"{folder}: is not a folder of yours alone; delete it or set TMPDIR to another folder"
            )
    except OSError as error:
        raise _unusable(folder, error) from error
    return folder


def _take(folder: Path, devices: dict[str, str], count: int) -> dict[str, int] | None:
    """Lock `count` of the devices, or none; one process at a time tries.

    Returns:
        The locked file of each, by the device's name; None where too few are free, or another process tries.
    """
    turn = _open(folder / "turn")
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(turn)
        return None
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
    """A lock file, made where it is not there.

    Raises:
        InputError: If something else is in its place, such as a link, or it cannot be written.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be written: {error.strerror}; delete it or set TMPDIR to another folder"
    )
