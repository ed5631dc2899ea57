"""Validation images with the truth, and every variant's prediction and errors."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difnet.report import images
from difnet.report.load import Results, Run
from difnet.report.section import Section

BUDGET_BYTES = 8_000_000
SIDES = (384, 256, 192, 128, 96, 64)


@dataclass(frozen=True)
class Tile:
    """One variant's answer to one image."""

    title: str
    prediction: str
    errors: str
    importance: str
    wrong: float
    """Share of the labelled pixels that are wrong."""
    near: float
    """Share of the wrong pixels that lie near a true boundary."""


@dataclass(frozen=True)
class Example:
    """One image with the answers of all variants."""

    name: str
    image: str
    truth: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Gallery:
    """The contents of one `gallery.npz`, by image name."""

    run: Run
    image: dict[str, NDArray[np.uint8]]
    truth: dict[str, NDArray[np.uint8]]
    prediction: dict[str, NDArray[np.uint8]]
    importance: dict[str, NDArray[np.floating]]


def build(results: Results) -> Section:
    """All images that the runs kept, as large as the budget of the page allows."""
    galleries = {variant.title: _first_gallery(variant.runs) for variant in results.variants}
    known = {title: gallery for title, gallery in galleries.items() if gallery}
    examples: list[Example] = []
    side = SIDES[0]
    for side in SIDES:
        examples = _examples(results, known, side)
        if sum(_weight(example) for example in examples) <= BUDGET_BYTES:
            break
    return Section(
        key="gallery",
        title="Gallery",
        content={
            "examples": examples,
            "absent": [title for title, gallery in galleries.items() if not gallery],
            "seeds": sorted({gallery.run.seed for gallery in known.values()}),
            "tolerances": sorted(
                {images.boundary_tolerance(truth) for g in known.values() for truth in g.truth.values()}
            ),
            "legend": list(zip(results.classes, results.data.get("palette", []), strict=False)),
            "large": max((max(truth.shape) for g in known.values() for truth in g.truth.values()), default=0)
            > 160,
        },
    )


def _examples(results: Results, galleries: dict[str, Gallery], side: int) -> list[Example]:
    palette = np.array(results.data.get("palette") or np.zeros((0, 3)), dtype=np.uint8).reshape(-1, 3)
    names: list[str] = []
    for gallery in galleries.values():
        names += [name for name in gallery.image if name not in names]
    examples = []
    for name in names:
        owners = {title: gallery for title, gallery in galleries.items() if name in gallery.image}
        first = next(iter(owners.values()))
        examples.append(
            Example(
                name=name,
                image=images.photograph(first.image[name], side),
                truth=images.label_map(first.truth[name], palette, side),
                tiles=tuple(_tile(title, gallery, name, palette, side) for title, gallery in owners.items()),
            )
        )
    return examples


def _tile(title: str, gallery: Gallery, name: str, palette: NDArray[np.uint8], side: int) -> Tile:
    prediction, truth = gallery.prediction[name], gallery.truth[name]
    kinds = images.error_kinds(prediction, truth)
    near, far = (kinds == images.NEAR).sum(), (kinds == images.FAR).sum()
    return Tile(
        title=title,
        prediction=images.label_map(prediction, palette, side),
        errors=images.error_map(kinds, side),
        importance=images.grey_map(gallery.importance[name], side) if name in gallery.importance else "",
        wrong=float((near + far) / max(1, (truth != images.VOID).sum())),
        near=float(near / max(1, near + far)),
    )


def _weight(example: Example) -> int:
    tiles = sum(len(tile.prediction) + len(tile.errors) + len(tile.importance) for tile in example.tiles)
    return len(example.image) + len(example.truth) + tiles


def _first_gallery(runs: tuple[Run, ...]) -> Gallery | None:
    """The gallery of the lowest seed that has a readable one."""
    for run in runs:
        path = run.folder / "gallery.npz"
        if not path.is_file():
            continue
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
            names = [str(name) for name in arrays["names"]]
            parts = {
                key: dict(zip(names, arrays.get(key, ()), strict=False))
                for key in ("image", "truth", "prediction", "importance")
            }
            complete = all(len(parts[key]) == len(names) for key in ("image", "truth", "prediction"))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            continue
        if complete:
            return Gallery(run=run, **parts)
    return None
