"""Where a prepared data set may go: nowhere that holds anything else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from difnet.config import InputError
from difnet.data.prepare.sources import SOURCES
from difnet.data.store import INDEX, LOCK, PARTIAL, PIXEL_FOLDER, read_index
from difnet.tables.table import seal_of

FILES = (INDEX, seal_of(Path(INDEX)).name, LOCK, PARTIAL, SOURCES)
"""Names of what a store consists of, beside its pixels."""
PIXELS = re.compile(r".+\.(images|labels)\.bin")
NOBODYS = re.compile(
    r"\.DS_Store|\.directory|\.fseventsd|\.nfs.*|\.snapshots?|\.Spotlight-V100|\.Trash.*|lost\+found"
)
"""Names of what file managers and disks put anywhere; a home may hold other hidden files alone."""


def check_destination(directory: Path, sources: Iterable[Path]) -> None:
    """Refuse a folder whose files preparing would remove or mingle with its own; nothing is touched.

    A new or empty folder is right, a store, and what is left of one: its lock or its pixels without foreign
    files, or both beside some.

    Args:
        directory: Where the store shall go.
        sources: The files that the data set is read from.

    Raises:
        InputError: If it holds other files, or lies in a folder of the sources.
        OSError: If it cannot be listed.
    """
    place = Path(os.path.realpath(directory))
    for folder in {path.parent for path in sources}:
        if place.is_relative_to(os.path.realpath(folder)):
            raise InputError(
                f"{directory}: lies in {folder}, which the data set is read from; choose another folder"
            )
    paths = sorted(directory.iterdir()) if directory.exists() else []
    pixels = [path.name for path in paths if _holds_pixels(path)]
    ours = [path.name for path in paths if path.name in (*FILES, *pixels)]
    foreign = [path.name for path in paths if path.name not in ours and not NOBODYS.fullmatch(path.name)]
    lock = LOCK in ours
    left = (lock and pixels) or (not foreign and (lock or pixels or not ours))
    if not left and not _is_store(directory):
        raise InputError(
            f"{directory}: holds {(foreign or ours)[0]!r} and no prepared data; choose a new or empty folder"
        )


def _holds_pixels(path: Path) -> bool:
    named = re.fullmatch(PIXEL_FOLDER, path.name) and path.is_dir()
    return bool(named) and all(PIXELS.fullmatch(file.name) for file in path.iterdir())


def _is_store(directory: Path) -> bool:
    try:
        read_index(directory)
    except InputError:
        return False
    return True
