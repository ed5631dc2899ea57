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

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import nn

from difnet.config import LEVELS, InputError, RunFolder, atomic_path, load_run
from difnet.data import FileError
from difnet.data.augmentation import Normalisation, normalise
from difnet.data.dataset import Colour, Pixels
from difnet.data.files.colours import voc_colour
from difnet.data.files.decoding import read_image
from difnet.data.files.problems import Problems
from difnet.data.files.tree import IMAGE_SUFFIXES, list_folder
from difnet.evaluation.evaluate_run import label_maps
from difnet.evaluation.forward_pass import ForwardPass, recorded
from difnet.evaluation.similarity import similarity_rows
from difnet.machine.progress import say
from difnet.models import DifNet, from_official, load_network
from difnet.models.rule_protocol import is_linear
from difnet.training import choose_device, memory_format, use_threads

PLAIN, MAPS = ("", "_overlay"), ("_importance", "_seeds")
ROWS = tuple(f"_similarity_{name}" for name in (*LEVELS, "diffusion"))
"""What the names of the pictures end in: always, with maps, with similarity."""
SIGNATURE = ("Software", "difnet predict")
"""Text in every picture, by which it may be replaced."""
MOST_PIXELS = 2**21
"""Of an image that a network with diffusion sees whole: 32,768 nodes, whose walks cost their square."""
OVERLAY = 0.5
"""Share of the class colours in the overlay."""


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode, with what its images and classes look like."""

    network: nn.Module
    levels: tuple[str, ...]
    palette: tuple[Colour, ...]
    """Display colour of every class."""
    normalisation: Normalisation
    layout: torch.memory_format
    """Memory layout of the images."""


def predict_images(
    images: Sequence[Path],
    *,
    weights: Path,
    out: Path,
    maps: bool = False,
    similarity: tuple[int, int] | None = None,
    full_size: bool = False,
) -> Iterator[Path]:
    """Predict images of any size, one after another; an image that cannot be is named at the end.

    Where the network diffuses, an image of more than `MOST_PIXELS` is scaled down to them, after one line,
    and the logits are brought to its own size.

    Args:
        images: Image files, and folders of them.
        weights: A run directory, or a checkpoint in the authors' parameter names.
        out: Folder to write; pictures of an earlier prediction are replaced.
        maps: Write the importance map and the seeds as well.
        similarity: Write where the walks from this pixel (row, column) lead.
        full_size: Scale no image down, whatever that costs.

    Yields:
        The index PNG of every image.

    Raises:
        InputError: If there are no images, the weights do not serve, `out` cannot be written or holds other
            files of these names, or some image could not be predicted.
    """
    files = _find_images(images, out=out)
    _check_names(files, [*PLAIN, *(MAPS if maps else ()), *(ROWS if similarity else ())], out=out)
    trained = _load_trained(weights)
    network = trained.network.to(choose_device())
    if maps and not isinstance(network, DifNet):
        raise InputError(f"{weights}: has neither importance map nor seeds; leave out --maps")
    if similarity and not is_linear(getattr(network, "diffusion", None)):
        raise InputError(f"{weights}: has no transition matrices to show; leave out --similarity")
    problems = Problems()
    diffuses = getattr(network, "diffusion", None) is not None
    most = MOST_PIXELS if diffuses and not full_size else None
    for name, path in files.items():
        try:
            for suffix, picture in _pictures(path, trained, maps=maps, similarity=similarity, most=most):
                with atomic_path(out / f"{name}{suffix}.png") as temporary:
                    picture.save(temporary, pnginfo=_signed())
            yield out / f"{name}.png"
        except FileError as problem:
            problems.add(problem)
    problems.raise_if_any("predict")


def _load_trained(weights: Path) -> Trained:
    """The network of a run directory, or of a checkpoint in the authors' parameter names.

    A run computes with the threads of its configuration. Images for the authors' networks are normalised as
    in their code, and the classes have the colours of PASCAL VOC.

    Raises:
        InputError: If there is no such network, or one that needs more than images.
    """
    if not weights.is_dir():
        try:
            network = from_official(weights)
        except InputError as error:
            raise InputError(f"{error}; give a checkpoint of the authors, or a run directory") from error
        classes = len(network.get_parameter("seed_branch.classifier.convolutions.0.bias"))
        palette = tuple(voc_colour(index) for index in range(classes))
        return Trained(network, LEVELS, palette, "caffe", torch.contiguous_format)
    config = load_run(weights)
    if config.evaluate.oracle_seeds is not None:
        raise InputError(f"{weights}: takes its seeds from labels, which images of your own have not")
    classes = RunFolder(weights).recorded("classes")
    if not classes:
        raise InputError(f"{weights}: does not say what its classes look like; train the run again")
    palette = tuple(classes.values())
    network = load_network(weights, config, num_classes=len(palette))
    layout = memory_format(config.train)
    use_threads(config.train.threads)
    return Trained(network, config.model.levels, palette, config.model.normalisation, layout)


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
            if picture.exists() and not _is_ours(picture):
                raise InputError(f"{picture}: is no picture of 'difnet predict'; choose another --out")


def _is_ours(picture: Path) -> bool:
    key, value = SIGNATURE
    try:
        with Image.open(picture) as image:
            return bool(image.info.get(key) == value)
    except OSError:
        return False


def _signed() -> PngInfo:
    info = PngInfo()
    info.add_text(*SIGNATURE)
    return info


def _pictures(
    path: Path, trained: Trained, *, maps: bool, similarity: tuple[int, int] | None, most: int | None
) -> Iterator[tuple[str, Image.Image]]:
    """The pictures of one image, seen at `most` pixels, each with what its name ends in.

    Raises:
        FileError: If the image cannot be decoded, is too large, or the pixel is outside it.
    """
    image = read_image(path)
    size = image.shape[0], image.shape[1]
    if similarity and not all(0 <= place < length for place, length in zip(similarity, size, strict=True)):
        raise FileError(
            "the pixel of --similarity is outside the image", f"{path} ({size[0]} rows, {size[1]} columns)"
        )
    record = _forward(path, image if most is None else _scaled_down(path, image, most), trained)
    assert record.prediction is not None
    palette = np.array(trained.palette, dtype=np.uint8)
    labels = label_maps(record.prediction.logits, size)[0]
    index = Image.fromarray(labels)
    index.putpalette(palette.tobytes())
    yield "", index
    yield "_overlay", Image.blend(Image.fromarray(image), Image.fromarray(palette[labels]), OVERLAY)
    if maps:
        yield from _maps(record, palette, size)
    if similarity:
        yield from _similarity(record, trained, pixel=similarity, size=size)


def _scaled_down(path: Path, image: Pixels, most: int) -> Pixels:
    """An image of at most so many pixels, after a line where it had more."""
    height, width = image.shape[:2]
    factor = math.sqrt(most / (height * width))
    if factor >= 1:
        return image
    size = max(1, int(width * factor)), max(1, int(height * factor))
    say(
        f"difnet: {path} ({width}x{height}): is seen at {size[0]}x{size[1]}, since the cost of walks grows "
        "with the square of the pixels; --full-size insists"
    )
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def _forward(path: Path, image: Pixels, trained: Trained) -> ForwardPass:
    """One pass, with the inputs of the diffusion."""
    device = next(trained.network.buffers()).device
    images = normalise(torch.from_numpy(image.copy())[None], trained.normalisation)
    images = images.to(device, memory_format=trained.layout)
    try:
        with torch.no_grad(), recorded(trained.network) as record:
            trained.network(images)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error):
            kind = "needs more memory than there is; scale the image down"
            raise FileError(kind, f"{path} ({image.shape[1]}x{image.shape[0]})") from error
        raise
    return record


def _maps(record: ForwardPass, palette: Pixels, size: tuple[int, int]) -> Iterator[tuple[str, Image.Image]]:
    """Importance, where the network has a map, and seeds."""
    assert record.prediction is not None and record.prediction.seeds is not None
    brightness: NDArray[np.float64] | float = 1.0
    if record.prediction.importance is not None:
        upsampled = _at_image_size(record.prediction.importance, size, mode="bilinear")
        yield "_importance", Image.fromarray(np.round(255 * upsampled).astype(np.uint8))
        brightness = upsampled[..., None]
    strongest = label_maps(record.prediction.seeds, size)[0]
    yield "_seeds", Image.fromarray(np.round(palette[strongest] * brightness).astype(np.uint8))


def _similarity(
    record: ForwardPass, trained: Trained, *, pixel: tuple[int, int], size: tuple[int, int]
) -> Iterator[tuple[str, Image.Image]]:
    """Every level's row of the node that holds the pixel, and the one of all of the diffusion."""
    assert record.prediction is not None
    h, w = record.prediction.logits.shape[2:]
    node = pixel[0] * h // size[0] * w + pixel[1] * w // size[1]
    assert isinstance(trained.network, DifNet) and trained.network.diffusion is not None
    rows = similarity_rows(trained.network.diffusion, record.levels, node=node)
    for name, row in zip((*trained.levels, "diffusion"), rows, strict=True):
        shares = row / row.max().clamp_min(torch.finfo(row.dtype).tiny)
        pixels = _at_image_size(shares.reshape(1, 1, h, w), size, mode="nearest-exact")
        yield f"_similarity_{name}", Image.fromarray(np.round(255 * np.sqrt(pixels)).astype(np.uint8))


def _at_image_size(values: torch.Tensor, size: tuple[int, int], *, mode: str) -> NDArray[np.float64]:
    """A map (1, 1, h, w) of values in [0, 1] -> (H, W)."""
    upsampled = torch.nn.functional.interpolate(values.double(), size=size, mode=mode)
    found: NDArray[np.float64] = upsampled[0, 0].clamp(0, 1).cpu().numpy()
    return found
