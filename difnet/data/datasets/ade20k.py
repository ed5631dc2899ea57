"""Data set `ade20k`: the scene parsing benchmark of ADE20K, 150 classes.

`ADEChallengeData2016` is laid out as in its archive: `images/SPLIT/NAME.jpg`, `annotations/SPLIT/NAME.png`
(0 not labelled, then the number of the class) and `objectInfo150.txt`, the table of the classes; SPLIT is
training or validation.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from difnet.config import InputError
from difnet.data.dataset import VOID, Archive, Colour, Dataset, Sample
from difnet.data.files.colours import voc_colour
from difnet.data.files.samples import pair_files, with_table
from difnet.data.files.tree import list_folder, locate, read_lines

COUNT = 150
TABLE = (VOID, *range(COUNT))

RELEASE = Archive(
    "http://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
    checksum="sha1:219e1696abb36c8ba3a3afe7fb2f4b4606a897c7",
    folder="ADEChallengeData2016",
)


class Ade20k(Dataset):
    """Scenes of all kinds, indoors and outdoors."""

    title: ClassVar[str] = "ADE20K"
    citation: ClassVar[str] = (
        "Zhou, Zhao, Puig, Fidler, Barriuso and Torralba: Scene Parsing through ADE20K Dataset, CVPR 2017; "
        "images for non-commercial research and education, labels BSD 3-Clause"
    )
    obtain: ClassVar[str] = "run 'difnet prepare ade20k --download' (about 0.9 GiB)"

    def archives(self) -> tuple[Archive, ...]:
        """The release of the scene parsing challenge."""
        return (RELEASE,)

    def classes(self) -> dict[str, Colour]:
        """The first name of every class in objectInfo150.txt, coloured as VOC would."""
        path = self._folder() / "objectInfo150.txt"
        rows = [line.split("\t") for line in read_lines(path)[1:]]
        names = {row[-1].partition(",")[0].strip(): row[0].strip() for row in rows}
        if list(names.values()) != [str(number) for number in range(1, COUNT + 1)]:
            raise InputError(f"{path}: is not the table of {COUNT} classes; extract the archive again")
        return {name: voc_colour(int(number)) for name, number in names.items()}

    def samples(self) -> dict[str, list[Sample]]:
        """The images of train and val."""
        return {"train": self._split("training"), "val": self._split("validation")}

    def _split(self, split: str) -> list[Sample]:
        root = self._folder()
        images = list_folder(root / "images" / split, (".jpg",))
        labels = list_folder(root / "annotations" / split, (".png",))
        names = sorted(images.keys() | labels.keys())
        pairs = pair_files(
            f"{root} ({split})", names=names, images=images, labels=labels, classes=COUNT, void=VOID
        )
        return with_table(pairs, TABLE)

    def _folder(self) -> Path:
        return locate("ADEChallengeData2016", self.obtain)
