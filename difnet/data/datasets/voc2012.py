"""Data set `voc2012`: PASCAL VOC 2012, with the images that SBD labels besides or without them.

`VOCdevkit/VOC2012` and `benchmark_RELEASE/dataset` are laid out as in their archives: `JPEGImages/NAME.jpg`,
`SegmentationClass/NAME.png` and `ImageSets/Segmentation/{train,val}.txt` of VOC, `img/NAME.jpg`,
`cls/NAME.mat` and `{train,val}.txt` of SBD. Borders of objects are void in VOC, and not marked in SBD.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from difnet.data.dataset import VOID, Archive, Colour, Dataset, Sample
from difnet.data.files.colours import voc_colour
from difnet.data.files.samples import pair_files, with_table
from difnet.data.files.tree import list_folder, locate, read_lines

CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

VOC = Archive(
    "https://thor.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
    checksum="md5:6cd6e144f989b92b3379bac3b3de84fd",
    folder="VOCdevkit/VOC2012",
    size=1_999_639_040,
)
SBD = Archive(
    "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz",
    checksum="md5:82b4d87ceb2ed10f6038a1cba92111cb",
    folder="benchmark_RELEASE/dataset",
    size=1_419_539_633,
)


class Voc2012(Dataset):
    """Photographs with 20 kinds of objects and background."""

    title: ClassVar[str] = "PASCAL VOC 2012"
    citation: ClassVar[str] = (
        "Everingham, Eslami, Van Gool, Williams, Winn and Zisserman: The PASCAL Visual Object Classes "
        "Challenge: A Retrospective, IJCV 2015; Hariharan, Arbelaez, Bourdev, Maji and Malik: Semantic "
        "Contours from Inverse Detectors, ICCV 2011 (SBD); photographs from Flickr under its terms of use, "
        "for research"
    )
    obtain: ClassVar[str] = "run 'difnet prepare voc2012 --download' (1.9 GiB, and 1.3 GiB for SBD)"

    train: Literal["train", "trainaug"] = "trainaug"
    """Images to train on: the 1,464 of VOC, or with those of SBD that are not in VOC's val 10,582."""

    def archives(self) -> tuple[Archive, ...]:
        """VOC, and SBD where its images are trained on."""
        return (VOC, SBD) if self.train == "trainaug" else (VOC,)

    def classes(self) -> dict[str, Colour]:
        """Background and the 20 classes, in the colours of VOC."""
        return {name: voc_colour(index) for index, name in enumerate(CLASSES)}

    def samples(self) -> dict[str, list[Sample]]:
        """The images of train and val."""
        voc = locate("VOCdevkit/VOC2012", self.obtain)
        lists = voc / "ImageSets" / "Segmentation"
        train, val = (read_lines(lists / f"{split}.txt") for split in ("train", "val"))
        images = list_folder(voc / "JPEGImages", (".jpg",))
        labels = list_folder(voc / "SegmentationClass", (".png",))
        splits = {"val": _pairs(f"{voc} (val)", val, images, labels)}
        if self.train == "trainaug":
            sbd = locate("benchmark_RELEASE/dataset", self.obtain)
            listed = [*train, *read_lines(sbd / "train.txt"), *read_lines(sbd / "val.txt")]
            held_out = set(val)
            train = [name for name in dict.fromkeys(listed) if name not in held_out]
            images = list_folder(sbd / "img", (".jpg",)) | images
            labels = list_folder(sbd / "cls", (".mat",)) | labels
        return {"train": _pairs(f"{voc} ({self.train})", train, images, labels), **splits}


def _pairs(source: str, names: list[str], images: dict[str, Path], labels: dict[str, Path]) -> list[Sample]:
    """The samples of the given names, those of VOC first; labels of SBD are MATLAB files."""
    samples = pair_files(source, names=names, images=images, labels=labels, classes=len(CLASSES), void=VOID)
    from_voc = [sample for sample in samples if not _is_of_sbd(sample)]
    from_sbd = [sample for sample in samples if _is_of_sbd(sample)]
    return from_voc + with_table(from_sbd, tuple(range(len(CLASSES))), field="GTcls.Segmentation")


def _is_of_sbd(sample: Sample) -> bool:
    return any(path.suffix == ".mat" for path in sample.files)
