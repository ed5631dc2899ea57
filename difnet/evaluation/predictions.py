"""Predictions for a user's own images, as PNG files.

H W image size, h w grid.

    NAME.png                        class of every pixel, with the colours of the data set as palette
    NAME_overlay.png                these colours over the image
    NAME_importance.png             importance map, black 0 to white 1
    NAME_seeds.png                  colour of the strongest seed, as bright as it is important
    NAME_similarity_LEVEL.png       what one node takes from every other in a walk of the level, white the
                                    most (square root)
    NAME_similarity_diffusion.png   the same for all of the diffusion
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from difnet.config import LEVELS, InputError
from difnet.data import FileError
from difnet.data.files.problems import Problems
from difnet.data.files.tree import IMAGE_SUFFIXES, list_folder
from difnet.evaluation.evaluate_run import label_maps
from difnet.evaluation.segmentation import Segmentation, is_ours, save_picture
from difnet.evaluation.segmenter import Segmenter
from difnet.models import DifNet
from difnet.models.rule_protocol import is_linear
from difnet.training import use_threads

PLAIN, MAPS = ("", "_overlay"), ("_importance", "_seeds")
ROWS = tuple(f"_similarity_{name}" for name in (*LEVELS, "diffusion"))
"""What the names of the pictures end in: always, with maps, with similarity."""


def predict_images(
    images: Sequence[Path],
    *,
    segmenter: Segmenter,
    out: Path,
    maps: bool = False,
    similarity: tuple[int, int] | None = None,
    full_size: bool = False,
) -> Iterator[Path]:
    """Predict images of any size, one after another; an image that cannot be is named at the end.

    Args:
        images: Image files, and folders of them.
        segmenter: The network; it computes with the threads of its training.
        out: Folder to write; pictures of an earlier prediction are replaced.
        maps: Write the importance map and the seeds as well.
        similarity: Write where the walks from this pixel (row, column) lead.
        full_size: Scale no image down, whatever that costs.

    Yields:
        The index PNG of every image.

    Raises:
        InputError: If there are no images, the network has no such maps, `out` cannot be written or holds
            other files of these names, or some image could not be predicted.
    """
    files = _find_images(images, out=out)
    _check_names(files, [*PLAIN, *(MAPS if maps else ()), *(ROWS if similarity else ())], out=out)
    if segmenter.threads is not None:
        use_threads(segmenter.threads)
    if maps and not isinstance(segmenter.network, DifNet):
        raise InputError(f"{segmenter.source}: has neither importance map nor seeds; leave out --maps")
    if similarity and not is_linear(getattr(segmenter.network, "diffusion", None)):
        raise InputError(f"{segmenter.source}: has no transition matrices to show; leave out --similarity")
    problems = Problems()
    for name, path in files.items():
        try:
            segmentation = segmenter.segment(path, full_size=full_size)
            for suffix, picture in _pictures(path, segmentation, maps=maps, similarity=similarity):
                save_picture(picture, out / f"{name}{suffix}.png")
            yield out / f"{name}.png"
        except FileError as problem:
            problems.add(problem)
    problems.raise_if_any("predict")


def _find_images(paths: Sequence[Path], *, out: Path) -> dict[str, Path]:
    """The images among files and folders, by name without suffix.

    Raises:
        InputError: If there are none, two have one name, or `out` is a folder that they are in.
    """
    files: dict[str, Path] = {}
    for path in paths:
        found = list_folder(path, IMAGE_SUFFIXES) if path.is_dir() else {path.stem: path}
        if not found:
            raise InputError(f"{path}: holds no images; add some as {', '.join(IMAGE_SUFFIXES)}")
        for name, file in found.items():
            if not file.is_file():
                raise InputError(f"{file}: no such file")
            if files.setdefault(name, file) != file:
                raise InputError(f"{files[name]} and {file} have one name; predict them into two folders")
            if file.resolve().parent == out.resolve():
                raise InputError(f"{out}: is where {file.name} lies; choose another --out")
    return files


def _check_names(files: dict[str, Path], suffixes: Sequence[str], *, out: Path) -> None:
    """Make sure that no picture takes the place of another, or of a file that is no picture of ours.

    Raises:
        InputError: If one does.
    """
    source: dict[str, Path] = {}
    for name, file in files.items():
        for suffix in suffixes:
            picture = out / f"{name}{suffix}.png"
            if source.setdefault(picture.name, file) != file:
                raise InputError(
                    f"{source[picture.name]} and {file} would both be written to {picture}; predict into "
                    "two folders"
                )
            if picture.exists() and not is_ours(picture):
                raise InputError(f"{picture}: is no picture of 'difnet predict'; choose another --out")


def _pictures(
    path: Path, found: Segmentation, *, maps: bool, similarity: tuple[int, int] | None
) -> Iterator[tuple[str, Image.Image]]:
    """The pictures of one image, each with what its name ends in.

    Raises:
        FileError: If the pixel is outside the image.
    """
    rows, columns = found.size
    if similarity and not (0 <= similarity[0] < rows and 0 <= similarity[1] < columns):
        kind = "the pixel of --similarity is outside the image"
        raise FileError(kind, f"{path} ({rows} rows, {columns} columns)")
    yield "", found.picture()
    yield "_overlay", found.overlay()
    if maps:
        yield from _maps(found)
    if similarity:
        for name, taken in found.walks(*similarity).items():
            shares = torch.from_numpy(taken / max(taken.max(), np.finfo(taken.dtype).tiny))
            pixels = _at_image_size(shares[None, None], found.size, mode="nearest-exact")
            yield f"_similarity_{name}", Image.fromarray(np.round(255 * np.sqrt(pixels)).astype(np.uint8))


def _maps(found: Segmentation) -> Iterator[tuple[str, Image.Image]]:
    """Importance, where the network has a map, and seeds."""
    prediction = found.prediction
    assert prediction.seeds is not None
    brightness: NDArray[np.float64] | float = 1.0
    if prediction.importance is not None:
        upsampled = _at_image_size(prediction.importance, found.size, mode="bilinear")
        yield "_importance", Image.fromarray(np.round(255 * upsampled).astype(np.uint8))
        brightness = upsampled[..., None]
    strongest = label_maps(prediction.seeds, found.size)[0]
    yield "_seeds", Image.fromarray(np.round(found.palette[strongest] * brightness).astype(np.uint8))


def _at_image_size(values: torch.Tensor, size: tuple[int, int], *, mode: str) -> NDArray[np.float64]:
    """A map (1, 1, h, w) of values in [0, 1] -> (H, W)."""
    upsampled = torch.nn.functional.interpolate(values.double(), size=size, mode=mode)
    found: NDArray[np.float64] = upsampled[0, 0].clamp(0, 1).cpu().numpy()
    return found
