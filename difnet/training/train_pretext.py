"""The pretext start: a ResNet learns to name what small patches of a data set show, before it sees an image.

It stands in for the ImageNet weights of the paper where there are none, as at the size of `difnet-nano`. From
such a start a short training compares networks, and not how soon each of them takes off. B patches of S x S.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from difnet.config import InputError, PretextConfig, RunConfig, TrainConfig, code_sha256
from difnet.data import open_dataset
from difnet.data.augmentation import normalise
from difnet.data.dataset import Patches
from difnet.machine.locking import locked
from difnet.machine.progress import say
from difnet.models.build import resnet_shapes
from difnet.models.initial_values import set_initial_values
from difnet.models.resnet import DilatedResNet, ResNetShape
from difnet.models.weight_file import write_weights
from difnet.tables import seal, unsealed
from difnet.training.device import choose_device, use_threads
from difnet.training.recipe import make_optimiser, set_learning_rate

HELD_OUT = 500
"""Patches that are not trained on, to say how well the others were learned."""
MADE_BY = "made_by"
"""Key of the weights' file: hash of the code that made it."""


def make_pretext(config: RunConfig, folder: Path) -> Path:
    """The weights that a run with `model.weights: pretext` starts from, trained unless they are there.

    Args:
        config: Of the run.
        folder: Holds one file for each pretext training.

    Returns:
        The file, in torchvision's names.

    Raises:
        InputError: If the data set has no patches, the network has two kinds of ResNet, or the folder cannot
            be written.
    """
    path = folder / f"{config.pretext_identity()}.safetensors"
    code = code_sha256("pretext", dataset=config.data.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", f"makes {path}"):
            if _maker_of(path) != code:
                resnet, share = _trained(config)
                write_weights(resnet, path, {MADE_BY: code})
                seal(path, path.read_bytes())
                say(f"difnet: pretext weights {path}: {share:.1%} of {HELD_OUT} held-out patches named")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from error
    return path


class PatchClassifier(nn.Module):
    """A ResNet, its last layer averaged over the nodes, and one linear score a kind of patch."""

    def __init__(self, shape: ResNetShape, kinds: int) -> None:
        super().__init__()
        self.resnet = DilatedResNet(shape)
        self.classifier = nn.Linear(shape.channels[-1], kinds)

    def forward(self, patches: Tensor) -> Tensor:
        """Bytes (B, S, S, 3) -> scores (B, kinds)."""
        features = self.resnet(normalise(patches, "imagenet"))[-1]
        return self.classifier(features.mean(dim=(2, 3)))  # type: ignore[no-any-return]


def _trained(config: RunConfig) -> tuple[DilatedResNet, float]:
    """The ResNet after its pretext training, and the share of held-out patches that it names."""
    dataset, pretext = open_dataset(config.data), config.model.pretext
    patches = dataset.patches(pretext.patches + HELD_OUT, pretext.seed)
    if patches is None:
        raise InputError(
            f"model.weights: pretext: the data set '{config.data.name}' offers no patches; set it to null"
        )
    shape, other = resnet_shapes(config.model, len(dataset.classes()))
    if shape != other:
        raise InputError(
            f"model.weights: pretext: the two ResNets of {config.model.name} differ; choose one depth"
        )
    use_threads(1)
    torch.manual_seed(pretext.seed)
    network = PatchClassifier(shape, patches.kinds)
    set_initial_values(network, pretext.seed)
    return _fitted(network.to(choose_device()), patches, pretext)


def _fitted(
    network: PatchClassifier, patches: Patches, pretext: PretextConfig
) -> tuple[DilatedResNet, float]:
    """Train with the optimiser and the decay of the recipe, on cross-entropy."""
    device = next(network.parameters()).device
    images, shown = (
        torch.from_numpy(patches.images).to(device),
        torch.from_numpy(patches.shown).long().to(device),
    )
    recipe = TrainConfig(steps=pretext.steps, learning_rate=pretext.learning_rate)
    optimiser = make_optimiser(network, recipe)
    rng = np.random.default_rng(pretext.seed)
    for step in range(pretext.steps):
        chosen = rng.integers(pretext.patches, size=pretext.batch_size)
        set_learning_rate(optimiser, step, recipe)
        optimiser.zero_grad(set_to_none=True)
        loss = cross_entropy(network(images[chosen]), shown[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        named = network.eval()(images[pretext.patches :]).argmax(dim=1) == shown[pretext.patches :]
    return network.resnet, named.float().mean().item()


def _maker_of(path: Path) -> str | None:
    """Hash of the code that made a file of weights; None where none is there as it was written."""
    try:
        unsealed(path, made_by="difnet pretext")
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {}).get(MADE_BY)
    except (InputError, SafetensorError):
        return None
