"""Data set `camvid`: CamVid in the layout of the SegNet authors' release.

`SPLIT/NAME.png` (or .jpg) are the frames, `SPLITannot/NAME.png` the labels and `SPLIT.txt` the list of
names, with a line `NAME` or a path to the frame; splits are train, val and, where it is there, test.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from difnet.data.dataset import Colour, Dataset, Sample
from difnet.data.files.samples import pair_files
from difnet.data.files.tree import IMAGE_SUFFIXES, list_folder, locate, read_lines

VOID_IN_FILES = 11


class CamVid(Dataset):
    """Driving scenes of Cambridge, 480 x 360, 11 classes."""

    title: ClassVar[str] = "CamVid"
    citation: ClassVar[str] = (
        "Brostow, Fauqueur and Cipolla: Semantic object classes in video, Pattern Recognition Letters 2009; "
        "labels of 11 classes by the authors of SegNet; for research use"
    )

    def classes(self) -> dict[str, Colour]:
        """The 11 classes, in the colours of the SegNet authors."""
        return {
            "sky": (128, 128, 128),
            "building": (128, 0, 0),
            "pole": (192, 192, 128),
            "road": (128, 64, 128),
            "pavement": (60, 40, 222),
            "tree": (128, 128, 0),
            "sign": (192, 128, 128),
            "fence": (64, 64, 128),
            "car": (64, 0, 128),
            "pedestrian": (64, 64, 0),
            "bicyclist": (0, 128, 192),
        }

    def samples(self) -> dict[str, list[Sample]]:
        """The listed frames of train, val and, where it is there, test."""
        root = locate("CamVid")
        splits = ["train", "val", *(["test"] if (root / "test.txt").exists() else [])]
        return {split: self._split(root, split) for split in splits}

    def _split(self, root: Path, split: str) -> list[Sample]:
        return pair_files(
            str(root / split),
            names=[_name(line) for line in read_lines(root / f"{split}.txt")],
            images=list_folder(root / split, IMAGE_SUFFIXES),
            labels=list_folder(root / f"{split}annot", IMAGE_SUFFIXES),  # those that are no PNG are refused
            classes=len(self.classes()),
            void=VOID_IN_FILES,
        )


def _name(line: str) -> str:
    """The name in a line of a list, which may have the path and suffix of the frame, and a path more."""
    frame = Path(line.split(maxsplit=1)[0])
    return frame.stem if frame.suffix.lower() in IMAGE_SUFFIXES else frame.name
