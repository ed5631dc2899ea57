"""Writing the samples of a data set as plain pixels, checking each on the way."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.data.dataset import VOID, Pair, Sample
from difnet.data.preparation.content import ContentHash
from difnet.data.problems import FileError, Problems
from difnet.data.store import SplitIndex, pixel_file


class SplitWriter:
    """Writes one split after another, and gathers their content hash and the problems met."""

    def __init__(self, folder: Path, *, classes: tuple[str, ...], size: tuple[int, int] | None) -> None:
        """Begin with no split.

        Args:
            folder: Where the files go.
            classes: Names of the classes; part of the content hash.
            size: Height and width that every sample is resized to, or None to keep each its own.
        """
        self.folder = folder
        self.classes = classes
        self.size = size
        self.content = ContentHash(classes, size)
        self.problems = Problems()

    def write(self, split: str, samples: Iterable[Sample]) -> SplitIndex:
        """Read and write all samples of a split; after the first problem they are only checked.

        That the labels of train show fewer than two classes is a problem too.
        """
        names: list[str] = []
        shapes: list[tuple[int, int]] = []
        shown: set[int] = set()
        with (
            pixel_file(self.folder, split, "images").open("wb") as images,
            pixel_file(self.folder, split, "labels").open("wb") as labels,
        ):
            for sample in samples:
                pair = self._read(sample)
                if pair is None or self.problems:
                    continue
                height, width = pair.label.shape
                names.append(sample.name)
                shapes.append((height, width))
                images.write(pair.image.tobytes())
                labels.write(pair.label.tobytes())
                self.content.add(split, sample.name, pair.image, pair.label)
                if len(shown) < 2:
                    shown |= {*np.unique(pair.label).tolist()} - {VOID}
        if split == "train" and len(shown) < 2 and not self.problems:
            self.problems.add(
                FileError(
                    "all labels of a split show fewer than two classes; correct them (255 is void: a mask of "
                    "0 and 255 needs 1 in its place)",
                    f"{split} (only {', '.join(self.classes[value] for value in shown) or 'void'}"
                    f"{', resized to {} x {}'.format(*self.size) if self.size else ''})",
                )
            )
        return SplitIndex(names=tuple(names), shapes=tuple(shapes))

    def _read(self, sample: Sample) -> Pair | None:
        try:
            pair = sample.read()
        except FileError as problem:
            self.problems.add(problem)
            return None
        return resize(pair, self.size) if self.size else pair


def resize(pair: Pair, size: tuple[int, int]) -> Pair:
    """Resize to (height, width): the image bilinear with antialiasing, the label to the nearest pixel."""
    height, width = size
    image = Image.fromarray(pair.image).resize((width, height), Image.Resampling.BILINEAR)
    label = Image.fromarray(pair.label).resize((width, height), Image.Resampling.NEAREST)
    return Pair(image=np.asarray(image), label=np.asarray(label))
