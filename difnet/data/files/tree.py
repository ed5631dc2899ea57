"""Finding the files of a data set: its folders, what is in them, its lists of names."""

from __future__ import annotations

import errno
import os
import re
import stat
import unicodedata
from pathlib import Path

from difnet.config import InputError, work_folder
from difnet.data.files.problems import FileError, Problems

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
REFUSED_SUFFIXES = (".tif", ".tiff")
"""Found wherever images or labels are looked for; reading them then says what to do."""
LARGEST_LIST = 16 * 2**20
"""Bytes of a list: room for a million names."""
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line ends, and what stands for bytes that are not UTF-8."""


class MissingDataError(InputError):
    """The folder of a data set is not there at all."""


def data_root() -> Path:
    """The folder of the data sets: `$DIFNET_DATA`, else `data/` of the project.

    Raises:
        InputError: If it begins with the `~` of an unknown user.
    """
    root = os.environ.get("DIFNET_DATA")
    try:
        return Path(root).expanduser() if root else work_folder() / "data"
    except RuntimeError as error:
        raise InputError(f"DIFNET_DATA={root}: no such user; set it to a folder") from error


def locate(folder: str, obtain: str = "") -> Path:
    """The folder of a data set: under `$DIFNET_DATA`, then under `data/` of the project.

    Args:
        folder: Its path below either of them.
        obtain: What the user has to do to get it.

    Raises:
        MissingDataError: If it is in neither place.
    """
    place = data_root() / folder
    if is_folder(place):
        return place
    default = work_folder() / "data" / folder
    if is_folder(default):
        return default
    first = place if os.environ.get("DIFNET_DATA") else "$DIFNET_DATA (not set)"
    raise MissingDataError(
        f"{folder} not found at {first} nor at {default}; {obtain or 'put it there'}, or set DIFNET_DATA to "
        f"the folder that holds {folder}"
    )


def is_folder(path: Path) -> bool:
    """Whether there is such a folder that this user may look into; also of a path that is too long."""
    try:
        return path.is_dir()
    except OSError:
        return False


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, stripped, without empty ones, in Unicode's composed form (NFC).

    Raises:
        InputError: If it cannot be read, is too large or is not UTF-8.
    """
    try:
        if _regular(path).stat().st_size > LARGEST_LIST:
            raise InputError(f"{path}: is larger than {LARGEST_LIST // 2**20} MiB; put a list of names there")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; add the file or its permission"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8; write it again as one") from error
    lines = [_composed(line.strip()) for line in text.splitlines() if line.strip()]
    if any(UNPRINTABLE.search(line.replace("\t", " ")) for line in lines):
        raise InputError(f"{path}: holds control characters; write it again as plain text")
    return lines


def list_folder(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files of a folder with one of the suffixes, by name without suffix, sorted; hidden ones left out.

    Names are as in lists, without spaces at either end and in Unicode's composed form (NFC), so that a list
    written elsewhere finds them.

    Raises:
        InputError: If the folder or a file cannot be read, two files have one name, or a name is not text.
    """
    files: dict[str, Path] = {}
    problems = Problems()
    for path in entries(folder):
        if path.suffix.lower() not in (*suffixes, *REFUSED_SUFFIXES):
            continue
        name = _composed(path.stem.strip())
        if name.startswith("."):
            continue
        if name in files:
            problems.add(
                FileError("two files for one name; remove one", f"{files[name].name} and {path.name}")
            )
        if UNPRINTABLE.search(name):
            problems.add(FileError("name with control characters or not in UTF-8; rename it", path.name))
        try:
            files[name] = _regular(path)
        except OSError as error:
            problems.add(FileError("cannot be read; replace or remove it", f"{path.name} ({error.strerror})"))
    problems.raise_if_any(str(folder))
    return files


def entries(folder: Path, *, folders: bool = False) -> list[Path]:
    """What is in a folder, or only the folders in it, sorted.

    Raises:
        InputError: If it cannot be listed.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(Path(entry.path) for entry in found if not folders or entry.is_dir())
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed: {error.strerror}; add the folder or its permission"
        ) from error


def _regular(path: Path) -> Path:
    """The path of a file, found out without opening it: a pipe would wait for ever.

    Raises:
        OSError: If it is none.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a file", str(path))
    return path


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
