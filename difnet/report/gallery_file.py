"""The contents of `gallery.npz`: chosen images, and what every variant makes of them."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difnet.config import BenchmarkPlan, InputError
from difnet.tables import unsealed

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
    """One variant of the gallery, with one seed."""

    number: int
    """Its place in the names of the maps."""
    name: str
    seed: int
    levels: tuple[str, ...]


@dataclass(frozen=True)
class GalleryFile:
    """The contents of one `gallery.npz`; maps are found by name and places."""

    reference: str
    comparison: str
    """Name of the variant that decided which images are best, median and worst; empty where there is none."""
    images: tuple[Chosen, ...]
    variants: tuple[Shown, ...]
    """The typical seed of each, the reference first; then other seeds of some."""
    arrays: dict[str, Array]

    def get(self, part: str, *places: int) -> Array | None:
        """A map such as `prediction` of variant 2 and image 0; None where there is none."""
        return self.arrays.get("/".join([part, *map(str, places)]))


def read_gallery(path: Path, plan: BenchmarkPlan, problems: list[str]) -> GalleryFile | None:
    """The gallery of a benchmark with its planned runs alone.

    Args:
        path: The `gallery.npz`.
        plan: Plan of the benchmark.
        problems: Takes a remark if the gallery cannot be had; it is then None.
    """
    if not path.is_file():
        problems.append(f"{path} does not exist")
        return None
    try:
        content = unsealed(path, made_by="difnet gallery")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        index = json.loads(str(arrays.pop("index")))
        variants = [
            Shown(number, str(item["name"]), int(item["seed"]), tuple(map(str, item["levels"])))
            for number, item in enumerate(index["variants"])
        ]
        names = [variant.name for variant in plan.variants]
        typical = {item.name: item.seed for item in reversed(variants)}
        gallery = GalleryFile(
            reference=str(index["reference"]),
            comparison=str(index["comparison"] or ""),
            images=tuple(_chosen(item) for item in index["images"]),
            # Without its typical seed a variant is not shown: another one would be taken for it.
            variants=tuple(
                item
                for item in variants
                if item.name in names and {item.seed, typical[item.name]} <= set(plan.seeds)
            ),
            arrays=arrays,
        )
    except InputError as error:
        problems.append(str(error))
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        problems.append(f"{path} cannot be read: {error}")
        return None
    if not gallery.variants or gallery.variants[0].name != plan.reference:
        problems.append(f"{path} does not begin with a planned run of the reference {plan.reference}")
        return None
    if damage := _damage(gallery):
        problems.append(f"{path} is damaged: {damage}")
        return None
    return gallery


def _chosen(item: dict[str, Any]) -> Chosen:
    difference = item["difference"]
    return Chosen(
        name=str(item["name"]),
        reasons=tuple(map(str, item["reasons"])),
        difference=float("nan") if difference is None else float(difference),
    )


def _damage(gallery: GalleryFile) -> str:
    """What does not fit together, if anything."""
    for place in range(len(gallery.images)):
        image, truth = gallery.get("image", place), gallery.get("truth", place)
        if image is None or truth is None or image.shape != (*truth.shape, 3):
            return f"image {place} and its truth do not fit"
        for variant in gallery.variants:
            prediction = gallery.get("prediction", variant.number, place)
            if prediction is not None and prediction.shape != truth.shape:
                return f"prediction {variant.number} of image {place} has another size"
    return ""
