"""Pairing images with labels by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from difnet.config import InputError
from difnet.data.dataset import Pair, Sample
from difnet.data.files.colours import ColourCode
from difnet.data.files.decoding import FileSample
from difnet.data.files.tree import IMAGE_SUFFIXES
from difnet.data.problems import FileError, Problems


def pair_files(
    source: str,
    *,
    names: Iterable[str],
    images: dict[str, Path],
    labels: dict[str, Path],
    classes: int,
    void: int,
    colours: ColourCode | None = None,
    as_stored: bool = True,
) -> list[Sample]:
    """The samples of the given names; the other arguments are those of `FileSample`.

    Of a name that is there twice, or lacks image or label, the sample says so when it is read: one message
    then names it, after `source`, together with the files that cannot be read.

    Raises:
        InputError: If there are no names.
    """
    samples: list[Sample] = []
    seen: set[str] = set()
    for name in names:
        if name in seen:
            problem = "listed twice; keep it once"
        elif name in images and name in labels:
            problem = ""
            samples.append(FileSample(name, images[name], labels[name], classes, void, colours, as_stored))
        elif name in images:
            problem = "image without label; add the label or remove the image"
        elif name in labels:
            problem = "label without image; add the image or remove the label"
        else:
            problem = "listed but not there; add image and label or remove the name (names have no suffix)"
        if problem:
            samples.append(MissingSample(name, f"{source}: {problem}"))
        seen.add(name)
    if not samples:
        suffixes = ", ".join(IMAGE_SUFFIXES)
        raise InputError(f"{source}: holds no images; add some as {suffixes}, or their names to its list")
    return samples


@dataclass(frozen=True)
class MissingSample:
    """A name without the files of a sample."""

    name: str
    problem: str
    files: tuple[Path, ...] = ()

    def read(self) -> Pair:
        """Tell what is missing.

        Raises:
            FileError: Always.
        """
        raise FileError(self.problem, self.name)


def check_apart(source: str, samples: dict[str, list[Sample]]) -> None:
    """Check that no name is in two splits: what is trained on would be scored.

    Raises:
        InputError: If there are such names; the message starts with `source`.
    """
    problems = Problems()
    split_of: dict[str, str] = {}
    for split, group in samples.items():
        for sample in group:
            first = split_of.setdefault(sample.name, split)
            if first != split:
                problems.add(FileError("in two splits; keep it in one", f"{sample.name} ({first}, {split})"))
    problems.raise_if_any(source)
