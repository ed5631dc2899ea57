"""One generated image of `shapes`: regions whose class only a small marker inside them tells.

H = W = size. Coordinates are in pixels, y down and x right; colours are between 0 and 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from difnet.data.dataset import VOID, Pair, Pixels
from difnet.data.datasets.shapes.markers import PATTERNS, Mask, marker

KINDS = tuple(PATTERNS)
TRIES = 20
"""Random positions tried for each region or stamp before it is left out."""
WAVES = (3, 5, 8, 13)
"""Waves around the outline of a region, coarse to fine: Fibonacci numbers, from 3 without a gap."""

Field = npt.NDArray[np.float64]
Window = tuple[slice, slice]


class Blob(NamedTuple):
    """Form and place of a region; points and directions are complex numbers x + iy."""

    centre: complex
    axis: complex
    """Direction of its length, of modulus 1."""
    long: float
    """Half its length."""
    short: float
    """Half its width."""
    marker: complex
    """Centre of its marker."""


class Canvas:
    """An image in the making: its pixels, its labels, and the markers that nothing may hide."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.rng = rng
        self.size = size
        self.y, self.x = np.mgrid[0:size, 0:size].astype(np.float64)
        self.image: Field = np.zeros((size, size, 3))
        self.label = np.zeros((size, size), dtype=np.uint8)
        self.markers: Mask = np.zeros((size, size), dtype=bool)

    def paint(self, cover: Field, colour: Field) -> None:
        """Blend a colour, (3,) or (H, W, 3), over the image."""
        self.image += cover[..., None] * (colour - self.image)

    def stamp(self, kind: str, window: Window) -> None:
        """Draw a marker, dark on light ground and light on dark."""
        pattern = marker(kind, window[0].stop - window[0].start)
        bright = self.image[window].mean() > 0.5
        ink = self.rng.uniform(0.0, 0.2, 3) if bright else self.rng.uniform(0.8, 1.0, 3)
        self.image[window][pattern] = ink
        self.markers[window] = True


def draw(
    rng: np.random.Generator,
    *,
    size: int,
    regions: int,
    marker_size: int,
    detail: float,
    clutter: int,
    noise: float,
    lighting: float,
) -> Pair:
    """One image and its label; the arguments are those of the data set `shapes`.

    Returns:
        Image (H, W, 3) and label (H, W): 0 for background, 1 + the number of the marker, 255 for void.
    """
    canvas = Canvas(rng, size)
    colours = distinct_colours(rng, 1 + regions)
    canvas.paint(np.ones((size, size)), mottled(canvas, colours[0]))
    for colour in colours[1:]:
        _add_region(canvas, colour, marker_size=marker_size, detail=detail)
    for _ in range(clutter):
        _add_loose_marker(canvas, marker_size)
        add_scratch(canvas)
        add_blot(canvas)
    return Pair(image=photograph(canvas, noise=noise, lighting=lighting), label=canvas.label)


def distinct_colours(rng: np.random.Generator, count: int) -> Field:
    """(count, 3) random colours, each the one of ten that is farthest from those before it."""
    colours = rng.uniform(0.1, 0.9, (1, 3))
    for _ in range(count - 1):
        candidates = rng.uniform(0.1, 0.9, (10, 3))
        distance = np.linalg.norm(candidates[:, None] - colours, axis=2).min(axis=1)
        colours = np.vstack([colours, candidates[distance.argmax()]])
    return colours


def mottled(canvas: Canvas, colour: Field) -> Field:
    """(H, W, 3) the colour with slow waves of brightness, of the same kind in regions and background."""
    waves = np.zeros((canvas.size, canvas.size))
    pixels = np.arange(canvas.size)
    for _ in range(3):
        ky, kx = canvas.rng.uniform(-0.35, 0.35, 2)
        phase = canvas.rng.uniform(0, 2 * np.pi)
        waves += np.outer(np.exp(1j * ky * pixels), np.exp(1j * (kx * pixels + phase))).real
    return colour + 0.03 * waves[..., None]


def _add_region(canvas: Canvas, colour: Field, *, marker_size: int, detail: float) -> None:
    """Add a region of a random class where it hides no marker and little of other regions."""
    for _ in range(TRIES):
        blob = _random_blob(canvas.rng, canvas.size)
        window = _window(blob.marker, marker_size, canvas.size)
        middle = _window(blob.centre, marker_size, canvas.size)
        if canvas.label[window].any() or canvas.label[middle].any():
            continue
        cover = _cover(canvas, blob, detail)
        inside = cover > 0.5
        hidden = (inside & (canvas.label > 0)).sum() / inside.sum()
        if inside[window].all() and hidden < 0.1 and not (inside & canvas.markers).any():
            kind = int(canvas.rng.integers(len(KINDS)))
            canvas.paint(cover, mottled(canvas, colour))
            canvas.label[inside] = 1 + kind
            canvas.stamp(KINDS[kind], window)
            return


def _random_blob(rng: np.random.Generator, size: int) -> Blob:
    """A stretched blob, turned any way, with a marker towards one of its two ends."""
    centre = complex(*(rng.uniform(0.1, 0.9, 2) * size))
    long = rng.uniform(0.3, 0.45) * size
    axis = np.exp(1j * rng.uniform(0, 2 * np.pi))
    return Blob(
        centre=centre,
        axis=axis,
        long=long,
        short=rng.uniform(0.4, 0.65) * long,
        marker=centre + rng.uniform(0.3, 0.7) * long * axis,
    )


def _window(centre: complex, side: int, size: int) -> Window:
    """The square of pixels around a point, moved into the image where it leaves it."""
    left, top = (min(max(round(x - side / 2), 0), size - side) for x in (centre.real, centre.imag))
    return slice(top, top + side), slice(left, left + side)


def _cover(canvas: Canvas, blob: Blob, detail: float) -> Field:
    """(H, W) share of each pixel that a blob covers: 1 inside, between 0 and 1 across its wavy outline."""
    place = (canvas.x + 1j * canvas.y - blob.centre) / blob.axis
    place = place.real / blob.long + 1j * (place.imag / blob.short)
    radius = abs(place)
    direction = place / np.maximum(radius, 1e-9)
    previous, wave = direction, direction * direction
    outline = np.ones_like(radius)
    for frequency in WAVES:
        previous, wave = wave, previous * wave
        phase = np.exp(2j * np.pi * canvas.rng.random())
        swing = detail * canvas.rng.uniform(0.5, 1.5) / np.sqrt(frequency)
        outline += swing * (wave * phase).real
    cover: Field = np.clip(0.5 + (outline - radius) * np.sqrt(blob.long * blob.short), 0, 1)
    return cover


def _add_loose_marker(canvas: Canvas, marker_size: int) -> None:
    """Add a marker on the background, where it decides nothing."""
    for _ in range(TRIES):
        window = _window(complex(*canvas.rng.uniform(0, canvas.size, 2)), marker_size, canvas.size)
        around = tuple(slice(max(part.start - 2, 0), part.stop + 2) for part in window)
        if not canvas.label[around].any() and not canvas.markers[around].any():
            canvas.stamp(str(canvas.rng.choice(KINDS)), window)
            return


def add_scratch(canvas: Canvas) -> None:
    """Add a thin straight line across everything but markers; labels stay."""
    rng = canvas.rng
    turn, colour = rng.uniform(0, np.pi), rng.uniform(0, 1, 3)
    y, x = rng.uniform(0, canvas.size, 2)
    distance = abs(np.cos(turn) * (canvas.y - y) - np.sin(turn) * (canvas.x - x))
    canvas.paint(np.clip(1 - distance, 0, 1) * ~canvas.markers, colour)


def add_blot(canvas: Canvas) -> None:
    """Add a small grey disc that hides what is below, which is therefore void."""
    rng = canvas.rng
    y, x = rng.uniform(0, canvas.size, 2)
    cover = np.clip(rng.uniform(1.5, 3.0) + 0.5 - np.hypot(canvas.y - y, canvas.x - x), 0, 1)
    if not ((cover > 0) & canvas.markers).any():
        canvas.paint(cover, np.full(3, 0.5))
        canvas.label[cover > 0.5] = VOID


def photograph(canvas: Canvas, *, noise: float, lighting: float) -> Pixels:
    """(H, W, 3) the image under light that falls off in one direction, with noise."""
    turn = canvas.rng.uniform(0, 2 * np.pi)
    ramp = (np.sin(turn) * canvas.y + np.cos(turn) * canvas.x) / (canvas.size - 1)
    light = 1 + lighting * (ramp - ramp.mean())
    image = canvas.image * light[..., None] + noise * canvas.rng.standard_normal(canvas.image.shape)
    photograph: Pixels = np.clip(np.rint(255 * image), 0, 255).astype(np.uint8)
    return photograph
