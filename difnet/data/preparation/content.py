"""The content hash of a prepared data set: of its classes, size, names, shapes and pixels, in their order."""

from __future__ import annotations

import hashlib
import json

from difnet.data.dataset import Pixels
from difnet.data.store import PreparedData


class ContentHash:
    """Gathers the hash sample by sample."""

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


def stored_hash(data: PreparedData, size: tuple[int, int] | None) -> str:
    """The hash of what is on disk now; reads every pixel."""
    content = ContentHash(data.index.classes, size)
    for name in data.index.splits:
        split = data.split(name)
        for i in range(len(split)):
            content.add(name, split.names[i], split.image(i), split.label(i))
    return content.hexdigest()
