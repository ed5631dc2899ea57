"""The similarity explorer: where the random walk from a pixel goes, level by level, and what it collects."""

from __future__ import annotations

import base64
import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difnet.report import map_pictures
from difnet.report.gallery_file import GalleryFile
from difnet.report.load import Results
from difnet.report.section import Section

SHARE_OF_BUDGET = 0.35
SIDE = 320
WHOLE = "whole diffusion"
"""Name of the last panel: all levels at once, with restart and skip."""


@dataclass(frozen=True)
class Panel:
    """The walk of one level from the node that is chosen at first."""

    name: str
    uri: str
    words: str

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.name if self.name == WHOLE else f"level {self.name}"


@dataclass(frozen=True)
class Board:
    """One image to explore."""

    name: str
    photo: str
    width: int
    height: int
    grid: tuple[int, int]
    start: int
    """The node chosen at first: the middle of the image."""
    place: str
    """In words."""
    panels: tuple[Panel, ...]
    data: str
    """What the script reads, as JSON."""


def build(results: Results) -> Section:
    """The boards of the fixed images of the reference, as many as the budget of the page allows."""
    gallery = results.gallery
    boards: list[Board] = []
    room = SHARE_OF_BUDGET * results.budget
    for place in range(len(gallery.images) if gallery else 0):
        board = _board(results, gallery, place) if gallery else None
        if board is None:
            continue
        room -= len(board.data) + len(board.photo) + sum(len(panel.uri) for panel in board.panels)
        if boards and room < 0:
            break
        boards.append(board)
    return Section(
        key="explorer",
        title="Walks",
        content={
            "boards": boards,
            "variant": results.title_of(results.reference),
            "seed": gallery.variants[0].seed if gallery else None,
        },
    )


def _board(results: Results, gallery: GalleryFile, place: int) -> Board | None:
    """The board of one image; None where its walks are not known."""
    parts = ("rows", "peak", "mass", "same", "classes", "grid")
    found = {part: gallery.get(part, place) for part in parts}
    arrays = {part: array for part, array in found.items() if array is not None}
    names = [*gallery.variants[0].levels, WHOLE]
    if len(arrays) < len(parts) or not _fit(arrays, len(names)):
        return None
    grid = (int(arrays["grid"][0]), int(arrays["grid"][1]))
    start = grid[0] // 2 * grid[1] + grid[1] // 2
    image = gallery.arrays[f"image/{place}"]
    known = results.data.classes
    classes = [known[label] if label < len(known) else "" for label in arrays["classes"]]
    panels = [
        Panel(
            name=name,
            uri=map_pictures.walk_map(
                image, arrays["rows"][level, start].reshape(grid), divmod(start, grid[1]), SIDE
            ),
            words=_words(arrays, level, start, classes[start]),
        )
        for level, name in enumerate(names)
    ]
    shrink = min(1.0, SIDE / max(image.shape[:2]))
    return Board(
        name=gallery.images[place].name,
        photo=map_pictures.photograph(image, SIDE),
        width=round(image.shape[1] * shrink),
        height=round(image.shape[0] * shrink),
        grid=grid,
        start=start,
        place=f"Row {start // grid[1] + 1} of {grid[0]}, column {start % grid[1] + 1} of {grid[1]}"
        f" ({classes[start] or 'void'})",
        panels=tuple(panels),
        data=json.dumps(
            {
                "grid": grid,
                "start": start,
                "names": names,
                "classes": classes,
                "rows": _packed(arrays["rows"]),
                **{part: _rounded(arrays[part]) for part in ("peak", "mass", "same")},
            },
            separators=(",", ":"),
        ),
    )


def _fit(arrays: dict[str, NDArray[Any]], levels: int) -> bool:
    """Whether all arrays have the shapes that belong together."""
    if arrays["grid"].shape != (2,):
        return False
    nodes = int(arrays["grid"].prod())
    return (
        arrays["rows"].shape == (levels, nodes, nodes)
        and all(arrays[part].shape == (levels, nodes) for part in ("peak", "mass", "same"))
        and arrays["classes"].shape == (nodes,)
    )


def _words(arrays: dict[str, NDArray[Any]], level: int, node: int, class_name: str) -> str:
    """What the walk collects; `explorer.js` writes the same sentence for every other node."""
    mass, same, peak = (float(arrays[part][level, node]) for part in ("mass", "same", "peak"))
    parts = [
        *([f"seed mass {mass:.2f}"] if math.isfinite(mass) else []),
        *([f"{same:.0%} ends on {class_name}"] if math.isfinite(same) else []),
        f"likeliest node {peak:.1%}",
    ]
    return ", ".join(parts)


def _packed(array: NDArray[np.uint8]) -> str:
    """Bytes, deflated, in base64."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(array.tobytes()) + packer.flush()).decode()


def _rounded(array: NDArray[np.floating]) -> list[list[float | None]]:
    """Numbers with four digits after the point; null for nan."""
    return [[round(value, 4) if math.isfinite(value) else None for value in row] for row in array.tolist()]
