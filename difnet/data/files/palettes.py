"""Labels that store an index and a palette: whether all of a data set mean the same by an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from difnet.data.dataset import Colour
from difnet.data.files.problems import FileError


class Palettes:
    """The colour of every index in the labels so far.

    Programs that save few colours as PNG8 number them anew in each file, so that one colour is another index
    in each: read as classes, such labels are wrong without a sign. The palettes of right ones agree.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Colour, Path]] = {}

    def __repr__(self) -> str:
        """The same always: what is read does not depend on the labels before it."""
        return "Palettes()"

    def add(self, image: Image.Image, path: Path) -> None:
        """Note the palette of one more label.

        Raises:
            FileError: If an index that the label uses has had another colour, or its colour another index.
        """
        palette = np.array(image.getpalette("RGB")).reshape(-1, 3).tolist()
        used = {index: _colour(palette, index) for index in np.unique(np.asarray(image)).tolist()}
        for index, colour in used.items():
            known, first = self._known.get(index, (colour, path))
            if known != colour:
                raise _own_palette(path, f"index {index} is {_shown(colour)}, and {_shown(known)} in {first}")
            for other, (known, first) in self._known.items():
                # A palette may have one colour for several indices, as long as all of its data set do.
                if known == colour and other != index and _colour(palette, other) != colour:
                    place = f"{_shown(colour)} is index {index}, and {other} in {first}"
                    raise _own_palette(path, place)
        self._known |= {index: (colour, path) for index, colour in used.items() if index not in self._known}


def _colour(palette: list[list[int]], index: int) -> Colour:
    """That of an index; black beyond the end of a short palette, as programs show it."""
    red, green, blue = palette[index] if index < len(palette) else (0, 0, 0)
    return red, green, blue


def _own_palette(path: Path, place: str) -> FileError:
    return FileError(
        "label with a palette of its own; save all labels with one, or give classes.txt lines 'NAME R G B', "
        "by which their colours are read",
        f"{path} ({place})",
    )


def _shown(colour: Colour) -> str:
    return " ".join(map(str, colour))
