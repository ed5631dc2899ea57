"""Data set `camvid`: CamVid in the layout of the SegNet authors' release.

`SPLIT/NAME.png` (or .jpg) are the frames, `SPLITannot/NAME.png` the labels and `SPLIT.txt` the list of
names, with a line `NAME` or a path to the frame; splits are train, val and, where it is there, test.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import ClassVar, Literal

from difnet.config import InputError
from difnet.data.dataset import Colour, Dataset, Sample
from difnet.data.files.samples import check_apart, pair_files
from difnet.data.files.tree import IMAGE_SUFFIXES, list_folder, locate, read_lines

VOID_IN_FILES = 11
SPLIT_OF_SHOT = {"0016E5": "val", "Seq05VD": "test"}
"""The split of a whole shot; all others are trained on."""
SECOND = 29
"""Frames between two that are a second apart, at 30 a second: once the release has 29, else 30."""
END_OF_PATH = re.compile(rf"({'|'.join(map(re.escape, IMAGE_SUFFIXES))})(?=\s|$)", re.IGNORECASE)


class CamVid(Dataset):
    """Driving scenes of Cambridge, 480 x 360, 11 classes."""

    title: ClassVar[str] = "CamVid"
    citation: ClassVar[str] = (
        "Brostow, Fauqueur and Cipolla: Semantic object classes in video, Pattern Recognition Letters 2009; "
        "labels of 11 classes by the authors of SegNet; for research use"
    )

    split: Literal["sequences", "authors"] = "sequences"
    """Whole shots, or the lists of the SegNet authors, whose val lies within a shot that is trained on."""

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
        """The frames of train, val and, where it is there, test; each in the order of its shots."""
        root = locate("CamVid")
        splits = ["train", "val", *(["test"] if (root / "test.txt").exists() else [])]
        listed = {split: self._listed(root, split) for split in splits}
        return listed if self.split == "authors" else _by_sequence(root, listed)

    def _listed(self, root: Path, split: str) -> list[Sample]:
        pairs = pair_files(
            str(root / split),
            names=[_name(line) for line in read_lines(root / f"{split}.txt")],
            images=list_folder(root / split, IMAGE_SUFFIXES),
            labels=list_folder(root / f"{split}annot", IMAGE_SUFFIXES),  # those that are no PNG are refused
            classes=len(self.classes()),
            void=VOID_IN_FILES,
            group_of=lambda name: _place(name)[0],
        )
        return sorted(pairs, key=lambda pair: _place(pair.name))


def _by_sequence(root: Path, listed: dict[str, list[Sample]]) -> dict[str, list[Sample]]:
    """All listed frames, divided by shot, one a second.

    The lists of the SegNet authors hold one frame a second of each shot, but for their val: 6.7 seconds of
    0016E5 at 15 frames a second, between frames of that shot that they train on. Its frames are so alike
    that they count as a few, and so near to the training frames that they flatter every network.

    Of the three shots that every release has, 0016E5 is val: 211 seconds of driving. A frame resembles the
    next, so that the 101 seconds of 0006R0 count as fewer than five independent blocks of images, on which
    no verdict can rest beyond these frames. Seq05VD, which is in the authors' test alone, stays test. All
    else is trained on, and what was val is thinned to one frame a second, so that its seconds do not count
    fifteenfold. docs/claims.md says when val was 0006R0, and why it is no longer.

    Raises:
        InputError: If a frame is in two lists, or there are none of val.
    """
    check_apart("data set 'camvid'", listed)
    frames = sorted((frame for split in listed.values() for frame in split), key=lambda f: _place(f.name))
    splits: dict[str, list[Sample]] = {"train": [], "val": [], "test": []}
    for shot, of_shot in groupby(frames, key=lambda frame: frame.group):
        splits[SPLIT_OF_SHOT.get(shot, "train")] += _one_a_second(list(of_shot))
    if not splits["val"] or not splits["train"]:
        raise InputError(
            f"{root}: lists no frames of {'0016E5, which is val' if splits['train'] else 'other shots'}; add "
            "those of the SegNet authors' release, or set data.options.split: authors"
        )
    return {split: members for split, members in splits.items() if members}


def _one_a_second(frames: list[Sample]) -> list[Sample]:
    """The frames of a shot that are no less than a second after the last one that is kept."""
    kept = frames[:1]
    for frame in frames[1:]:
        if _place(frame.name)[1] - _place(kept[-1].name)[1] >= SECOND:
            kept.append(frame)
    return kept


def _place(name: str) -> tuple[str, int]:
    """Shot and number of a frame `SHOT_NUMBER` or `SHOT_fNUMBER`; a name of another form is a shot alone."""
    match = re.fullmatch(r"(.+)_f?([0-9]{1,9})", name)
    return (match[1], int(match[2])) if match else (name, 0)


def _name(line: str) -> str:
    """The name in a line of a list: `NAME`, or the path of the frame, and often that of the label after it.

    Paths may hold spaces: that of the frame ends where its suffix does.
    """
    end = END_OF_PATH.search(line)
    return Path(line[: end.start()] if end else line).name
