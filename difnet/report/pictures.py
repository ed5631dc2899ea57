"""The contents of `gallery.npz`: chosen images, and what every variant makes of them."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Chosen:
    """One image and why it was chosen."""

    name: str
    reasons: tuple[str, ...]
    """fixed, best, median, worst."""
    difference: float
    """Per-image mIoU of the reference minus that of the comparison; nan where there is none."""


@dataclass(frozen=True)
class Shown:
    """One variant of the gallery."""

    name: str
    seed: int
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """The contents of one `gallery.npz`; maps are found by name and places."""

    reference: str
    comparison: str
    """Name of the variant that decided which images are best, median and worst; empty where there is none."""
    images: tuple[Chosen, ...]
    variants: tuple[Shown, ...]
    """The reference first."""
    arrays: dict[str, Array]

    def get(self, part: str, *places: int) -> Array | None:
        """A map such as `prediction` of variant 2 and image 0; None where there is none."""
        return self.arrays.get("/".join([part, *map(str, places)]))


def read_pictures(path: Path, problems: list[str]) -> Pictures | None:
    """The gallery of a benchmark; None, and a remark in `problems`, if it cannot be had."""
    label = f"{path.parent.name}/{path.name}"
    if not path.is_file():
        problems.append(f"{label} is missing")
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        index = json.loads(str(arrays.pop("index")))
        pictures = Pictures(
            reference=str(index["reference"]),
            comparison=str(index["comparison"] or ""),
            images=tuple(_chosen(item) for item in index["images"]),
            variants=tuple(
                Shown(str(item["name"]), int(item["seed"]), tuple(map(str, item["levels"])))
                for item in index["variants"]
            ),
            arrays=arrays,
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        problems.append(f"{label} cannot be read: {error}")
        return None
    if damage := _damage(pictures):
        problems.append(f"{label} is damaged: {damage}")
        return None
    return pictures


def _chosen(item: dict[str, Any]) -> Chosen:
    difference = item["difference"]
    return Chosen(
        name=str(item["name"]),
        reasons=tuple(map(str, item["reasons"])),
        difference=float("nan") if difference is None else float(difference),
    )


def _damage(pictures: Pictures) -> str:
    """What does not fit together, if anything."""
    for place in range(len(pictures.images)):
        image, truth = pictures.get("image", place), pictures.get("truth", place)
        if image is None or truth is None or image.shape != (*truth.shape, 3):
            return f"image {place} and its truth do not fit"
        for number in range(len(pictures.variants)):
            prediction = pictures.get("prediction", number, place)
            if prediction is not None and prediction.shape != truth.shape:
                return f"prediction {number} of image {place} has another size"
    return ""
