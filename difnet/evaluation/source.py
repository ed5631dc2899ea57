"""A trained network with what its images and classes look like: of a run, or of the authors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from difnet.config import LEVELS, InputError, load_run
from difnet.data import open_dataset
from difnet.data.augmentation import Normalisation
from difnet.data.dataset import Colour
from difnet.models import load_network, load_official
from difnet.training import memory_format, use_threads


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode."""

    network: nn.Module
    levels: tuple[str, ...]
    palette: tuple[Colour, ...]
    """Display colour of every class."""
    normalisation: Normalisation
    layout: torch.memory_format
    """Memory layout of the images."""


def load_trained(weights: Path) -> Trained:
    """The network of a run directory, or of a checkpoint in the authors' parameter names.

    A run computes with the threads of its configuration. Images for the authors' networks are normalised as
    in their code, and the classes have the colours of PASCAL VOC.

    Raises:
        InputError: If there is no such network, or one that needs more than images.
    """
    if not weights.is_dir():
        network = load_official(weights)
        return Trained(network, LEVELS, voc_palette(_classes(network)), "caffe", torch.contiguous_format)
    config = load_run(weights)
    if config.evaluate.oracle_seeds is not None:
        raise InputError(f"{weights}: takes its seeds from labels, which images of your own have not")
    palette = tuple(open_dataset(config.data).classes().values())
    network = load_network(weights, config, num_classes=len(palette))
    layout = memory_format(config.train)
    use_threads(config.train.threads)
    return Trained(network, config.model.levels, palette, config.model.normalisation, layout)


def voc_palette(count: int) -> tuple[Colour, ...]:
    """The colours of PASCAL VOC: the bits of a class, three at a time, are the high bits of R, G and B."""
    channels = [
        [sum((index >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(8)) for channel in range(3)]
        for index in range(count)
    ]
    return tuple((red, green, blue) for red, green, blue in channels)


def _classes(network: nn.Module) -> int:
    """The number of classes: the outputs of the classifier."""
    weight = network.get_parameter("seed_branch.classifier.convolutions.0.weight")
    return weight.shape[0]
