"""A trained network that takes images as people have them: files, arrays and pictures of any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from difnet.config import LEVELS, InputError, RunFolder, load_run
from difnet.data import FileError
from difnet.data.augmentation import Normalisation, normalise
from difnet.data.dataset import Colour, Pixels
from difnet.data.files.colours import voc_colour
from difnet.data.files.decoding import read_image
from difnet.evaluation.forward_pass import device_of, recorded
from difnet.evaluation.segmentation import Segmentation
from difnet.machine.progress import say
from difnet.models import from_official, load_network, parameter_count
from difnet.training import choose_device, memory_format

MOST_PIXELS = 2**21
"""Of an image that a network with diffusion sees whole: 32,768 nodes, whose walks cost their square."""

ImageLike = Path | str | Image.Image | NDArray[np.uint8]
"""A file, a picture, or red, green and blue of every pixel, (H, W, 3)."""
Batch = list[ImageLike] | tuple[ImageLike, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Segmenter:
    """A network in evaluation mode, with what its images and classes look like.

    Attributes:
        source: Where it was loaded from.
        network: Maps normalised images (B, 3, H, W) to a `Prediction`.
        classes: Display colour of every class by name, in the order of their indices.
        levels: Names of the levels that it diffuses along; empty where it does not.
        normalisation: How its images are normalised.
        layout: Memory layout of its images.
        threads: What its training computed with; None where that is not known.
    """

    source: str
    network: nn.Module
    classes: dict[str, Colour]
    levels: tuple[str, ...]
    normalisation: Normalisation
    layout: torch.memory_format
    threads: int | None = None

    @classmethod
    def of_run(cls, directory: Path) -> Segmenter:
        """The network of a run directory, on a GPU where there is one.

        Raises:
            InputError: If it is no trained run, is damaged, or needs more than images.
        """
        config = load_run(directory)
        if config.evaluate.oracle_seeds is not None:
            raise InputError(f"{directory}: takes its seeds from labels, which images of your own have not")
        classes = RunFolder(directory).recorded("classes")
        if not classes:
            raise InputError(
                f"{directory}: is not trained to its end, or does not say what its classes look like; train "
                "the run again"
            )
        network = load_network(directory, config, num_classes=len(classes)).to(choose_device())
        colours = {name: (red, green, blue) for name, (red, green, blue) in classes.items()}
        levels = config.model.levels if getattr(network, "diffusion", None) is not None else ()
        return cls(
            str(directory),
            network,
            colours,
            levels,
            config.model.normalisation,
            memory_format(config.train),
            config.train.threads,
        )

    @classmethod
    def of_authors(cls, checkpoint: Path) -> Segmenter:
        """The network of a checkpoint in the authors' parameter names, on a GPU where there is one.

        Images are normalised as in their code, and the classes have the colours of PASCAL VOC.

        Raises:
            InputError: If there is no such network.
        """
        try:
            network = from_official(checkpoint).to(choose_device())
        except InputError as error:
            raise InputError(f"{error}; give a checkpoint of the authors, or a run directory") from error
        count = len(network.get_parameter("seed_branch.classifier.convolutions.0.bias"))
        colours = {f"class {index}": voc_colour(index) for index in range(count)}
        levels = LEVELS if getattr(network, "diffusion", None) is not None else ()
        return cls(str(checkpoint), network, colours, levels, "caffe", torch.contiguous_format)

    @overload
    def predict(self, images: ImageLike, *, full_size: bool = ...) -> Segmentation: ...
    @overload
    def predict(self, images: Batch, *, full_size: bool = ...) -> list[Segmentation]: ...
    def predict(
        self, images: ImageLike | Batch, *, full_size: bool = False
    ) -> Segmentation | list[Segmentation]:
        """Segment one image, or several one after another.

        Where the network diffuses, an image of more than `MOST_PIXELS` is scaled down to them, after one
        line, and the logits are brought to its own size.

        Args:
            images: A file, a PIL image, an array (H, W, 3) of bytes in the order red, green, blue; or a
                sequence of these, or an array (B, H, W, 3).
            full_size: Scale no image down, whatever that costs.

        Returns:
            One segmentation, or a list of them for several images.

        Raises:
            InputError: If an image cannot be read, is none, or needs more memory than there is.
        """
        several = images.ndim == 4 if isinstance(images, np.ndarray) else isinstance(images, (list, tuple))
        if several:
            return [self.predict(image, full_size=full_size) for image in images]  # type: ignore[union-attr]
        try:
            return self.segment(images, full_size=full_size)  # type: ignore[arg-type]
        except FileError as error:
            raise InputError(str(error)) from error

    def segment(self, image: ImageLike, *, full_size: bool = False) -> Segmentation:
        """Segment one image; as `predict`.

        Raises:
            FileError: If it cannot be read, is none, or needs more memory than there is.
        """
        pixels, name = _pixels(image)
        diffuses = getattr(self.network, "diffusion", None)
        seen = pixels if full_size or diffuses is None else _scaled_down(pixels, name)
        device = device_of(self.network)
        batch = normalise(torch.from_numpy(seen.copy())[None], self.normalisation)
        batch = batch.to(device, memory_format=self.layout)
        try:
            with torch.no_grad(), recorded(self.network) as record:
                self.network(batch)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error):
                kind = "needs more memory than there is; scale the image down"
                raise FileError(kind, f"{name} ({seen.shape[1]}x{seen.shape[0]})") from error
            raise
        return Segmentation(pixels, self.classes, self.levels, diffuses, record)

    def __repr__(self) -> str:
        """Kind of network, classes, size and source on one line."""
        kind, count = type(self.network).__name__, parameter_count(self.network)
        return f"Segmenter({kind}, {len(self.classes)} classes, {count / 1e6:.2f}M parameters, {self.source})"


def _pixels(image: ImageLike) -> tuple[Pixels, str]:
    """An image as (H, W, 3), and what to call it.

    Raises:
        FileError: If it is none.
    """
    if isinstance(image, (str, Path)):
        return read_image(Path(image)), str(image)
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB")), "the image"
    if not isinstance(image, np.ndarray):
        raise FileError("not an image; give a file, a PIL image or an array", type(image).__name__)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        found = f"{image.dtype} of shape {image.shape}"
        raise FileError("not an image; an array has bytes and the shape (height, width, 3)", found)
    return image, "the image"


def _scaled_down(image: Pixels, name: str) -> Pixels:
    """An image of at most `MOST_PIXELS`, after a line where it had more."""
    height, width = image.shape[:2]
    factor = math.sqrt(MOST_PIXELS / (height * width))
    if factor >= 1:
        return image
    size = max(1, int(width * factor)), max(1, int(height * factor))
    say(
        f"difnet: {name} ({width}x{height}): is seen at {size[0]}x{size[1]}, since the cost of walks grows "
        "with the square of the pixels; full size insists"
    )
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
