"""Writing the samples of a data set as plain pixels, checking each on the way, and their content hash."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from difnet.data.dataset import VOID, Pair, Pixels, Sample
from difnet.data.files.problems import FileError, Problems
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
        self.checksums: dict[str, int] = {}
        """CRC-32 of every file."""
        self.shown: set[int] = set()
        """Classes that labels show."""

    def write(self, split: str, samples: Iterable[Sample]) -> SplitIndex:
        """Read and write all samples of a split; after the first problem they are only checked.

        That the labels of train show fewer than two classes, or those of others none, is a problem too.
        """
        names: list[str] = []
        shapes: list[tuple[int, int]] = []
        groups: list[str] = []
        shown: set[int] = set()
        of_all = set(range(len(self.classes)))
        paths = [pixel_file(self.folder, split, kind) for kind in ("images", "labels")]
        self.checksums |= {path.name: 0 for path in paths}
        with paths[0].open("wb") as images, paths[1].open("wb") as labels:
            for sample in samples:
                pair = self._read(sample)
                if pair is None or self.problems:
                    continue
                height, width = pair.label.shape
                names.append(sample.name)
                shapes.append((height, width))
                groups.append(sample.group)
                for file, pixels in ((images, pair.image), (labels, pair.label)):
                    stored = pixels.tobytes()
                    file.write(stored)
                    name = Path(file.name).name
                    self.checksums[name] = zlib.crc32(stored, self.checksums[name])
                self.content.add(split, sample.name, pair.image, pair.label)
                if shown < of_all:
                    shown |= {*np.unique(pair.label).tolist()} - {VOID}
        self.shown |= shown
        if split != "train" and not shown and not self.problems:
            self.problems.add(
                FileError("all labels of a split are void; correct them or leave it out", split)
            )
        if split == "train" and len(shown) < 2 and not self.problems:
            self.problems.add(
                FileError(
                    "all labels of a split show fewer than two classes; correct them (255 is void: a mask of "
                    "0 and 255 needs 1 in its place)",
                    f"{split} (only {', '.join(self.classes[value] for value in shown) or 'void'}"
                    f"{', resized to {} x {}'.format(*self.size) if self.size else ''})",
                )
            )
        return SplitIndex(names=tuple(names), shapes=tuple(shapes), groups=tuple(groups))

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


class ContentHash:
    """Hash of the classes, size, names, shapes and pixels of a data set in their order, sample by sample."""

    def __init__(self, classes: tuple[str, ...], size: tuple[int, int] | None) -> None:
        """Begin with no sample of these classes, resized to `size`."""
        self._digest = hashlib.sha256(json.dumps([classes, size]).encode())

    def add(self, split: str, name: str, image: Pixels, label: Pixels) -> None:
        """Add an image (H, W, 3) and its label (H, W)."""
        self._digest.update(json.dumps([split, name, *label.shape]).encode())
        self._digest.update(image.tobytes())
        self._digest.update(label.tobytes())

    def hexdigest(self) -> str:
        """The hash of what was added so far."""
        return self._digest.hexdigest()
