"""Obtaining a data set: the published archives whose folders are missing are downloaded and unpacked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from difnet.config import InputError, RunError
from difnet.config.files import not_written
from difnet.data.dataset import Archive, Dataset
from difnet.data.download.fetch import checksum_problem, fetch
from difnet.data.download.unpack import unpack
from difnet.data.files.tree import data_root, locate
from difnet.machine.locking import locked
from difnet.machine.progress import say


def obtain(dataset: Dataset) -> None:
    """Put the folders of a data set that are missing where it looks for them.

    They come from the archive in `$DIFNET_DATA` (else `data/` of the project) where the user has put it
    there, else from a download. An interrupted call leaves what has been downloaded in `.downloads/` for the
    next, and no folder that is not whole. Of several processes one works, the others wait and say so.
    Without a missing folder nothing is read, written or connected to.

    Raises:
        InputError: If the user's archive is not the published one, or the disk is full or not writable.
        RunError: If a server does not deliver what is published.
    """
    root = data_root()
    for archive in dataset.archives():
        work = root / ".downloads" / archive.file
        try:
            if _is_there(archive) and not work.exists():
                continue
            work.parent.mkdir(parents=True, exist_ok=True)
            with locked(work.with_name(f"{archive.file}.lock"), f"obtains {archive.file}"):
                if not _is_there(archive):
                    _check_way(root / archive.folder)
                    _obtain(archive, root, work)
                shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise not_written(root, error, "set DIFNET_DATA to another folder") from error
        except RunError as error:
            raise RunError(f"{error}, or put {archive.file} into {root}") from error


def _is_there(archive: Archive) -> bool:
    try:
        locate(archive.folder)
    except InputError:
        return False
    return True


def _obtain(archive: Archive, root: Path, work: Path) -> None:
    """Download the archive where the user has not, unpack it in `work`, and move its folder into `root`."""
    work.mkdir(exist_ok=True)
    path = root / archive.file
    if not path.exists():
        path = work / archive.file
        if not path.exists():
            fetch(archive, path)
    elif problem := checksum_problem(archive, path):
        raise InputError(f"{path}: {problem}; put a sound copy there, or remove it to download one")
    say(f"{archive.file}: unpacking into {root / archive.folder}")
    unpacked = _beside(root / archive.folder, work)
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        unpack(path, unpacked)
        if not (unpacked / archive.folder).is_dir():
            raise InputError(f"{path}: holds no folder {archive.folder}; get the archive of {archive.url}")
        os.sync()
        (root / archive.folder).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / archive.folder).rename(root / archive.folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _check_way(folder: Path) -> None:
    """Refuse a file or a link that leads nowhere where the folder, or one above it, shall be."""
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if nearest == folder or not nearest.is_dir():
        raise InputError(f"{nearest}: is no folder, and in the way of {folder}; remove it and run again")


def _beside(folder: Path, work: Path) -> Path:
    """Where to unpack: in `work`, but on the disk of `folder` if a link leads to another."""
    above = next(path for path in folder.parents if path.is_dir()).resolve()
    if above.stat().st_dev == work.stat().st_dev:
        return work / "unpacked"
    return above / f".{work.name}.unpacked"
