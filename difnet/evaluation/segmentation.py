"""What a trained network says of one image.

H W image size, h w grid of nodes, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor, nn
from torch.nn.functional import interpolate

from difnet.config import InputError, atomic_path
from difnet.data.dataset import Colour, Pixels
from difnet.evaluation.evaluate_run import label_maps
from difnet.evaluation.forward_pass import ForwardPass
from difnet.evaluation.similarity import similarity_rows
from difnet.models import Prediction
from difnet.models.rule_protocol import is_linear

OVERLAY = 0.5
"""Share of the class colours in the overlay."""
SIGNATURE = ("Software", "difnet predict")
"""Text in every picture, by which it may be replaced."""
SHOWN = 3
"""Classes that a short description names."""


@dataclass(frozen=True, repr=False, eq=False)
class Segmentation:
    """The classes of one image, and what led to them.

    Attributes:
        image: (H, W, 3), as it was given.
        classes: Display colour of every class by name, in the order of their indices.
        levels: Names of the levels that the diffusion walks along; empty where nothing is diffused.
        diffusion: The network's rule; None where nothing is diffused.
        record: The forward pass.
    """

    image: Pixels
    classes: dict[str, Colour]
    levels: tuple[str, ...]
    diffusion: nn.Module | None
    record: ForwardPass

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """Index of the class of every pixel, (H, W)."""
        found: NDArray[np.uint8] = label_maps(self._logits, self.size)[0]
        return found

    @property
    def size(self) -> tuple[int, int]:
        """Height and width H, W of the image in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width h, w of the node grid."""
        return self._logits.shape[2], self._logits.shape[3]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Softmax of the logits at every pixel, (C, H, W); they sum to 1 over the classes."""
        logits = interpolate(self._logits.float(), size=self.size, mode="bilinear", align_corners=False)
        found: NDArray[np.float32] = logits[0].softmax(dim=0).cpu().numpy()
        return found

    @property
    def seeds(self) -> NDArray[np.float32] | None:
        """Seeds that were diffused, (C, h, w); None where nothing is diffused."""
        return _at_nodes(self.prediction.seeds)

    @property
    def importance(self) -> NDArray[np.float32] | None:
        """Importance of every node from 0 to 1, (h, w); None where the network has no importance map."""
        found = _at_nodes(self.prediction.importance)
        return None if found is None else found[0]

    @property
    def has_walks(self) -> bool:
        """Whether its diffusion has transition matrices to show."""
        return self.diffusion is not None and is_linear(self.diffusion)

    def walks(self, row: int, column: int) -> dict[str, NDArray[np.float32]]:
        """What the node of a pixel takes from every other node: rows of the transition matrices.

        Args:
            row: Of the pixel, from 0 at the top.
            column: Of the pixel, from 0 at the left.

        Returns:
            (h, w) by level, each summing to 1, and `diffusion`, the same for all of the diffusion.

        Raises:
            InputError: If the pixel is outside the image, or the network has no transition matrices.
        """
        height, width = self.size
        if not (0 <= row < height and 0 <= column < width):
            raise InputError(f"pixel {row},{column} is outside the image of {height} rows, {width} columns")
        if self.diffusion is None or not self.has_walks:
            raise InputError("this network has no transition matrices to show")
        node = row * self.grid[0] // height * self.grid[1] + column * self.grid[1] // width
        rows = similarity_rows(self.diffusion, self.record.levels, node=node).float().cpu().numpy()
        return {
            name: values.reshape(self.grid)
            for name, values in zip((*self.levels, "diffusion"), rows, strict=True)
        }

    @property
    def palette(self) -> Pixels:
        """Display colour of every class, (C, 3)."""
        return np.array(list(self.classes.values()), dtype=np.uint8).reshape(-1, 3)

    def picture(self) -> Image.Image:
        """The labels as an image with a palette."""
        labels = Image.fromarray(self.labels)
        labels.putpalette(self.palette.tobytes())
        return labels

    def overlay(self) -> Image.Image:
        """The colours of the classes over the image."""
        return Image.blend(Image.fromarray(self.image), Image.fromarray(self.palette[self.labels]), OVERLAY)

    def save(self, path: Path | str) -> Path:
        """Write the labels as a PNG file with a palette; returns its path.

        Raises:
            InputError: If another program has written a file there, or it cannot be written.
        """
        path = Path(path)
        if path.exists() and not is_ours(path):
            raise InputError(f"{path}: is no picture of 'difnet predict'; choose another name")
        save_picture(self.picture(), path)
        return path

    def __repr__(self) -> str:
        """Size, and the most frequent classes with their shares."""
        counts = np.bincount(self.labels.ravel(), minlength=len(self.classes))
        names = list(self.classes)
        most = [index for index in np.argsort(-counts, kind="stable")[:SHOWN] if counts[index]]
        shares = ", ".join(f"{names[index]} {counts[index] / counts.sum():.0%}" for index in most)
        return f"Segmentation({self.size[0]}x{self.size[1]} pixels: {shares})"

    def _repr_png_(self) -> bytes:
        """The overlay, as notebooks show it."""
        buffer = BytesIO()
        self.overlay().save(buffer, format="PNG")
        return buffer.getvalue()

    @property
    def prediction(self) -> Prediction:
        """What the network returned."""
        assert self.record.prediction is not None
        return self.record.prediction

    @property
    def _logits(self) -> Tensor:
        return self.prediction.logits


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a picture as a PNG file that says who wrote it, whole or not at all."""
    info = PngInfo()
    info.add_text(*SIGNATURE)
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG", pnginfo=info)


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that `save_picture` has written."""
    key, value = SIGNATURE
    try:
        with Image.open(path) as image:
            return bool(image.info.get(key) == value)
    except OSError:
        return False


def _at_nodes(values: Tensor | None) -> NDArray[np.float32] | None:
    """(1, C, h, w) -> (C, h, w)."""
    return None if values is None else values[0].detach().float().cpu().numpy()
