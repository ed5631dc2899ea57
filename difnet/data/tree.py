"""Finding the files of a data set and pairing images with labels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from difnet.config import InputError, project_root
from difnet.data.dataset import Sample
from difnet.data.decoding import FileSample
from difnet.data.problems import FileError, Problems

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
LABEL_SUFFIXES = (".png",)


def locate(folder: str) -> Path:
    """The folder of a data set: under `$DIFNET_DATA`, then under `data/` of the project.

    Raises:
        InputError: If it is in neither place.
    """
    root = os.environ.get("DIFNET_DATA")
    place = Path(root).expanduser() / folder if root else None
    if place and place.is_dir():
        return place
    default = project_root() / "data" / folder
    if default.is_dir():
        return default
    raise InputError(
        f"{folder} not found at {place or '$DIFNET_DATA (not set)'} nor at {default}; "
        f"put it there, or set DIFNET_DATA to the folder that holds {folder}"
    )


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, stripped, without empty ones.

    Raises:
        InputError: If it cannot be read or is not UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; add the file or its permission"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8; write it again as one") from error
    return [line.strip() for line in lines if line.strip()]


def list_folder(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """The files of a folder with one of the suffixes, by name without suffix, sorted.

    Raises:
        InputError: If the folder cannot be read, or two files have one name.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed: {error.strerror}; add the folder or its permission"
        ) from error
    files: dict[str, Path] = {}
    problems = Problems()
    for path in paths:
        if path.stem in files:
            problems.add(FileError("two files for one name; remove one", path.name))
        files[path.stem] = path
    problems.raise_if_any(str(folder))
    return files


def pair_files(
    source: str,
    *,
    names: Iterable[str],
    images: dict[str, Path],
    labels: dict[str, Path],
    classes: int,
    void: int,
) -> list[Sample]:
    """The samples of the given names.

    Raises:
        InputError: If an image, a label or both are missing, or there are no names; the message starts
            with `source`.
    """
    samples: list[Sample] = []
    problems = Problems()
    for name in names:
        if name in images and name in labels:
            samples.append(FileSample(name, images[name], labels[name], classes=classes, void=void))
        elif name in images:
            problems.add(FileError("image without label; add the label or remove the image", name))
        elif name in labels:
            problems.add(FileError("label without image; add the image or remove the label", name))
        else:
            problems.add(FileError("listed but not there; add image and label or remove the name", name))
    problems.raise_if_any(source)
    if not samples:
        raise InputError(f"{source}: holds no images; add some as {', '.join(IMAGE_SUFFIXES)}")
    return samples
