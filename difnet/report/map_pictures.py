"""Label maps and photographs as small data URIs."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from difnet.data import VOID
from difnet.metrics.boundary_f import tolerance

RIGHT, NEAR, FAR, UNLABELLED = range(4)
ERROR_COLOURS = ((0, 0, 0, 0), (28, 140, 163, 255), (213, 94, 0, 255), (150, 158, 168, 255))
"""Right (clear), wrong near a boundary, wrong elsewhere, void."""
WALK_COLOUR = (255, 176, 0)
DARKENED = 0.45
"""Brightness left of the image under a walk; `explorer.js` draws with the same two."""


def photograph(image: NDArray[np.uint8], longest: int) -> str:
    """An image (H,W,3), at most `longest` pixels a side."""
    picture = Image.fromarray(image)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    if max(picture.size) <= 160:
        return _uri(picture, "PNG", optimize=True)
    return _uri(picture, "WEBP", quality=82, method=4)


def label_map(labels: NDArray[np.uint8], palette: NDArray[np.uint8], longest: int) -> str:
    """Labels (H,W) in the colours of their classes, void grey."""
    colours = np.full((256, 3), ERROR_COLOURS[UNLABELLED][:3], dtype=np.uint8)
    colours[: len(palette)] = palette
    picture = Image.fromarray(labels)
    picture.putpalette(colours.tobytes())
    return _uri(_shrunk(picture, longest), "PNG", optimize=True)


def error_map(kinds: NDArray[np.uint8], longest: int) -> str:
    """The result of `error_kinds` (H,W) in colour."""
    picture = Image.fromarray(kinds)
    picture.putpalette(bytes(part for colour in ERROR_COLOURS for part in colour[:3]))
    alpha = bytes(colour[3] for colour in ERROR_COLOURS)
    return _uri(_shrunk(picture, longest), "PNG", optimize=True, transparency=alpha)


def grey_map(values: NDArray[np.uint8], longest: int) -> str:
    """Values from 0 to 255 (h,w): black is 0, white is 255."""
    return _uri(_shrunk(Image.fromarray(values), longest), "PNG", optimize=True)


def score_map(
    labels: NDArray[np.uint8], confidence: NDArray[np.uint8], palette: NDArray[np.uint8], longest: int
) -> str:
    """Labels (h,w) in the colours of their classes, the paler the less confident (0 to 255)."""
    strength = confidence[..., None] / 255
    faded = palette[np.minimum(labels, len(palette) - 1)] * strength + 255 * (1 - strength)
    picture = Image.fromarray(np.round(faded).astype(np.uint8))
    return _uri(_shrunk(picture, longest), "PNG", optimize=True)


def walk_map(
    image: NDArray[np.uint8], weights: NDArray[np.uint8], node: tuple[int, int], longest: int
) -> str:
    """Where a walk goes, in orange over the darkened image, with a frame around the node that it starts from.

    Args:
        image: (H, W, 3).
        weights: (h, w), 0 to 255.
        node: Row and column of the start.
        longest: Most pixels a side.
    """
    picture = Image.fromarray(image)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    size = picture.size
    strength = np.asarray(Image.fromarray(weights).resize(size, Image.Resampling.NEAREST))[..., None] / 255
    mixed = np.asarray(picture) * DARKENED * (1 - strength) + np.array(WALK_COLOUR) * strength
    marked = Image.fromarray(np.round(mixed).astype(np.uint8))
    row, column = node
    across, down = size[0] / weights.shape[1], size[1] / weights.shape[0]
    frame = (column * across, row * down, (column + 1) * across - 1, (row + 1) * down - 1)
    ImageDraw.Draw(marked).rectangle(frame, outline=(255, 255, 255))
    return _uri(marked, "PNG", optimize=True)


def error_kinds(prediction: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sort pixels (H,W) into right, wrong near a true boundary, wrong elsewhere, and void."""
    wrong = (prediction != truth) & (truth != VOID)
    near = distance_to_boundary(truth) <= tolerance(*truth.shape)
    kinds = np.where(wrong, np.where(near, NEAR, FAR), RIGHT)
    kinds[truth == VOID] = UNLABELLED
    return kinds.astype(np.uint8)


def distance_to_boundary(truth: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Distance of every pixel (H,W) to the nearest pixel beside one of another class, void aside."""
    edge = np.zeros(truth.shape, dtype=bool)
    for axis in (0, 1):
        first = np.take(truth, range(truth.shape[axis] - 1), axis)
        second = np.take(truth, range(1, truth.shape[axis]), axis)
        change = (first != second) & (first != VOID) & (second != VOID)
        edge |= np.pad(change, [(0, int(axis == 0)), (0, int(axis == 1))])
        edge |= np.pad(change, [(int(axis == 0), 0), (int(axis == 1), 0)])
    if not edge.any():
        return np.full(truth.shape, np.inf)
    return np.asarray(distance_transform_edt(~edge), dtype=np.float64)


def _shrunk(picture: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(picture.size)
    if scale >= 1:
        return picture
    return picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.NEAREST,
    )


def _uri(picture: Image.Image, kind: str, **options: object) -> str:
    stream = io.BytesIO()
    picture.save(stream, format=kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"
