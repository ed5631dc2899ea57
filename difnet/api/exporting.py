"""A trained network as a folder that others load: with `difnet.load`, or as a program of PyTorch alone."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from difnet.api.model_card import model_card
from difnet.config import InputError, RunError, load_run
from difnet.config.files import not_written
from difnet.config.run_folder import CONFIG, ENVIRONMENT, SOURCES, WEIGHTS
from difnet.data.augmentation import Normalisation, normalise
from difnet.evaluation import Segmenter
from difnet.models import parameter_count

CARD, PROGRAM = "README.md", "model.pt2"
TOLERANCE = 1e-5
"""Largest difference of the program's probabilities from those of the network."""


class FromBytes(nn.Module):
    """A network with what comes before and after it: bytes of an image in, probabilities of its pixels out.

    Args:
        network: Maps normalised images to a `Prediction`.
        normalisation: Of its images.
    """

    def __init__(self, network: nn.Module, normalisation: Normalisation) -> None:
        super().__init__()
        self.network = network
        self.normalisation = normalisation

    def forward(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8, RGB -> (B, C, H, W), which sum to 1 over the classes."""
        logits: Tensor = self.network(normalise(images, self.normalisation)).logits
        size = images.shape[1], images.shape[2]
        return interpolate(logits, size=size, mode="bilinear", align_corners=False).softmax(dim=1)


def export(run: Path, out: Path, *, size: tuple[int, int] | None = None) -> Path:
    """Write weights, configuration, environment and a model card, and on request a program.

    `difnet.load` reads the folder; hubs of models show its card.

    Args:
        run: A run directory.
        out: Folder to write; it must not hold anything yet.
        size: Height and width of the images that a program of PyTorch alone takes (`model.pt2`, by
            `torch.export`), diffusion included; None for none.

    Returns:
        The folder.

    Raises:
        InputError: If the run is not trained to its end or damaged, `out` holds something, or the size
            is not one.
        RunError: If the program does not give the probabilities of the network.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; choose another folder")
    if size is not None and min(size) < 1:
        raise InputError(f"size {size[0]} {size[1]}: give height and width in pixels")
    config, segmenter = load_run(run), Segmenter.of_run(run)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
            folder = Path(name) / out.name
            folder.mkdir()
            for file in (CONFIG, ENVIRONMENT, WEIGHTS):
                shutil.copyfile(run / file, folder / file)
            if (run / SOURCES).is_dir():
                shutil.copytree(run / SOURCES, folder / SOURCES)
            card = model_card(run, config, parameters=parameter_count(segmenter.network), size=size)
            (folder / CARD).write_text(card, encoding="utf-8")
            if size is not None:
                _write_program(segmenter, folder / PROGRAM, size)
            folder.replace(out)
    except OSError as error:
        raise not_written(out, error) from error
    return out


def _write_program(segmenter: Segmenter, path: Path, size: tuple[int, int]) -> None:
    """Trace the network for images of one size, and compare it on one of noise."""
    network = FromBytes(segmenter.network.cpu(), segmenter.normalisation).eval().requires_grad_(False)
    noise = torch.randint(256, (1, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        expected = network(noise)  # first: constants that a call keeps must not be those of the tracing
        program = torch.export.export(network, (noise,))
        difference = float((program.module()(noise) - expected).abs().max())
        if not difference <= TOLERANCE:
            raise RunError(f"{path.name}: its probabilities differ by {difference:.1g} from the network's")
        torch.export.save(program, path)
